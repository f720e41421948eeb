import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACTIONS } from '../../../actions/definitions.ts'
import { readFiles } from '../../support/mini-runner/hosted-files.ts'

const NAMES = ACTIONS.map(({ name }) => name)
const MIB = 2 ** 20
const LIMIT_BYTES = 2 * MIB
/** What a build reads. */
const SOURCES = ['actions', 'adapters', 'pipeline', 'runner-images', 'schemas', 'scripts', 'package.json', 'tsconfig.json']

/** Packages that only some actions hold. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  train: ['dockerode', '@aws-sdk/client-s3'],
  build: ['dockerode', '@aws-sdk/client-s3'],
  index: ['dockerode'],
  virtual: ['dockerode', 'amqplib'],
  publish: ['vega-lite', '@octokit/core'],
  report: ['vega-lite', '@octokit/core'],
}

let folder = ''
const builds: Readonly<Record<string, Buffer>>[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctss-build-'))
  const other = join(folder, 'another checkout')
  checkOut(other)
  const stale = join(folder, 'out-0/actions/node/dist')
  mkdirSync(stale, { recursive: true })
  writeFileSync(join(stale, 'chunk-OF-AN-EARLIER-BUILD.mjs'), '')
  for (const [index, checkout] of [resolve('.'), other].entries()) {
    const out = join(folder, `out-${index}`)
    execFileSync(process.execPath, [resolve('scripts/build.ts').replace(resolve('.'), checkout), '--actions', '--out', out], {
      cwd: checkout,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    builds.push(readFiles(out))
  }
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The same sources and packages in another place; packages as hard links, where that can be. */
function checkOut(target: string): void {
  mkdirSync(target)
  const isBuilt = (path: string): boolean => /^actions\/[^/]+\/dist$/.test(path)
  for (const path of SOURCES) cpSync(path, join(target, path), { recursive: true, filter: (source) => !isBuilt(source) })
  const copy = (...options: readonly string[]): void =>
    void execFileSync('cp', ['-a', ...options, 'node_modules', join(target, 'node_modules')], { stdio: 'ignore' })
  try {
    copy('--link')
  } catch {
    rmSync(join(target, 'node_modules'), { recursive: true, force: true })
    copy()
  }
}

it('two builds in two checkouts, into two folders, give the same bytes', () => {
  const [one = {}, other = {}] = builds
  expect(Object.keys(one).filter((path) => path.endsWith('/main.mjs'))).toHaveLength(NAMES.length)
  expect(Object.keys(other)).toEqual(Object.keys(one))
  expect(Object.keys(one).filter((path) => !one[path]?.equals(other[path] ?? Buffer.alloc(0)))).toEqual([])
})

describe.each(NAMES)('the dist of %s', (name) => {
  const files = (): readonly (readonly [string, Buffer])[] =>
    Object.entries(builds[0] ?? {}).flatMap(([path, content]) =>
      path.startsWith(`actions/${name}/dist/`) ? [[path.split('/').at(-1) ?? '', content] as const] : [],
    )

  it('holds no more than 2 MiB of code', () => {
    const code = files().filter(([file]) => file !== 'licences.txt')
    expect(code.reduce((sum, [, { length }]) => sum + length, 0)).toBeLessThanOrEqual(LIMIT_BYTES)
  })

  // `deliver` reads records, and neither manifest nor Dockerfile.
  it('lists the packages that are in it', () => {
    const text =
      files()
        .find(([file]) => file === 'licences.txt')?.[1]
        .toString('utf8') ?? ''
    const listed = text.split('\n').flatMap((line) => /^(\S+) \d+\.\d+\.\d+\S* \(.+\)$/.exec(line)?.[1] ?? [])
    expect(listed).toEqual(
      expect.arrayContaining(['@actions/core', ...(name === 'deliver' ? [] : ['yaml', 'semver', 'dockerfile-ast']), ...(MORE[name] ?? [])]),
    )
    for (const others of Object.values(MORE).filter((packages) => packages !== MORE[name]))
      for (const other of others) if (!MORE[name]?.includes(other)) expect(listed).not.toContain(other)
  })
})
