/**
 * Records for which platforms and Pythons PyPI has wheels of the packages in pipeline/validate/python/wheels.json, and writes the file anew.
 * usage: node scripts/record-wheels.ts [PACKAGE ...]    (more packages; those of the file are always recorded)
 *
 * It asks pip, which knows how to reach an index politely: `pip index versions -vvv` prints every file of a package, one request each.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { compareVersions, parseVersion } from '../pipeline/validate/python/version.ts'
import type { Version } from '../pipeline/validate/python/version.ts'
import { readWheelName } from '../pipeline/validate/python/wheel-name.ts'
import type { PythonRange } from '../pipeline/validate/python/wheel-name.ts'
import type { WheelRow, WheelTable } from '../pipeline/validate/python/wheels.ts'

const TABLE = new URL('../pipeline/validate/python/wheels.json', import.meta.url)
const INDEX = 'https://pypi.org/simple/'

interface Release {
  readonly version: Version
  requires: string
  source: boolean
  readonly wheels: Map<string, PythonRange[]>
}

/** The rows of a package, the newest version first, from what pip printed. Withdrawn files and pre-releases are left out. */
export function rowsOf(printed: string): readonly WheelRow[] {
  const releases = new Map<string, Release>()
  for (const line of printed.split('\n')) {
    const file = /https?:\/\/\S+\/([^/\s#]+\.(?:whl|tar\.gz|tar\.bz2|zip))(?:#|\s|$)/.exec(line)?.[1]
    if (file === undefined || /yanked/.test(line)) continue
    const wheel = readWheelName(file)
    const version = parseVersion(wheel?.version ?? /-([^-]+?)\.(?:tar\.gz|tar\.bz2|zip)$/.exec(file)?.[1] ?? '')
    if (version === undefined || version.isPrerelease) continue
    const release = releases.get(version.text) ?? { version, requires: '', source: false, wheels: new Map<string, PythonRange[]>() }
    releases.set(version.text, release)
    release.requires = /requires-python:([^)]*)\)/.exec(line)?.[1] ?? release.requires
    if (wheel === undefined) release.source = true
    for (const { platform, libc } of wheel === undefined ? [] : (wheel.targets ?? [{ platform: 'any', libc: 'glibc' }])) {
      if (platform === 'other') continue
      const key = platform === 'any' ? 'any' : libc === 'musl' ? `${platform} musl` : platform
      release.wheels.set(key, [...(release.wheels.get(key) ?? []), ...(wheel?.pythons ?? [])])
    }
  }
  return join([...releases.values()].toSorted((a, b) => compareVersions(b.version, a.version)))
}

function join(releases: readonly Release[]): readonly WheelRow[] {
  const rows: { row: Omit<WheelRow, 'versions'>; versions: string[] }[] = []
  for (const { version, requires, source, wheels } of releases) {
    const row = {
      requires,
      source,
      wheels: Object.fromEntries([...wheels].toSorted(([a], [b]) => a.localeCompare(b)).map(([key, ranges]) => [key, writeRanges(ranges)])),
    }
    const last = rows.at(-1)
    if (last !== undefined && JSON.stringify(last.row) === JSON.stringify(row)) last.versions.push(version.text)
    else rows.push({ row, versions: [version.text] })
  }
  return rows.map(({ row, versions }) => ({ versions, ...row }))
}

/** `3.8-3.11`, `3.7+`, with gaps `3.6, 3.8`. */
function writeRanges(ranges: readonly PythonRange[]): string {
  const merged: [number, number][] = []
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else merged.push([first, last])
  }
  return merged.map(([first, last]) => (last === Infinity ? `3.${first}+` : first === last ? `3.${first}` : `3.${first}-3.${last}`)).join(', ')
}

/** The file's text: one row a line. */
export function writeTable(recorded: string, packages: ReadonlyMap<string, readonly WheelRow[]>): string {
  const entries = [...packages]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, rows]) => `    ${JSON.stringify(name)}: [\n${rows.map((row) => `      ${JSON.stringify(row)}`).join(',\n')}\n    ]`)
  return `{\n  "recorded": ${JSON.stringify(recorded)},\n  "index": ${JSON.stringify(INDEX)},\n  "packages": {\n${entries.join(',\n')}\n  }\n}\n`
}

function ask(name: string): string {
  const { stdout, stderr, error } = spawnSync('python3', ['-m', 'pip', 'index', 'versions', name, '-vvv', '--index-url', INDEX], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (error !== undefined) throw error
  return `${stdout}\n${stderr}`
}

function main(more: readonly string[]): void {
  const table = JSON.parse(readFileSync(TABLE, 'utf8')) as WheelTable
  const packages = new Map<string, readonly WheelRow[]>()
  for (const name of new Set([...Object.keys(table.packages), ...more])) {
    const rows = rowsOf(ask(name))
    if (rows.length === 0) throw new Error(`pip prints no files of ${name}`)
    packages.set(name, rows)
    console.log(`${name}: ${rows.flatMap(({ versions }) => versions).length} versions in ${rows.length} rows`)
  }
  writeFileSync(TABLE, writeTable(new Date().toISOString().slice(0, 10), packages))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2))
