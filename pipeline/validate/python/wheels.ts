import type { PythonVersion } from '../dockerfile/base-images.ts'
import type { Requirement } from './requirements.ts'
import { parseSpecifiers, parseVersion, satisfies } from './version.ts'
import type { Version } from './version.ts'
import type { Libc, PythonRange, WheelPlatform } from './wheel-name.ts'
import table from './wheels.json' with { type: 'json' }

/** Versions of a package whose files are alike. */
export interface WheelRow {
  /** The newest first. */
  readonly versions: readonly string[]
  /** Pythons that it may be installed on: `>=3.9`; '' for all. */
  readonly requires: string
  /** Whether it can be built from source. */
  readonly source: boolean
  /** Pythons for which there are wheels, by platform: `linux/amd64`, `linux/amd64 musl`, `any`. */
  readonly wheels: Readonly<Record<string, string>>
}

/** wheels.json, which scripts/record-wheels.ts writes. */
export interface WheelTable {
  /** A date: 2026-11-21. */
  readonly recorded: string
  readonly index: string
  readonly packages: Readonly<Record<string, readonly WheelRow[]>>
}

/** When the table was recorded. */
export const WHEELS_DATE: string = table.recorded

/** What pip finds for one platform. */
export interface Supply {
  readonly platform: WheelPlatform
  /** `source`: it has to be compiled · `nothing`: pip ends with "No matching distribution found". */
  readonly kind: 'wheel' | 'source' | 'nothing'
  /** The version that pip takes; undefined when it finds none. */
  readonly version: string | undefined
}

/** What is known of the image's Python. */
export interface Target {
  /** Undefined: not known. */
  readonly python: PythonVersion | undefined
  /** Undefined: not known. */
  readonly libc: Libc | undefined
}

interface Release {
  readonly version: Version
  readonly row: WheelRow
}

const packages = new Map<string, readonly WheelRow[]>(Object.entries(table.packages as WheelTable['packages']))
const read = new Map<string, readonly Release[]>()

/**
 * What pip finds for a package on each platform; undefined: it is not in the table, its version cannot be read or is newer than the table, or it
 * is not certain which version is taken. pip takes the newest version that has any file it can use.
 */
export function suppliesOf({ name, specifiers, url }: Requirement, platforms: readonly WheelPlatform[], target: Target): readonly Supply[] | undefined {
  const releases = releasesOf(name)
  if (releases === undefined || specifiers === undefined || url !== undefined) return undefined
  const fitting = releases.filter(({ version, row }) => satisfies(version, specifiers) && runsOn(row, target.python))
  if (fitting.length === 0) return undefined
  const isPinned = fitting.length === 1
  const supplies = platforms.map((platform): Supply => {
    const taken = fitting.find(({ row }) => row.source || hasWheel(row, platform, target))
    if (taken === undefined) return { platform, kind: 'nothing', version: undefined }
    return { platform, kind: hasWheel(taken.row, platform, target) ? 'wheel' : 'source', version: taken.version.text }
  })
  if (isPinned || target.python !== undefined) return supplies
  // The newest may not be the one that an unknown Python takes: certain is only what holds for all of them.
  return supplies.map((supply) =>
    supply.kind !== 'wheel' && fitting.some(({ row }) => hasWheel(row, supply.platform, target)) ? { ...supply, kind: 'wheel' } : supply,
  )
}

/**
 * Versions that fit, none of which can be installed with a Python: what they ask for, and the newest of them. Undefined: one can, or it is not known.
 */
export function excludedBy({ name, specifiers, url }: Requirement, python: PythonVersion): { readonly version: string; readonly wants: string } | undefined {
  const releases = releasesOf(name)
  if (releases === undefined || specifiers === undefined || url !== undefined) return undefined
  const fitting = releases.filter(({ version }) => satisfies(version, specifiers))
  const [newest] = fitting
  if (
    newest === undefined ||
    fitting.some(({ row }) => runsOn(row, python) && (row.source || Object.values(row.wheels).some((written) => covers(written, python))))
  )
    return undefined
  const { requires, wheels } = newest.row
  return { version: newest.version.text, wants: runsOn(newest.row, python) ? [...new Set(Object.values(wheels))].join(', ') : requires }
}

function releasesOf(name: string): readonly Release[] | undefined {
  const known = read.get(name)
  const rows = packages.get(name)
  if (known !== undefined || rows === undefined) return known
  const releases = rows.flatMap((row) =>
    row.versions.flatMap((text) => [parseVersion(text)].flatMap((version) => (version === undefined ? [] : [{ version, row }]))),
  )
  read.set(name, releases)
  return releases
}

function runsOn({ requires }: WheelRow, python: PythonVersion | undefined): boolean {
  if (python === undefined) return true
  const version = parseVersion(python.join('.'))
  const specifiers = parseSpecifiers(requires)
  return version === undefined || specifiers === undefined || satisfies(version, specifiers)
}

function hasWheel({ wheels }: WheelRow, platform: WheelPlatform, { python, libc }: Target): boolean {
  const keys = ['any', ...(libc === 'musl' ? [] : [platform]), ...(libc === 'glibc' ? [] : [`${platform} musl`])]
  return keys.some((key) => Object.hasOwn(wheels, key) && covers(wheels[key] ?? '', python))
}

function covers(written: string, python: PythonVersion | undefined): boolean {
  if (python === undefined) return written !== ''
  const [major, minor] = python
  return major === 3 && written.split(', ').some((part) => contains(rangeOf(part), minor))
}

/** Of `3.8-3.11`, `3.7+` and `3.9`. */
function rangeOf(part: string): PythonRange {
  const [, first = '', last] = /^3\.(\d+)(?:-3\.(\d+))?/.exec(part) ?? []
  return [Number(first), part.endsWith('+') ? Infinity : Number(last ?? first)]
}

function contains([first, last]: PythonRange, minor: number): boolean {
  return first <= minor && minor <= last
}
