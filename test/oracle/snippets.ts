/** Scalars and small collections as authors, and nobody, would write them: each is YAML that may stand behind `key: ` on one line. */
import type { Random } from './random.ts'

/** Things that a broken bar stands between. */
function list(...rows: readonly string[]): readonly string[] {
  return rows.flatMap((row) => row.split('¦'))
}

/** Plain words that YAML 1.1 and 1.2, Python and JavaScript do not read alike. */
const PLAIN = list(
  '1¦0¦-1¦42¦+7¦007¦010¦0o17¦08¦0x10¦0b11¦1_000¦1__0¦0x_f¦9007199254740993¦18446744073709551616¦1.0¦1.10¦0.1¦.5¦5.¦-0.0¦+1.5¦1e3¦1.5e3¦1.5e+3',
  '1.0e-7¦1e-7¦1_0.5¦0.1.2¦123456789012345680000.0¦1.0e+16¦4.9e-324¦.inf¦-.inf¦+.INF¦.nan¦.NaN¦inf¦NaN¦Infinity¦1:30¦12:30:45¦190:20:30.15',
  '-1:30¦1:60¦01:01¦1:2:3:4¦2023-01-01¦2023-1-1¦2023-13-01¦2023-02-30¦2023-01-01 10:00:00¦2023-01-01T10:00:00.5Z',
  '2023-01-01 10:00:00.123456 +2¦2001-12-14t21:59:43.10-05:00¦true¦True¦TRUE¦tRue¦false¦yes¦Yes¦YES¦no¦No¦on¦On¦off¦OFF¦y¦n¦Y¦N¦null¦Null',
  'NULL¦nULL¦~¦¦=¦<<¦-¦.¦..¦...¦?¦@¦`¦%¦!¦&¦*¦a b¦a:b¦a: b¦a #b¦a#b¦#¦-a¦- a¦?a¦:a¦a:¦it\'s¦a"b¦[¦]¦{¦}¦,¦a, b¦a\\b¦|¦>¦\'¦"¦é¦ſ¦ﬁ¦😀¦İ¦名前¦а',
  '\u00a0¦a\u00a0¦\u2028¦a\u0085b¦\u200b¦e\u0301¦ß¦１２¦\ufeff¦\ufffd',
)

const DOUBLE = list(
  '¦ ¦a¦ a¦a ¦a b¦1¦1.0¦1.10¦010¦0o17¦1_000¦0b11¦0x1F¦1e5¦.5¦1.¦12:30:45¦1:30¦yes¦no¦on¦off¦y¦n¦true¦null¦~¦2023-01-01¦2023-01-01T00:00:00Z',
  '<<¦=¦.inf¦.nan¦-¦...¦---¦\\n¦a\\nb¦a\\n¦\\ta¦\\t¦\\0¦a\\0b¦\\x41¦\\xe9¦\\u00e9¦\\U0001F600¦\\ud83d\\ude00¦\\ud800¦a\\udc80¦\\udc80\\ud800',
  '\\udfff¦\\e¦\\_¦\\N¦\\L¦\\P¦\\/¦\\"¦\'¦#¦a: b¦a #b¦- a¦[a]¦{a: b}¦é¦😀¦\\x85¦\\u2028¦\\xa0¦\\ufeff¦\\a¦\\v\\f¦%¦*a¦&a',
)

const TAGGED = list(
  '!!str 1¦!!str¦!!str yes¦!!str 2023-01-01¦!!int "1"¦!!int 0x1f¦!!int a¦!!float 1¦!!float "1e3"¦!!float a¦!!bool "yes"¦!!bool a¦!!bool "no"',
  '!!null ""¦!!null a¦!!timestamp 2023-01-01¦!!timestamp a¦!!binary aGVsbG8=¦!!binary "aGVs bG8="¦!!binary /w==¦!!binary gICA¦!!binary AA==',
  '!!binary ""¦!!binary a¦!!set {a}¦!!set {}¦!!set {1}¦!!set [a]¦!!omap [a: 1]¦!!omap []¦!!omap {a: 1}¦!!pairs [a: 1, a: 2]¦!!pairs []',
  '!!seq [a]¦!!map {a: b}¦!!seq {}¦!!map []¦!local a¦! a¦!!python/tuple [a]¦!!unknown a¦!<tag:yaml.org,2002:str> 1¦!<!x> a¦!!merge a',
  '!!value a¦!!yaml a',
)

