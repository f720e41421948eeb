import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../../adapters/process/run.ts'
import type { RunResult } from '../../../adapters/process/run.ts'
import { readVersions } from '../../../scripts/runner-images/versions.ts'

const DAY_MS = 86_400_000
const { version } = readVersions().runner

describe('the alarm for an old runner', () => {
  let server: Server
  let origin = ''
  let answer: [number, object] = [200, []]

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(answer[0]).end(JSON.stringify(answer[1])))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })
  afterAll(() => server.close())

  async function ask(days: number | undefined, status = 200): Promise<RunResult> {
    const release = (name: string, age: number): object => ({ tag_name: `v${name}`, published_at: new Date(Date.now() - age * DAY_MS).toISOString() })
    answer = [status, [release(version, 60), ...(days === undefined ? [] : [release('2.999.0', days)])]]
    return run({ command: process.execPath, args: ['scripts/runner-images/runner-age.ts'] }, { env: { GITHUB_API_URL: origin } })
  }

  it('is silent when there is nothing newer, or nothing that is newer for long', async () => {
    expect(await ask(undefined)).toMatchObject({ exitCode: 0, stdout: `Runner ${version}: there is no newer one.\n` })
    expect(await ask(29)).toMatchObject({ exitCode: 0, stdout: `Runner ${version}: 2.999.0 is newer; the first newer one came 29 days ago.\n` })
  })

  it('rings with a sentence that says what to do', async () => {
    const { exitCode, stdout } = await ask(32)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(
      /^::error title=The runner is too old::Runner \S+ of runner-images\/versions\.json is 3[12] days behind: GitHub gives no jobs .* Merge the pull request that proposes 2\.999\.0/,
    )
  })

  it('rings when GitHub does not answer: an alarm that cannot ring is one too', async () => {
    expect(await ask(1, 503)).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^::error title=The age of the runner is not known::.*answers 503/) })
  })
})
