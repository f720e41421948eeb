import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCHEMA_VERDICTS } from '../support/schema-manifests.ts'

/** Of the version that these verdicts were taken with. */
const PACKAGE = 'check-jsonschema==0.39.0'

interface Report {
  readonly errors?: readonly { readonly filename: string }[]
  readonly parse_errors?: readonly { readonly filename: string }[]
}

describe('check-jsonschema, which is not ours,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-check-jsonschema-'))
  let program: string | undefined
  let reason = ''

  beforeAll(() => {
    if (spawnSync('check-jsonschema', ['--version']).status === 0) return void (program = 'check-jsonschema')
    const made = spawnSync('python3', ['-m', 'venv', join(folder, 'venv')], { encoding: 'utf8' })
    if (made.status !== 0) return void (reason = `python3 -m venv does not work: ${made.error?.message ?? made.stderr}`)
    const installed = spawnSync(join(folder, 'venv/bin/pip'), ['install', '--quiet', '--disable-pip-version-check', PACKAGE], { encoding: 'utf8' })
    if (installed.status === 0) program = join(folder, 'venv/bin/check-jsonschema')
    else reason = `${PACKAGE} cannot be installed: ${installed.stderr.trim().split('\n').at(-1)}`
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function check(files: readonly string[], schema = 'schemas/manifest.schema.json'): readonly string[] {
    const { stdout, stderr } = spawnSync(program ?? '', ['--schemafile', schema, '--output-format', 'json', ...files], { encoding: 'utf8' })
    expect(stdout, stderr).toMatch(/^\{/)
    const { errors = [], parse_errors: unreadable = [] } = JSON.parse(stdout) as Report
    return [...new Set([...errors, ...unreadable].map(({ filename }) => filename))]
  }

  it('says the same about every manifest', (context) => {
    if (program === undefined) return context.skip(reason)
    const files = SCHEMA_VERDICTS.map(([text], index) => {
      const file = join(folder, `${index}.yaml`)
      writeFileSync(file, text)
      return file
    })
    const refused = new Set(check(files).map((file) => basename(file)))

    expect(SCHEMA_VERDICTS.map(([text], index) => [text, refused.has(`${index}.yaml`) ? 'refused' : 'accepted'])).toEqual(SCHEMA_VERDICTS)
  })

  it('accepts the examples', (context) => {
    if (program === undefined) return context.skip(reason)
    const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('sage.yaml'))

    expect(files.length).toBeGreaterThan(0)
    expect(check(files.map((path) => join('examples', path)))).toEqual([])
  })

  it('accepts every schema as one', (context) => {
    if (program === undefined) return context.skip(reason)
    const files = readdirSync('schemas').filter((name) => name.endsWith('.schema.json'))
    const { status, stdout } = spawnSync(program, ['--check-metaschema', ...files.map((name) => join('schemas', name))], { encoding: 'utf8' })

    expect(status, stdout).toBe(0)
  })
})