const COLLECTIONS = list(
  '[]¦[a]¦[a, b]¦["a"]¦[[a]]¦[[]]¦[a, [b]]¦[null]¦[~]¦[1]¦[1.5]¦[yes]¦[true]¦[2023-01-01]¦[.inf]¦[-.inf]¦[""]¦[" "]¦[{a: 1}]¦[[[[a]]]]¦{}',
  '{a: 1}¦{a: b, c: d}¦{a}¦{1: 1}¦{~: 1}¦{yes: no}¦{a: {b: {c: 1}}}¦{2023-01-01: 1}¦{a: [1, 2]}¦{"": ""}¦{a: 1, a: 2}¦{? a : b}¦{a: .nan}',
  '{1.5: a}¦[a,]¦[,]¦[a b]¦[a: b]¦[a: b, c]¦[? a : b]¦{a: }¦[ a ]¦{ a : b }¦{"a":1}¦["a","b"]¦[a¦a]¦{a¦[a]]¦[!!binary aGk=]¦[!!set {a}]',
)

/** A character of a sort, for values at a limit. */
const FILLERS = ['x', 'é', '😀', '0', ' ', '名'] as const

const QUOTABLE = /^[^\\"\p{C}]*$/u

/** Something that is rarely meant, on one line. */
export function darkSnippet(random: Random): string {
  const kind = random.next()
  if (kind < 0.34) return random.pick(PLAIN)
  if (kind < 0.6) return doubleQuoted(random)
  if (kind < 0.68) return singleQuoted(random)
  if (kind < 0.8) return random.pick(TAGGED)
  if (kind < 0.97) return random.pick(COLLECTIONS)
  return `${random.pick(['&x ', '*x', '&x', '*missing'])}${random.pick(['', 'a', '1'])}`
}

/** A text, as YAML may write it. */
export function textSnippet(random: Random, text: string): string {
  const style = random.next()
  if (style < 0.4 && /^[A-Za-z][A-Za-z0-9 _./-]*[A-Za-z0-9]$/.test(text)) return text
  if (style < 0.55) return `'${text.replaceAll("'", "''")}'`
  return QUOTABLE.test(text) ? `"${text}"` : JSON.stringify(text)
}

const PIECES = list(
  'word¦two words¦a: b¦ #c¦- d¦ ¦  ¦\n¦\n\n¦\n ¦\t¦"¦\'¦\\¦,¦[x]¦{y}¦é¦😀¦名前¦\u00a0',
  'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx¦https://example.org/a/b¦---¦...¦%¦&a¦*b¦!c¦|¦>¦1¦:¦?¦@¦`',
  '\u0085¦\u2028¦\u0007¦~¦yes¦=',
)

/** Text of many words and signs, in double quotes: the Portal writes it anew, folds it, and may choose other quotes. */
export function proseSnippet(random: Random): string {
  const pieces = Array.from({ length: random.integer(1, random.pick([3, 8, 40])) }, () => random.pick(PIECES) + random.pick(['', ' ', ' ']))
  const text = JSON.stringify(pieces.join('').replace(/ $/, random.pick(['', '', ' ', '\n'])))
  return random.chance(0.1) ? text.replaceAll('\\n', '\\n\\\n      ') : text
}

const SOUP = list('a¦b¦1¦:¦: ¦- ¦\n¦\n¦\n  ¦\n    ¦[¦]¦{¦}¦,¦? ¦#¦ #¦"¦\'¦|¦>¦&x ¦*x¦!¦!!str ¦%¦@¦---\n¦...\n¦\t¦ ¦<<: ¦~¦=¦\\¦- - ¦é')

/** What is hardly YAML. */
export function soup(random: Random): string {
  return Array.from({ length: random.integer(1, 14) }, () => random.pick(SOUP)).join('')
}

function doubleQuoted(random: Random): string {
  return `"${random.pick(DOUBLE)}"`
}

function singleQuoted(random: Random): string {
  return `'${random.pick([...PLAIN, 'a', 'b c']).replaceAll("'", "''")}'`
}

/** A text of about as many characters as a limit allows. */
export function longText(random: Random, limit: number): string {
  const length = Math.max(1, limit + random.pick([-1, 0, 0, 1, 1, 2]))
  const filler = random.pick(FILLERS)
  const body = filler === ' ' ? 'x' + ' '.repeat(length - 1) : filler.repeat(length)
  return random.chance(0.15) ? body + random.pick([' ', '  ', '\t', '\n', '\u00a0', 'é']) : body
}
