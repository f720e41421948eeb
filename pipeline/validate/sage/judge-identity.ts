import { quote } from '../words.ts'
import { ARCHIVE_FOLDER, COLUMNS, FULL_NAME_LENGTH, MAX_FILE_NAME_BYTES, NAMESPACE_LENGTH, NAME_LENGTH } from './facts.ts'
import { lengthOf, lengthOfText, qualifiedTypeName } from './judge-python.ts'
import { breaks, describeType, format, quoteSuggestion, refuse, valueOf } from './judge-submission.ts'
import type { Submission } from './judge-submission.ts'
import { columnFailure, expressionFailure, literalOf, sqlFailure } from './mysql.ts'
import type { Literal } from './mysql.ts'
import { quoteText } from './python-text.ts'
import type { PythonText, PythonValue } from './python-value.ts'
import { pythonStr, pythonTruth } from './python-words.ts'

/** Names that Sage took, as far as it did. */
export interface Identity {
  readonly namespace: string | undefined
  readonly name: string | undefined
}

/** The version that Sage works with. */
export interface Version {
  readonly literal: Literal
  /** As file names and the id hold it; undefined: it is not known. */
  readonly text: string | undefined
  /** A check has failed already; others would say the same. */
  isRefused: boolean
}

/** ecr_api.py L325-390, ecrdb.py addNamespace and addRepository. */
export function judgeNames(submission: Submission): Identity {
  const namespace = judgeNamespace(submission)
  const name = judgeName(submission, namespace)
  if (namespace !== undefined && name !== undefined && namespace.length + 1 + name.length > FULL_NAME_LENGTH) {
    const { words } = sqlFailure(1406, "Data too long for column 'resourceName' at row 1")
    refuse(submission, {
      code: 'CTSS-M019',
      path: ['name'],
      sage: `Could not create repository ${namespace}/${name}: ${words}`,
      accident: true,
      message: `Namespace and name together have ${namespace.length + 1 + name.length} characters ("${namespace}/${name}"); Sage's table holds ${FULL_NAME_LENGTH}.`,
      suggestion: `Shorten the name to ${FULL_NAME_LENGTH - 1 - namespace.length} characters.`,
    })
  }
  return { namespace, name }
}

interface NameRule {
  readonly field: 'namespace' | 'name'
  readonly pattern: RegExp
  readonly patternWords: string
  readonly lengthWords: string
  readonly length: { readonly least: number; readonly most: number }
  readonly codes: { readonly pattern: string; readonly length: string }
  /** "namespace x", as Sage's message goes on after "Could not create". */
  readonly created: string
  readonly title: string
  readonly allowed: string
}

function judgeNamespace(submission: Submission): string | undefined {
  const value = valueOf(submission.dict, 'namespace')
  if (value === undefined || !pythonTruth(value)) {
    refuse(submission, {
      code: 'CTSS-M013',
      path: ['namespace'],
      ...(value && { found: value }),
      sage: 'namespace missing',
      message: 'There is no namespace, and a manifest that is submitted as it is needs one.',
      suggestion: 'Register through the Portal, which fills in your user name, or add namespace: with the name of your Sage user.',
    })
    return undefined
  }
  return judgeNamed(submission, value, {
    field: 'namespace',
    pattern: /^[a-z0-9]+$/,
    patternWords: 'Namespace can only contain numbers and lowercase letters',
    lengthWords: 'Namespace must be between 4 and 30 characters long',
    length: NAMESPACE_LENGTH,
    codes: { pattern: 'CTSS-M014', length: 'CTSS-M015' },
    created: 'namespace ',
    title: submission.isPortal ? 'The namespace, which is the Sage user name,' : 'The namespace',
    allowed: 'lower-case letters and digits',
  })
}

function judgeName(submission: Submission, namespace: string | undefined): string | undefined {
  const value = valueOf(submission.dict, 'name')
  if (value === undefined || !pythonTruth(value)) {
    refuse(submission, {
      code: 'CTSS-M016',
      path: ['name'],
      ...(value && { found: value }),
      sage: 'repository name missing',
      message: 'The plugin has no name.',
      suggestion: 'Add name: with lower-case letters, digits, - and _.',
    })
    return undefined
  }
  return judgeNamed(submission, value, {
    field: 'name',
    pattern: /^[a-z0-9_-]+$/,
    patternWords: 'Repository can only contain numbers and lowercase letters',
    lengthWords: 'Repository must be between 2 and 255 characters long',
    length: NAME_LENGTH,
    codes: { pattern: 'CTSS-M017', length: 'CTSS-M018' },
    created: `repository ${namespace ?? submission.facts.user}/`,
    title: 'The name',
    allowed: 'lower-case letters, digits, - and _',
  })
}

