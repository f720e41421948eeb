/**
 * A replica of its own, to be killed. `put`: puts deliveries and prints the id of each that was acknowledged. `hang`: prints each ref that it is handed,
 * and never ends with it. The place: a URL, or a folder.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openServiceStore } from '../../adapters/service-state/open-service-store.ts'

const [role, where = '', prefix = ''] = process.argv.slice(2)
const place = where.startsWith('postgres:') ? { url: where } : { folder: where, waitMs: 5000 }
const { inbox } = await openServiceStore({ place, leaseSeconds: 10, backoffSeconds: 0, onError: () => undefined })
const say = (text: string): void => void process.stdout.write(`${text}\n`)

if (role === 'put') {
  say('open')
  for (let index = 0; ; index += 1) {
    const id = `${prefix}-${index}`
    await inbox.put({ id, address: { repository: 1, ref: `refs/heads/${id}` }, cause: 'push' })
    say(id)
  }
}
await inbox.work(
  async ({ ref }) => {
    say(ref)
    await sleep(3_600_000)
  },
  { parallel: 4, signal: new AbortController().signal },
)
