import { describe, expect, it } from 'vitest'

import type { PortalFacts } from '../../../../../pipeline/validate/rule.ts'
import { judgeAsSubmitted, judgeThroughPortal } from '../../../../../pipeline/validate/sage/judge.ts'
import type { Judgement } from '../../../../../pipeline/validate/sage/judge.ts'

const FACTS: PortalFacts = { user: 'skylab', url: 'https://github.com/sky-lab/cloud', branch: 'main' }

function first({ refusals: [refusal] }: Judgement, text: string): readonly unknown[] {
  if (refusal === undefined) return []
  const { code, start, message, suggestion } = refusal
  const lines = text.slice(0, start ?? 0).split('\n')
  return [code, start === undefined ? undefined : `${lines.length}:${(lines.at(-1) ?? '').length + 1}`, message, suggestion]
}

const submitted = (text: string) => first(judgeAsSubmitted(text, FACTS), text)
const sent = (text: string) => first(judgeThroughPortal(text, FACTS), text)

const QUOTE = ['A quote that opens here is never closed.', 'Type " where the text ends.']
const BEHIND_QUOTE = ['Text stands here behind the quote that ends its value.', "In single quotes write '' for ', in double quotes \\\" for \"."]
const NO_COLON = ['This line is no key with a value: the colon is missing.', 'Write key: value, with a blank after the colon.']
const NO_BLANK = 'This line is no key with a value: the colon needs a blank behind it.'
const INDENTATION = ['The indentation does not fit the lines above.', 'Indent the keys of one mapping alike.']
const COLON = 'A colon followed by a blank stands inside a text (or the indentation is wrong).'
const WHOLE = 'Put the whole text in quotes.'
const TAB = ['A tab stands where YAML takes only blanks.', 'Use blanks.']
const ESCAPE = ['In double quotes a backslash begins an escape.', 'Write / instead of \\, or use single quotes.']
const AS_TEXT = 'If it is meant as text, put it in quotes.'
const OPEN = ['The [ that opens here is not closed, or a comma is missing behind it.', 'Type ] behind the last entry, and commas between the entries.']
const ENDED = ['The manifest has ended above this line.', 'Delete what ends it: a closing bracket, or the line ...']
const TAG = 'Delete the tag, or put a text that begins with ! in quotes.'
const LOOK = 'Look for a missing quote, a colon followed by a blank, or wrong indentation.'
const KEYS = ['A list or a mapping stands here as a key.', 'Put a text with brackets or braces in quotes.']
const NESTED = ['Too much stands inside of one another here.', 'Nest less.']

