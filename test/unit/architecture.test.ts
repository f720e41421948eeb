import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Each breach, and a part of the sentence that answers it. */
const BREACHES: readonly (readonly [file: string, code: string, answer: string])[] = [
  ['schemas/breach.ts', "import { run } from '../pipeline/run.ts'\nrun()\n", 'they know nothing of the other rooms'],
  ['pipeline/imports-adapter.ts', "import { x } from '../adapters/x.ts'\nx()\n", 'Declare a port'],
  ['pipeline/reads-file.ts', "import { readFileSync } from 'node:fs'\nreadFileSync('x')\n", 'take a value, or a port'],
  ['pipeline/starts-process.ts', "import { spawn } from 'node:child_process'\nspawn('x')\n", 'take a value, or a port'],
  ['pipeline/opens-socket.ts', "export const answer = fetch('https://example.org')\n", 'take a port'],
  ['pipeline/asks-clock.ts', 'export const now = Date.now()\n', 'so that a run can be replayed'],
  ['pipeline/waits.ts', 'setTimeout(() => undefined, 1)\n', 'the port Clock'],
  ['pipeline/draws-lots.ts', 'export const x = Math.random()\n', 'so that a run can be replayed'],
  ['pipeline/draws-id.ts', "import { randomUUID } from 'node:crypto'\nrandomUUID()\n", 'so that a run can be replayed'],
  ['pipeline/reads-environment.ts', "export const home = process.env['HOME']\n", 'reads no environment'],
  ['adapters/imports-cli.ts', "import { x } from '../cli/x.ts'\nx()\n", 'Arrows point down only'],
  ['adapters/reads-environment.ts', "export const home = process.env['HOME']\n", 'one file per edge room'],
  ['actions/imports-cli.ts', "import { x } from '../cli/x.ts'\nx()\n", 'they never import each other'],
  ['actions/reads-environment.ts', "export const home = process.env['HOME']\n", 'one file per edge room'],
  ['actions/starts-shell.ts', "import { exec } from 'node:child_process'\nexec('x')\n", 'never reaches a shell'],
  ['actions/holds-resvg.ts', "import { Resvg } from '@resvg/resvg-wasm'\nexport const r = Resvg\n", 'Too large for an action'],
  ['app/imports-actions.ts', "import { x } from '../actions/x.ts'\nx()\n", 'they never import each other'],
  ['app/reads-environment.ts', "export const home = process.env['HOME']\n", 'one file per edge room'],
  ['app/starts-program.ts', "import { spawn } from 'node:child_process'\nspawn('x')\n", 'The app runs nothing'],
  ['cli/imports-app.ts', "import { x } from '../app/x.ts'\nx()\n", 'they never import each other'],
]

describe('the linter holds the architecture', () => {
  let folder = ''
  let diagnostics: readonly { filename: string; message: string; help?: string }[] = []

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctss-architecture-'))
    cpSync('.oxlintrc.json', join(folder, '.oxlintrc.json'))
    cpSync('tsconfig.json', join(folder, 'tsconfig.json'))
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
    const files = [
      ...BREACHES,
      ['pipeline/one.ts', "import { two } from './two.ts'\nexport const one = (): unknown => two\n", ''],
      ['pipeline/two.ts', "import { one } from './one.ts'\nexport const two = (): unknown => one\n", ''],
    ]
    for (const [file = '', code = ''] of files) {
      mkdirSync(join(folder, dirname(file)), { recursive: true })
      writeFileSync(join(folder, file), code)
    }
    const { stdout } = spawnSync(resolve('node_modules/.bin/oxlint'), ['--format', 'json'], { cwd: folder, encoding: 'utf8' })
    diagnostics = (JSON.parse(stdout) as { diagnostics: typeof diagnostics }).diagnostics
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(BREACHES)('%s', (file, _code, answer) => {
    const answers = diagnostics.filter(({ filename }) => filename === file).map(({ message, help }) => `${message} ${help}`)

    expect(answers.join('\n')).toContain(answer)
  })

  it('refuses a cycle', () => {
    expect(
      diagnostics
        .filter(({ filename }) => /(one|two)\.ts$/.test(filename))
        .map(({ message }) => message)
        .join(),
    ).toMatch(/cycle/i)
  })
})