function judgeNamed(submission: Submission, value: PythonValue, rule: NameRule): string | undefined {
  const { field, title } = rule
  const path = [field]
  const unsearchable = expressionFailure(literalOf(value), 'where clause')
  const words = unsearchable?.words ?? (value.type === 'str' ? undefined : format(`Could not create ${rule.created}`, value, `: ${matchFailure(value)}`))
  if (words !== undefined) {
    const message = value.type === 'str' ? `${title} holds characters that are no text.` : `${title} must be text; Sage sees ${describeType(value)}.`
    const suggestion = value.type === 'list' || value.type === 'dict' ? `Write one name after ${field}:.` : quoteSuggestion(submission, path)
    refuse(submission, { code: 'CTSS-M020', path, found: value, sage: words, accident: true, message: `${message} ${breaks(words)}`, suggestion })
    return undefined
  }
  return value.type === 'str' ? judgeSpelling(submission, value, rule) : undefined
}

/** What `re.fullmatch` raises for what is no text. */
function matchFailure(value: PythonValue): string {
  return value.type === 'bytes'
    ? 'cannot use a string pattern on a bytes-like object'
    : `expected string or bytes-like object, got '${qualifiedTypeName(value)}'`
}

function judgeSpelling(submission: Submission, found: PythonText, rule: NameRule): string | undefined {
  const { title, created, length } = rule
  const complain = (code: string, words: string, message: string, suggestion: string): void =>
    refuse(submission, { code, path: [rule.field], found, sage: `Could not create ${created}${found.value}: ${words}`, message, suggestion })
  const characters = lengthOfText(found)
  const isSpelled = rule.pattern.test(found.value)
  const isLong = characters >= length.least && characters <= length.most
  if (!isSpelled) {
    const proposal = spell(found.value, rule)
    const suggestion =
      submission.isPortal && rule.field === 'namespace'
        ? 'Register as another Sage user.'
        : proposal === ''
          ? `Use only ${rule.allowed}.`
          : `Write ${proposal}.`
    complain(rule.codes.pattern, rule.patternWords, `${title} may hold only ${rule.allowed}: ${quote(found.value)} holds more.`, suggestion)
  }
  if (!isLong) {
    const message = `${title} has ${characters} ${characters === 1 ? 'character' : 'characters'}; Sage takes ${length.least} to ${length.most}.`
    complain(rule.codes.length, rule.lengthWords, message, characters < length.least ? 'Take a longer one.' : 'Take a shorter one.')
  }
  return isSpelled && isLong ? found.value : undefined
}

