import type { CommandLine, Flag } from './argument-parser.ts'

/** What argparse makes of a flag as the Portal's job form writes it: with one dash. */
export type Understanding =
  | { readonly kind: 'understood'; readonly flag: Flag }
  /** Only its name with two dashes is known; `reads` is what argparse makes of the one with one dash, in words. */
  | { readonly kind: 'two-dashes'; readonly flag: Flag; readonly reads: string }
  | { readonly kind: 'positional'; readonly flag: Flag }
  | { readonly kind: 'unknown' }
  /** A flag that is only known when the program runs may have that name. */
  | { readonly kind: 'uncertain' }

/** What becomes of an input with this id (argparse.py, `_parse_optional` and `_get_option_tuples`; tried on Python 3.6, 3.11 and 3.13). */
export function understand(id: string, commandLine: CommandLine): Understanding {
  const name = id.replace(/^-+/, '')
  const written = `-${id}`
  const { flags, abbreviates, unknownPrefixes } = commandLine
  const named = flags.find(({ options }) => options.includes(written))
  if (named !== undefined) return { kind: 'understood', flag: named }
  if (unknownPrefixes.some((prefix) => prefix === undefined || written.startsWith(prefix) || prefix.startsWith(written))) return { kind: 'uncertain' }
  const shortened = abbreviates ? flags.filter(({ options }) => options.some((option) => option.startsWith(written))) : []
  const [only] = shortened
  if (only !== undefined) return shortened.length === 1 ? { kind: 'understood', flag: only } : { kind: 'uncertain' }
  const double = flags.find(({ options }) => options.includes(`--${name}`))
  if (double !== undefined) return { kind: 'two-dashes', flag: double, reads: readsAs(name, commandLine) }
  if (unknownPrefixes.some((prefix) => prefix === undefined || `--${name}`.startsWith(prefix))) return { kind: 'uncertain' }
  const positional = flags.find((flag) => flag.options.length === 0 && flag.name.replaceAll('-', '_') === name.replaceAll('-', '_'))
  return positional === undefined ? { kind: 'unknown' } : { kind: 'positional', flag: positional }
}

/** `-s` before `tream` is the option `-s` with the value `tream`. */
function readsAs(name: string, { flags, hasHelp, ignoresOthers }: CommandLine): string {
  const letter = `-${name.slice(0, 1)}`
  const short = flags.find(({ options }) => options.includes(letter))
  if (short !== undefined && name.length > 1)
    return short.takes === 'none' ? `takes -${name} for ${letter} and more` : `takes -${name} for ${letter} with the value "${name.slice(1, 41)}"`
  if (hasHelp && letter === '-h' && name.length > 1) return `takes -${name} for -h, help`
  return ignoresOthers ? `leaves -${name} unread` : `ends with "unrecognized arguments: -${name}"`
}
