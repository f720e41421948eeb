/**
 * A process that uses a catalogue's folder until it is killed: `publish FOLDER RUN` publishes one release after the other and prints each digest
 * once it is published; `lock FOLDER` takes the lock, says so and keeps it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openCatalogue } from '../../adapters/catalogue/catalogue.ts'
import { withLock } from '../../adapters/filesystem/folder-lock.ts'
import { sampleBundle, sampleRequest } from './sample-bundle.ts'

const [what, folder = '', run = ''] = process.argv.slice(2)
if (what === 'lock') {
  await withLock(folder, 10_000, async () => {
    process.stdout.write('held\n')
    await sleep(600_000)
  })
}
const catalogue = openCatalogue({ folder })
for (let number = 0; ; number++) {
  const answer = await catalogue.publish(sampleRequest(sampleBundle(`${run}.${number}`, { version: `${run}.${number}.0` }), true, new Date().toISOString()))
  if (answer.kind === 'name-taken') throw new Error('taken')
  process.stdout.write(`${answer.digest}\n`)
}