function spell(name: string, { field }: NameRule): string {
  const plain = name.slice(0, 256).normalize('NFKD').replace(/\p{M}/gu, '').trim().toLowerCase()
  if (field === 'namespace') return plain.replace(/[^a-z0-9]+/g, '')
  const proposal = plain
    .replace(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/[_-]+/g, (run) => (run.includes('-') ? '-' : run.slice(0, 2)))
    .replaceAll(/^[_-]+|[_-]+$/g, '')
  // Another rule would refuse a name of one character.
  return proposal.length < NAME_LENGTH.least ? '' : proposal
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** ecr_api.py L393-410: a version that is given is looked for among the registered. */
export function judgeGivenVersion(submission: Submission): Version | undefined {
  const value = valueOf(submission.dict, 'version')
  if (value === undefined || !pythonTruth(value)) return undefined
  const literal = literalOf(value)
  const printed = pythonStr(value)
  const version: Version = { literal, text: 'error' in printed ? undefined : printed.text, isRefused: false }
  const failure = expressionFailure(literal, 'on clause')
  if (failure !== undefined)
    refuseVersion(submission, version, 'CTSS-M023', `ecr_db.listApps failed: ${failure.words}`, versionMessage(submission, failure.words))
  return version
}

interface VersionWords {
  readonly message: string
  readonly suggestion: string
  readonly accident?: true
}

function versionMessage(submission: Submission, words: string): VersionWords {
  const value = valueOf(submission.dict, 'version')
  const what =
    value === undefined || value.type === 'str' ? 'holds characters that cannot be stored' : `is seen as ${describeType(value)}, which cannot be stored`
  return { message: `The version ${what}. ${breaks(words)}`, suggestion: 'Write a version such as "1.2.3", in quotes.', accident: true }
}

function refuseVersion(submission: Submission, version: Version, code: string, sage: string, words: VersionWords): void {
  const found = valueOf(submission.dict, 'version')
  refuse(submission, { code, path: ['version'], ...(found && { found }), sage, ...words })
  version.isRefused = true
}

/**
 * ecr_api.py L207-233: what git calls the clone's newest commit is taken apart even where a version is given, and becomes the version where
 * none is. Undefined: `git describe` has not been asked; a short commit would pass.
 */
export function judgeDescribedVersion(submission: Submission, isGiven: boolean): Version {
  const { describe } = submission.facts
  if (describe === undefined) return { literal: { kind: 'text', text: '' }, text: undefined, isRefused: false }
  const [described = ''] = describe.split('\n', 1)
  const length = lengthOf(described)
  const parts = described.split('-')
  const isCommit = length === 7 || length === 8
  const text = isCommit ? described : `${parts[0]}-${parts[1]}`
  const isRefused = !isCommit && (length < 7 || parts.length !== 3)
  if (isRefused) {
    const purpose = isGiven ? '' : ' No version is given, so it would become the version.'
    refuse(submission, {
      code: 'CTSS-M024',
      path: ['version'],
      sage: `Could not parse version string ${described}`,
      message: `Sage cannot take apart what git calls the newest commit, "${shorten(described)}": it must have the form TAG-NUMBER-COMMIT, so the tag may hold no hyphen.${purpose}`,
      suggestion: 'Give the commit, or a newer one, a tag without hyphens, such as v1.2.3. A version in the manifest does not help.',
    })
  }
  return { literal: { kind: 'text', text }, text, isRefused }
}

/** ecr_api.py L252-266: namespace, name and version make the name of an archive. */
export function judgeArchive(submission: Submission, { namespace, name }: Identity, version: Version): void {
  const { text } = version
  if (version.isRefused || text === undefined) return
  if (text.includes('/')) {
    const message = `The version "${shorten(text)}" holds a slash, but Sage makes a file's name of it.`
    const suggestion = `Write ${JSON.stringify(shorten(text.replaceAll('/', '-')))}, for instance.`
    const sage = 'Invalid submission! Check that namespace, repository and version are all valid.'
    refuseVersion(submission, version, 'CTSS-M021', sage, { message, suggestion })
    return
  }
  if (text.includes('\0')) {
    refuseVersion(submission, version, 'CTSS-M023', 'embedded null byte', versionMessage(submission, 'embedded null byte'))
    return
  }
  const file = `${namespace}_${name}_${text}.tgz`
  if (namespace === undefined || name === undefined || utf8Length(file) <= MAX_FILE_NAME_BYTES) return
  const words = `[Errno 36] File name too long: ${quoteText(ARCHIVE_FOLDER + file)}`
  refuseVersion(submission, version, 'CTSS-M022', words, tooLongVersion(words))
}

function utf8Length(text: string): number {
  return text.length * 3 <= MAX_FILE_NAME_BYTES ? text.length : new TextEncoder().encode(text).length
}

function tooLongVersion(words: string): VersionWords {
  return {
    message: `The version is too long: Sage's tables hold 64 characters. ${breaks(words)}`,
    suggestion: 'Write a version such as "1.2.3", in quotes.',
    accident: true,
  }
}

/** Its place among the failures of a statement: as id of the sources, and as version of the app. */
export function refuseStoredVersion(submission: Submission, version: Version, words: string): void {
  if (version.isRefused) return
  const literal = version.literal
  const isLong = literal.kind === 'text' || columnFailure({ column: COLUMNS.version, literal })?.code === 1406
  const sage = words
  if (isLong) refuseVersion(submission, version, 'CTSS-M022', sage, tooLongVersion(words))
  else refuseVersion(submission, version, 'CTSS-M023', sage, versionMessage(submission, words))
}
