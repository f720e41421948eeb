import { analyse, bottomOf } from '../dockerfile/analysis.ts'
import type { RepositoryFacts } from '../rule.ts'
import { installationsOf } from './installations.ts'
import type { Requirement } from './requirements.ts'
import { compareVersions, parseVersion, satisfies } from './version.ts'
import type { Specifier, Version } from './version.ts'

/** pywaggle's releases on PyPI, the newest first; looked up on 2026-11-21. Older ones are tags of waggle-sensor/pywaggle. */
const RELEASES: readonly string[] = [
  '0.56.3', '0.56.0', '0.55.1', '0.55.0', '0.54.0', '0.53.5', '0.53.4', '0.53.3', '0.53.2', '0.53.1', '0.53.0', '0.52.7', '0.52.0.post2', '0.52.0.post1',
] // prettier-ignore

/** The release that a plugin should have. */
export const NEWEST_PYWAGGLE = '0.56.3'

/**
 * Since which release pywaggle behaves so (read in waggle-sensor/pywaggle's tags: `waggle/plugin.py`, from 0.52.0 on `plugin/plugin.py`).
 * `names`: refuses names that are not parts of [a-z0-9_] joined by dots · `timestamps`: refuses what is no int, or before 2000 in nanoseconds ·
 * `values`: refuses what is neither number nor text · `meta`: refuses what is no text · `managed`: `with Plugin()` works · `uninitialised`:
 * `plugin.init()` fails · `logs`: writes PYWAGGLE_LOG_DIR as the data API answers (0.54.0: in another form) · `inside`: publishing outside of `with`
 * raises; before, nothing was ever sent.
 */
export const SINCE = {
  names: '0.45.0',
  managed: '0.50.0',
  uninitialised: '0.50.1',
  timeit: '0.51.0',
  timestamps: '0.53.0',
  values: '0.53.2',
  meta: '0.53.3',
  logs: '0.55.0',
  inside: '0.56.1',
  camera: '0.56.1',
} as const

/** Where an image's pywaggle comes from. */
export interface Pywaggle {
  /** Undefined: not certain. */
  readonly version: Version | undefined
  /** Undefined: it comes with the base image. */
  readonly requirement: Requirement | undefined
  readonly isSteered: boolean
}

/** The pywaggle that the image gets; undefined: nothing says that it gets any. */
export function pywaggleOf(facts: RepositoryFacts): Pywaggle | undefined {
  const wanted = installationsOf(facts).all.filter(({ requirement }) => requirement.name === 'pywaggle')
  const last = wanted.at(-1)
  if (last === undefined) return pywaggleOfBase(facts)
  const { requirement, isSteered } = last
  const isCertain = !isSteered && requirement.marker === undefined
  return { version: isCertain ? resolve(requirement) : undefined, requirement, isSteered }
}

function pywaggleOfBase(facts: RepositoryFacts): Pywaggle | undefined {
  const final = analyse(facts)?.build.final
  const brought = final === undefined ? undefined : bottomOf(final).base?.pywaggle
  return brought === undefined ? undefined : { version: parseVersion(brought), requirement: undefined, isSteered: false }
}

/** The version that pip takes: the newest that fits; of a Git address, the tag in it. */
function resolve({ url, specifiers }: Requirement): Version | undefined {
  if (url !== undefined) return parseVersion(/\.git@v?([0-9][0-9A-Za-z.]*)(?:[#;]|$)/.exec(url)?.[1] ?? '')
  if (specifiers === undefined) return undefined
  const newest = RELEASES.flatMap((text) => parseVersion(text) ?? []).find((version) => satisfies(version, specifiers))
  return newest ?? exact(specifiers)
}

/** A pin to what PyPI does not have: it fails, or comes from elsewhere. */
function exact(specifiers: readonly Specifier[]): Version | undefined {
  return specifiers.find(({ operator }) => operator === '==')?.version
}

/** Whether the image's pywaggle certainly is older than a release. */
export function isOlder(pywaggle: Pywaggle | undefined, release: string): boolean {
  const wanted = parseVersion(release)
  return pywaggle?.version !== undefined && wanted !== undefined && compareVersions(pywaggle.version, wanted) < 0
}