describe('a manifest that is no YAML', () => {
  it.each<[text: string, place: string, message: unknown, suggestion: unknown]>([
    ['a: x\nb: "Counts\nc: d\n', '2:4', QUOTE[0], QUOTE[1]],
    ["a: 'x", '1:4', QUOTE[0], "Type ' where the text ends."],
    ['a: "x\n---\nb: c\n', '1:4', QUOTE[0], QUOTE[1]],
    ['\uFEFFa: "x', '1:5', QUOTE[0], QUOTE[1]],
    ['a: x\r\nb: "Counts\r\n', '2:4', QUOTE[0], QUOTE[1]],
    ['"😀": x\n"😀": "y\nz', '2:7', QUOTE[0], QUOTE[1]],
    ['a: "Counts\nb: "1.2"\nc: [d]\n', '1:4', QUOTE[0], QUOTE[1]],
    ['a: "Counts\nb: "Birds: many"\n', '1:4', QUOTE[0], QUOTE[1]],
    ['a: "Counts\nb: "Birds : many"\n', '1:4', QUOTE[0], QUOTE[1]],
    ["a: 'it's'\n", '1:8', BEHIND_QUOTE[0], BEHIND_QUOTE[1]],
    ['a: "b" c\n', '1:8', BEHIND_QUOTE[0], BEHIND_QUOTE[1]],
    ['a: "b\n  c" d\n', '2:6', BEHIND_QUOTE[0], BEHIND_QUOTE[1]],
    ['a: [b] c\n', '1:8', 'Text stands here behind a value that has ended.', 'Put the whole value in quotes.'],
    ['a: b\nc\nd: e\n', '2:1', NO_COLON[0], NO_COLON[1]],
    ['a: b\nc:1\nd: e\n', '2:1', NO_BLANK, 'Put a blank after the colon: c: 1'],
    ['name:x\nversion: 1\n', '1:1', NO_BLANK, 'Put a blank after the colon: name: x'],
    ['# c\nname\n\n# c\nversion: 1\n', '2:1', NO_COLON[0], NO_COLON[1]],
    ['a: b\nhttps://c\nd: e\n', '2:1', NO_COLON[0], NO_COLON[1]],
    [`a: b\nc:${'x'.repeat(99)}\nd: e\n`, '2:1', NO_BLANK, 'Put a blank after the colon: c: …'],
    ['a: b\n  c: d\n', '2:3', INDENTATION[0], INDENTATION[1]],
    ['a: b\r\n  c: d\r\n', '2:3', INDENTATION[0], INDENTATION[1]],
    ['a:\n  b: c\n d: e\n', '3:2', INDENTATION[0], INDENTATION[1]],
    ['a:\n  - b\n  c: d\n', '3:3', INDENTATION[0], INDENTATION[1]],
    [' a: b\nc: d\n', '2:1', INDENTATION[0], INDENTATION[1]],
    ['a: b\n  - c: d\n', '2:3', INDENTATION[0], INDENTATION[1]],
    ['a: "b"\n  - c\n', '2:3', INDENTATION[0], INDENTATION[1]],
    ['description: Counts birds: many\n', '1:26', COLON, 'Write description: "Counts birds: many"'],
    ['a: b: c # d\n', '1:5', COLON, 'Write a: "b: c"'],
    ['a: b\\c: "it\'s"\n', '1:7', COLON, "Write a: 'b\\c: \"it''s\"'"],
    ['a: "b": c\n', '1:7', COLON, WHOLE],
    [`a: b: ${'c'.repeat(120)}\n`, '1:5', COLON, WHOLE],
    [`${'x'.repeat(1100)}: y\n`, '1:1101', COLON, WHOLE],
    ['[a]: b: c\n', '1:7', COLON, 'Write [a]: "b: c"'],
    ['a: - b\n', '1:4', 'The first entry of a list stands on the line of its key.', 'Begin a new line before -, or write [a, b].'],
    ['a:\n\t- b\n', '2:1', TAB[0], TAB[1]],
    ['a: @b\n', '1:4', 'YAML takes no text that begins with @ unless it stands in quotes.', 'Write a: "@b"'],
    ['a: [`b]\n', '1:5', 'YAML takes no text that begins with ` unless it stands in quotes.', 'Put the text in quotes.'],
    ['- a: %"\n', '1:6', 'YAML takes no text that begins with % unless it stands in quotes.', "Write a: '%\"'"],
    ['a: "\\q"\n', '1:6', ESCAPE[0], ESCAPE[1]],
    ['directory: "C:\\Users\\me"\n', '1:17', ESCAPE[0], ESCAPE[1]],
    ['a: "\\U00110000"\n', '1:7', ESCAPE[0], ESCAPE[1]],
    ['a: "\\UFFFFFFFF"\n', '1:7', ESCAPE[0], ESCAPE[1]],
    ['a: [b]]\n', '1:7', 'Nothing is open that ] could close.', 'Delete the ], or put the whole text in quotes.'],
    ['a: [b], c\n', '1:7', 'A comma stands here behind a value that has ended.', 'Delete the ,, or put the whole text in quotes.'],
    ['a: {b: 1} }\n', '1:11', 'Nothing is open that } could close.', 'Delete the }, or put the whole text in quotes.'],
    ['a: 1\n...\nb: 2\n', '3:1', ENDED[0], ENDED[1]],
    ['{"a": 1}\nb: 2\n', '2:1', ENDED[0], ENDED[1]],
    ['a: [b\nc: d\n', '1:4', OPEN[0], OPEN[1]],
    ['a: [b\n', '1:4', OPEN[0], OPEN[1]],
    ['{"a": 1 "b": 2}', '1:12', 'A comma is missing before this.', 'Put commas between the entries, and quotes around texts that contain }.'],
    [
      'a: "\x1b"\n',
      '1:5',
      'YAML does not allow the character U+001B, which stands here unseen.',
      'Delete the character; an editor that shows control characters finds it.',
    ],
    ['a: *b\n', '1:4', 'The alias *b has no anchor &b above it.', AS_TEXT],
    ['a: &b c\nd: &b e\n', '2:4', 'The anchor &b stands twice.', 'Give one of them another name.'],
    ['a: *.py\n', '1:4', 'To YAML * begins an alias, and no name follows.', AS_TEXT],
    ['a: &.py\n', '1:4', 'To YAML & begins an anchor, and no name follows.', AS_TEXT],
    ['a: !b c\n', '1:4', 'Sage\'s server does not know the YAML tag "!b".', TAG],
    ['a: !b!c d\n', '1:4', 'Sage\'s server does not know the YAML tag "!b!".', TAG],
    ['a: !!value b\n', '1:4', 'Sage\'s server does not know the YAML tag "tag:yaml.org,2002:value".', TAG],
    ['a: =\n', '1:4', 'To YAML = alone is no text.', AS_TEXT],
    ['a: <<\n', '1:4', 'To YAML << alone is no text.', AS_TEXT],
    [
      'a: 1\n---\nb: 2\n',
      '2:1',
      'A second document begins here, and Sage reads only one.',
      'Keep one document: delete this line, and what belongs to the other.',
    ],
    ['a: {{b}}\n', '1:5', KEYS[0], KEYS[1]],
    ['a: 2023-13-01\n', '1:4', 'YAML takes this for a date, and there is no such date.', 'Put it in quotes.'],
    [`[${'['.repeat(9_999)}`, '1:*', NESTED[0], NESTED[1]],
    ['a: [b, , c]\n', '1:8', "Sage's server cannot read the manifest as YAML: \"expected the node content, but found ','\".", LOOK],
    ['%YAML 1.1 x\n---\na: b\n', '1:11', "Sage's server cannot read the manifest as YAML: \"expected a comment or a line break, but found 'x'\".", LOOK],
    ['a: !!bool x\n', '1:11', "Sage's server cannot read the manifest as YAML: \"KeyError: 'x'\".", LOOK],
    [`a: !!int ${'x'.repeat(300)}\n`, '1:10', expect.stringMatching(/"ValueError: invalid literal for int\(\) with base 10: 'x{140,160}…"\.$/), LOOK],
  ])('%j', (text, place, message, suggestion) => {
    const [code, at, ...words] = submitted(text)
    expect([code, place === '1:*' ? place : at, ...words]).toStrictEqual(['CTSS-M010', place, message, suggestion])
  })

  it.each([
    ['hyphens', '- '.repeat(125_000)],
    ['hyphens before a fault', `a: b\n${'- '.repeat(125_000)}c: @d`],
    ['colons', `a: ${'b:'.repeat(125_000)} c`],
    ['quotes', `a: ${'"'.repeat(250_000)} b`],
    ['empty lines', `a${'\n'.repeat(250_000)}b: c`],
    ['blanks', `a: "b"${' '.repeat(250_000)}c`],
  ])('is explained however often it stands there: %s', (_, text) => {
    expect(submitted(text)[0]).toMatch(/^CTSS-M01[02]$/)
  })
})

