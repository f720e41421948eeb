import correct from 'spdx-correct'

/**
 * What the text of `license` means.
 * spdx: an SPDX expression · spelling: one licence, certainly, in other words · guess: probably this, and the text leaves something open ·
 * unknown: none, or a family of licences without saying which; `closest` is then the likeliest.
 */
export type LicenceReading =
  | { readonly kind: 'spdx' }
  | { readonly kind: 'spelling' | 'guess'; readonly expression: string }
  | { readonly kind: 'unknown'; readonly closest?: string }

/** Texts as `plainWords` leaves them → identifiers (https://spdx.org/licenses). Only those that leave nothing open. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['mit', 'MIT'],
  ['mit mit', 'MIT'],
  ['expat', 'MIT'],
  ['isc', 'ISC'],
  ['apache 2', 'Apache-2.0'],
  ['apache 2.0', 'Apache-2.0'],
  ['apache software 2.0', 'Apache-2.0'],
  ['bsd 2 clause', 'BSD-2-Clause'],
  ['2 clause bsd', 'BSD-2-Clause'],
  ['simplified bsd', 'BSD-2-Clause'],
  ['bsd 2 clause simplified', 'BSD-2-Clause'],
  ['bsd 3 clause', 'BSD-3-Clause'],
  ['3 clause bsd', 'BSD-3-Clause'],
  ['modified bsd', 'BSD-3-Clause'],
  ['bsd 3 clause new or revised', 'BSD-3-Clause'],
  ['new bsd', 'BSD-3-Clause'],
  ['mozilla public 2.0', 'MPL-2.0'],
  ['mpl 2.0', 'MPL-2.0'],
  ['mpl 2', 'MPL-2.0'],
  ['unlicense', 'Unlicense'],
  ['cc 0', 'CC0-1.0'],
  ['cc 0 1.0', 'CC0-1.0'],
  ['cc 0 1.0 universal', 'CC0-1.0'],
])

/** GNU's licences: `-only` and `-or-later` differ, and the short names do not say which. */
const GNU: ReadonlyMap<string, string> = new Map([
  ['gpl', 'GPL'],
  ['general public', 'GPL'],
  ['lgpl', 'LGPL'],
  ['lesser general public', 'LGPL'],
  ['agpl', 'AGPL'],
  ['affero general public', 'AGPL'],
])

const GNU_VERSIONS: ReadonlyMap<string, string> = new Map([
  ['GPL 2', 'GPL-2.0'],
  ['GPL 2.0', 'GPL-2.0'],
  ['GPL 3', 'GPL-3.0'],
  ['GPL 3.0', 'GPL-3.0'],
  ['LGPL 2.1', 'LGPL-2.1'],
  ['LGPL 3', 'LGPL-3.0'],
  ['LGPL 3.0', 'LGPL-3.0'],
  ['AGPL 3', 'AGPL-3.0'],
  ['AGPL 3.0', 'AGPL-3.0'],
])

/** The ECR's column; longer texts are refused anyway. */
const MAX_CHARACTERS = 256

/** What a manifest's `license` means. `text` is not blank. */
export function readLicence(text: string): LicenceReading {
  const trimmed = text.trim()
  // npm's word for no licence at all is near that of a very free one.
  if (trimmed === '' || trimmed.length > MAX_CHARACTERS || /^unlicensed$/i.test(trimmed)) return { kind: 'unknown' }
  if (isExpression(trimmed)) return { kind: 'spdx' }
  const single = readSingle(trimmed)
  return single.kind === 'unknown' ? (readSeveral(trimmed) ?? single) : single
}

/** The identifiers that plugins have; others are looked up, which takes a hundred times as long. */
const FREQUENT: ReadonlySet<string> = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'GPL-3.0-only', 'GPL-3.0-or-later', 'MPL-2.0', 'CC-BY-4.0'])

function isExpression(text: string): boolean {
  if (FREQUENT.has(text)) return true
  // Words without an operator between them are none (SPDX 2.3, annex D).
  if (/\s/.test(text) && !/\b(?:AND|OR|WITH)\b/.test(text)) return false
  return correct(text, { upgrade: false }) === text
}

function readSingle(text: string): LicenceReading {
  const words = plainWords(text)
  const spelled = SPELLINGS.get(words) ?? creativeCommons(words)
  if (spelled !== undefined) return { kind: 'spelling', expression: spelled }
  const gnu = /^(?:gnu )?(.+?) (\d(?:\.\d)?)( or later| \+)?$/.exec(words)
  const family = GNU.get(gnu?.[1] ?? '')
  const version = GNU_VERSIONS.get(`${family} ${gnu?.[2]}`)
  if (version !== undefined) {
    return gnu?.[3] === undefined ? { kind: 'guess', expression: `${version}-only` } : { kind: 'spelling', expression: `${version}-or-later` }
  }
  // For longer texts spdx-correct finds some licence in nearly anything.
  const corrected = words.split(' ').length <= 3 && /^[\w .+-]*$/.test(text) ? correct(text) : null
  if (corrected === null) return { kind: 'unknown' }
  if (corrected.toLowerCase() === text.toLowerCase()) return { kind: 'spelling', expression: corrected }
  // A version that the text does not name is made up.
  const isInvented = [...(corrected.match(/\d+/g) ?? [])].some((digits) => digits !== '0' && !text.includes(digits))
  return isInvented ? { kind: 'unknown', closest: corrected } : { kind: 'guess', expression: corrected }
}

/** `MIT (code), CC BY-NC-SA 4.0 (models)`: both hold, each for its part. */
function readSeveral(text: string): LicenceReading | undefined {
  const parts = text
    .replaceAll(/\([^()]*\)/g, ' ')
    .split(/[,;&]|\band\b/i)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length < 2 || parts.length > 5) return undefined
  const known = parts.map((part) => {
    if (isExpression(part)) return part
    const reading = readSingle(part)
    return 'expression' in reading ? reading.expression : undefined
  })
  return known.includes(undefined) ? undefined : { kind: 'guess', expression: [...new Set(known)].join(' AND ') }
}

/** `CC BY-NC-SA 4.0` and its long form; without a version, 4.0 would be made up. */
function creativeCommons(words: string): string | undefined {
  const short = words
    .replace(/^(?:creative commons|cc) /, 'cc ')
    .replaceAll(/attribution|noncommercial|non commercial|sharealike|share alike|noderivatives|noderivs|no derivatives/g, (word) => SHORT[word] ?? word)
    .replace(/ international$/, '')
  const match = /^cc by((?: (?:nc|nd|sa))*) ([1-4]\.0)$/.exec(short.replace(/ international /, ' '))
  return match === null ? undefined : `CC-BY${(match[1] ?? '').toUpperCase().replaceAll(' ', '-')}-${match[2]}`
}

const SHORT: Readonly<Record<string, string>> = {
  attribution: 'by',
  noncommercial: 'nc',
  'non commercial': 'nc',
  sharealike: 'sa',
  'share alike': 'sa',
  noderivatives: 'nd',
  noderivs: 'nd',
  'no derivatives': 'nd',
}

/** In lower case, without punctuation and what says nothing: `The MIT License.` is `mit`, `GPLv3` is `gpl 3`. */
function plainWords(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[-_,:"'()]/g, ' ')
    .replace(/\.$/, '')
    .replaceAll(/([a-z])v?(?=\d)/g, '$1 ')
    .replaceAll(/\b(?:the|licen[cs]ed?|version|v|software foundation|foundation|public domain dedication)\b/g, ' ')
    .replaceAll('+', ' +')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
