import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { Workplace } from '../support/ctss-process.ts'

it('the commands of docs/tutorial.md do what it says, in the order in which they stand', async () => {
  await using place = await Workplace.make()
  const text = await readFile('docs/tutorial.md', 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, commands]) => commands ?? '')
  const prelude = `set -euxo pipefail\nctss() { '${process.execPath}' '${resolve('bin/ctss.mjs')}' "$@"; }\nexport GIT_AUTHOR_NAME=Zelda GIT_AUTHOR_EMAIL=zelda@example.org GIT_COMMITTER_NAME=Zelda GIT_COMMITTER_EMAIL=zelda@example.org\n`
  const native = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'
  // The registry outlives the test, and remembers what was released under which name.
  const script =
    prelude +
    blocks
      .join('\n')
      .replaceAll('linux/amd64', native)
      .replaceAll('cloud-counter', `cloud-counter-${randomBytes(4).toString('hex')}`)

  const { status, output } = await new Promise<{ status: number; output: string }>((done) => {
    execFile('bash', ['-c', script], { cwd: place.folder, env: place.environment, maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: `${stdout}\n${stderr.slice(-5000)}` }),
    )
  })

  expect(status, output).toBe(0)
  expect(blocks.length).toBeGreaterThan(6)
  expect(output.match(/report {2}\S+report\.html/g)?.length).toBeGreaterThanOrEqual(4)
})
