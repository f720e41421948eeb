import type { BuildStep } from '../../schemas/generated/types.ts'
import { readWheelName } from '../validate/python/wheel-name.ts'

type CompiledPackage = NonNullable<BuildStep['compiled']>[number]

/** So many are more than anybody reads. */
const MAX_PACKAGES = 20
/** A step that prints more names than this is playing. */
const MAX_NAMES = 1000

/** The packages of one step that are being compiled, by name. */
export type Compilations = Map<string, { started: number | undefined; milliseconds: number; isPlain: boolean }>

/** What pip prints while it makes a wheel itself (`started`, `finished with status 'done'`), or, before 23.1, installs without one. Names as PyPI allows them. */
const PIP = /^\s*(?:Building wheel for|Running setup\.py (?:bdist_wheel|install) for) ([A-Za-z0-9][A-Za-z0-9._-]{0,99})(?: \([^)]*\))?: (started|finished)\b/
const PIP_CREATED = /^\s*Created wheel for ([A-Za-z0-9][A-Za-z0-9._-]{0,99}): filename=(\S{1,300})/

/** Takes one line that a step has printed, at a time in milliseconds. */
export function watchCompilations(compilations: Compilations, line: string, at: number): void {
  const created = PIP_CREATED.exec(line)
  if (created !== null) {
    const known = compilations.get(created[1] ?? '')
    // A wheel for any platform holds Python alone: nothing was compiled.
    if (known !== undefined) known.isPlain = readWheelName(created[2] ?? '')?.targets === undefined
    return
  }
  const [, name, event] = PIP.exec(line) ?? []
  if (name === undefined || Number.isNaN(at)) return
  const known = compilations.get(name) ?? { started: undefined, milliseconds: 0, isPlain: false }
  if (compilations.size < MAX_NAMES) compilations.set(name, known)
  if (event === 'started') known.started ??= at
  else if (known.started !== undefined) {
    known.milliseconds += Math.max(0, at - known.started)
    known.started = undefined
  }
}

/** Those that were compiled to the end, the slowest first; undefined: none. */
export function compiledPackages(compilations: Compilations): CompiledPackage[] | undefined {
  const compiled = [...compilations]
    .filter(([, { isPlain, milliseconds }]) => !isPlain && milliseconds > 0)
    .map(([name, { milliseconds }]) => ({ name, seconds: Math.round(milliseconds) / 1000 }))
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, MAX_PACKAGES)
  return compiled.length === 0 ? undefined : compiled
}