describe('what the Portal does not send', () => {
  it.each<[text: string, code: string, place: string | undefined, message: string | undefined, suggestion: string | undefined]>([
    ['name: x1\ndescription: "\x1b"\n', 'CTSS-M010', '2:15', 'YAML does not allow the character U+001B, which stands here unseen.', expect.any(String)],
    ['name: x1\ndescription: "Counts\nversion: "1.2"\n', 'CTSS-M011', '2:14', QUOTE[0], QUOTE[1]],
    ['name: x1\nname: x2\ndescription: Counts birds: many\n', 'CTSS-M011', '3:26', COLON, 'Write description: "Counts birds: many"'],
    [
      'name: x1\r\nsource: {architectures: [a]}\r\ndescription: "x\r\ny"\r\n',
      'CTSS-M011',
      '3:14',
      expect.stringContaining('Multi-line double-quoted string needs to be sufficiently indented'),
      LOOK,
    ],
    ['name: x1\n1e3: a\n1000: b\n', 'CTSS-M011', undefined, expect.stringContaining('The key "1000" stands twice'), 'Delete one of the two.'],
    ['name:foo-x\n', 'CTSS-M012', undefined, expect.stringContaining('the Portal sees a text'), 'Put a blank after the colon: name: foo-x'],
    ['name:foo-x\nversion:1\n', 'CTSS-M012', undefined, expect.any(String), 'Put a blank after the colon: name: foo-x'],
    ['foo', 'CTSS-M012', undefined, expect.any(String), 'Begin with name:, version: and description:.'],
    ['# nothing\n', 'CTSS-M012', undefined, expect.stringContaining('is empty'), 'Begin with name:, version: and description:.'],
  ])('%j', (text, ...expected) => {
    expect(sent(text)).toStrictEqual(expected)
  })

  it('says the same of a lone text that is submitted', () => {
    expect(submitted('name:foo-x')).toStrictEqual([
      'CTSS-M012',
      undefined,
      'The manifest must be a mapping, but is a text.',
      'Put a blank after the colon: name: foo-x',
    ])
  })
})

it.each([
  ['= ', '3:4', 'To YAML = alone is no text.'],
  ['"="', undefined, expect.stringContaining('could not determine a constructor')],
])('finds the place of what the Portal passes on: %s', (value, place, message) => {
  expect(sent(`name: x1\nsource: {architectures: [linux/amd64]}\na: ${value}\n`)).toStrictEqual([
    'CTSS-M010',
    place,
    message,
    expect.stringContaining('The Portal wrote it so'),
  ])
})
