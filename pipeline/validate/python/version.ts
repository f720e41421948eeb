/** A version of a Python package (PyPA's specification "Version specifiers", formerly PEP 440). */
export interface Version {
  /** Without prefix, as it is written. */
  readonly text: string
  readonly epoch: number
  /** Without zeros at its end. */
  readonly release: readonly number[]
  /** Below 0 for pre-releases and developments, above for post-releases: compared in order. */
  readonly suffix: readonly number[]
  readonly isPrerelease: boolean
}

/** `>=1.2`, `==1.2.*`. */
export interface Specifier {
  readonly operator: '==' | '!=' | '~=' | '>=' | '<=' | '>' | '<' | '==='
  /** Without `.*`. */
  readonly version: Version
  readonly isWildcard: boolean
}

const VERSION =
  /^v?(?:(\d{1,6})!)?(\d{1,9}(?:\.\d{1,9}){0,15})(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d{0,9}))?(?:-(\d{1,9})|[-_.]?(?:post|rev|r)[-_.]?(\d{0,9}))?(?:[-_.]?dev[-_.]?(\d{0,9}))?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i
const PRERELEASE_ORDER: Readonly<Record<string, number>> = { a: -3, alpha: -3, b: -2, beta: -2, c: -1, rc: -1, pre: -1, preview: -1 }

/** Reads a version; undefined: it is none. Local parts (`+cu118`) are left out. */
export function parseVersion(text: string): Version | undefined {
  const match = text.length > 128 ? null : VERSION.exec(text.trim())
  if (match === null) return undefined
  const [, epoch = '0', release = '', stage, stageNumber, dash, post, development] = match
  const isPost = dash !== undefined || post !== undefined
  const numbers = release.split('.').map(Number)
  while (numbers.length > 1 && numbers.at(-1) === 0) numbers.pop()
  const before = stage === undefined ? (development !== undefined && !isPost ? -4 : 0) : (PRERELEASE_ORDER[stage.toLowerCase()] ?? 0)
  const suffix = [before, Number(stageNumber ?? 0), isPost ? Number(dash ?? post ?? 0) + 1 : 0, development === undefined ? 1 : 0, Number(development ?? 0)]
  return { text: text.trim(), epoch: Number(epoch), release: numbers, suffix, isPrerelease: stage !== undefined || development !== undefined }
}

/** Below 0: the first is older. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || compareLists(a.release, b.release) || compareLists(a.suffix, b.suffix)
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const SPECIFIER = /^(===|==|!=|~=|>=|<=|>|<)\s{0,9}(\S+?)(\.\*)?$/

/** The parts of `>=1.2,<2`; undefined when one of them cannot be read. */
export function parseSpecifiers(text: string): readonly Specifier[] | undefined {
  const parts = text.split(',').map((part) => part.trim())
  const specifiers = parts.filter((part) => part !== '').map(parseSpecifier)
  const known = specifiers.filter((specifier) => specifier !== undefined)
  return known.length === specifiers.length ? known : undefined
}

function parseSpecifier(text: string): Specifier | undefined {
  const [, operator, written = '', star] = SPECIFIER.exec(text.slice(0, 160)) ?? []
  const version = parseVersion(written)
  if (operator === undefined || version === undefined) return undefined
  return { operator: operator as Specifier['operator'], version, isWildcard: star !== undefined }
}

/** Whether a version fits all of them. Pre-releases fit only where one is named, as pip has it. */
export function satisfies(version: Version, specifiers: readonly Specifier[]): boolean {
  if (version.isPrerelease && !specifiers.some((specifier) => specifier.version.isPrerelease)) return false
  return specifiers.every((specifier) => fits(version, specifier))
}

function fits(version: Version, { operator, version: wanted, isWildcard }: Specifier): boolean {
  const order = compareVersions(version, wanted)
  switch (operator) {
    case '==':
    case '===':
      return isWildcard ? hasPrefix(version, writtenRelease(wanted)) : order === 0
    case '!=':
      return !(isWildcard ? hasPrefix(version, writtenRelease(wanted)) : order === 0)
    case '~=':
      return order >= 0 && hasPrefix(version, writtenRelease(wanted).slice(0, -1))
    case '>=':
      return order >= 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '<':
      return order < 0
  }
}

/** The numbers with zeros at the end, which count here. */
function writtenRelease({ text }: Version): readonly number[] {
  return (/^v?(?:\d+!)?([\d.]*\d)/i.exec(text)?.[1] ?? '').split('.').map(Number)
}

function hasPrefix({ release }: Version, prefix: readonly number[]): boolean {
  return prefix.every((number, at) => (release[at] ?? 0) === number)
}
