import { meantArchitecture } from '../fixes/architecture-names.ts'
import { keyText } from '../manifest-spans.ts'
import { alternatives, quote } from '../words.ts'
import { ARCHITECTURES } from './facts.ts'
import { iterate } from './judge-inputs.ts'
import { findJsonFault, refuseJsonFault } from './judge-json.ts'
import { argumentFailure, qualifiedTypeName } from './judge-python.ts'
import { breaks, describeType, format, MOST_PROPOSALS, quoteSuggestion, refuse, valueOf } from './judge-submission.ts'
import type { Submission } from './judge-submission.ts'
import type { PythonDict, PythonValue } from './python-value.ts'
import { pythonTruth } from './python-words.ts'

const ARCHITECTURE_SET: ReadonlySet<string> = new Set(ARCHITECTURES)
const VALID_WORDS = `not supported, valid values: ${ARCHITECTURES.join(',')}`

/** `source.get(key) or default`: undefined for everything that counts as false. */
export function trueValueOf(source: PythonDict, key: string): PythonValue | undefined {
  const value = valueOf(source, key)
  return value !== undefined && pythonTruth(value) ? value : undefined
}

/** What of the source has been refused, so that storing it is no second finding. */
export type RefusedKeys = Set<string>

/** ecr_api.py L489-505 and the arguments of `git clone` in L198-205. */
export function judgeCheckout(submission: Submission, source: PythonDict, refused: RefusedKeys): void {
  const [url, tag, branch] = [trueValueOf(source, 'url'), trueValueOf(source, 'tag'), trueValueOf(source, 'branch')]
  if (url === undefined) {
    refuse(submission, {
      code: 'CTSS-M043',
      path: ['source', 'url'],
      sage: 'url missing in source',
      message: "The source has no url, and a manifest that is submitted as it is needs the repository's address.",
      suggestion: "Register through the Portal, which fills it in, or add url: with the repository's address.",
    })
  }
  if (tag === undefined && branch === undefined) {
    refuse(submission, {
      code: 'CTSS-M044',
      path: ['source', 'branch'],
      sage: 'Neither tag nor branch specified',
      message: 'The source has neither branch nor tag, and a manifest that is submitted as it is needs one.',
      suggestion: 'Register through the Portal, which fills in the branch, or add branch: main.',
    })
  }
  const revision = tag ?? branch
  if (revision !== undefined) judgeArgument(submission, tag === undefined ? 'branch' : 'tag', revision, refused)
  if (url !== undefined) judgeArgument(submission, 'url', url, refused)
}

function judgeArgument(submission: Submission, key: string, found: PythonValue, refused: RefusedKeys): void {
  const failure = argumentFailure(found)
  if (failure === undefined) return
  refused.add(key)
  const path = ['source', key]
  const isText = found.type === 'str' || found.type === 'bytes'
  refuse(submission, {
    code: isText ? 'CTSS-M060' : 'CTSS-M045',
    path,
    found,
    sage: failure.words,
    accident: true,
    message: `source.${key} ${isText ? 'holds characters that no command can be given' : `must be text; Sage sees ${describeType(found)}`}. ${breaks(failure.words)}`,
    suggestion: isText
      ? 'Write it without escapes.'
      : found.type === 'list' || found.type === 'dict'
        ? `Write one text after ${key}:.`
        : quoteSuggestion(submission, path),
  })
}

/** ecr_api.py L600-614: the architectures as JSON can be stored, unless this says false. */
export function judgeArchitectures(submission: Submission, source: PythonDict): boolean {
  const found = valueOf(source, 'architectures')
  const path = ['source', 'architectures']
  const suggestion = 'Write architectures: [linux/amd64, linux/arm64].'
  const items = found && iterate(found)
  if (found === undefined || items?.length === 0) {
    const message = found === undefined ? 'The source lists no architectures.' : 'The list of architectures is empty.'
    refuse(submission, { code: 'CTSS-M048', path, ...(found && { found }), sage: 'architectures missing in source', message, suggestion })
    return false
  }
  if (found.type === 'list') return judgeArchitectureList(submission, found.items) && judgeJson(submission, found, path)
  const first = items?.find((item) => !isArchitecture(item))
  const words = items === undefined ? `object of type '${qualifiedTypeName(found)}' has no len()` : first && format('Architecture ', first, ` ${VALID_WORDS}`)
  if (words === undefined) return judgeJson(submission, found, path)
  const isAccident = items === undefined
  const message = `The architectures must be a list; Sage sees ${describeType(found)}.`
  refuse(submission, {
    code: 'CTSS-M049',
    path,
    found,
    sage: words,
    ...(isAccident && { accident: true }),
    message: isAccident ? `${message} ${breaks(words)}` : message,
    suggestion: found.type === 'str' && isArchitecture(found) ? `Write [${found.value}].` : suggestion,
  })
  return false
}

function judgeJson(submission: Submission, value: PythonValue, path: readonly string[]): boolean {
  const fault = findJsonFault(value, path)
  if (fault !== undefined) refuseJsonFault(submission, fault)
  return fault === undefined
}

function isArchitecture(value: PythonValue): boolean {
  return value.type === 'str' && ARCHITECTURE_SET.has(value.value)
}

function judgeArchitectureList(submission: Submission, items: readonly PythonValue[]): boolean {
  let isGood = true
  for (const [index, found] of items.entries()) {
    if (isArchitecture(found)) continue
    isGood = false
    const name = found.type === 'str' ? found.value : undefined
    const near = name === undefined || submission.refusals.length >= MOST_PROPOSALS ? undefined : meantArchitecture(name)
    refuse(submission, {
      code: 'CTSS-M050',
      path: ['source', 'architectures', index],
      found,
      sage: format('Architecture ', found, ` ${VALID_WORDS}`),
      message: name === undefined ? `An architecture must be text; Sage sees ${describeType(found)}.` : `Sage knows no architecture ${quote(name)}.`,
      suggestion: near === undefined ? `Use ${alternatives(ARCHITECTURES)}.` : `Write ${near}.`,
    })
  }
  return isGood
}

/** ecr_api.py L619-628: the build arguments as JSON can be stored, unless this says false. */
export function judgeBuildArguments(submission: Submission, source: PythonDict): boolean {
  const found = valueOf(source, 'build_args')
  if (found === undefined) return true
  const path = ['source', 'build_args']
  if (found.type !== 'dict') {
    const message = `The build arguments must be a mapping; Sage sees ${describeType(found)}.`
    const suggestion = found.type === 'NoneType' ? 'Delete the line, or write {}.' : 'Write NAME: "value" pairs below build_args:, indented.'
    refuse(submission, { code: 'CTSS-M052', path, found, sage: 'build_args needs to be a dictionary', message, suggestion })
    return false
  }
  let isGood = true
  for (const { key, value } of found.entries) {
    if (value.type === 'str') continue
    isGood = false
    const name = keyText(key)
    refuse(submission, {
      code: 'CTSS-M053',
      path: [...path, name],
      found: value,
      sage: 'build_args values have to be strings',
      message: `The build argument ${quote(name)} must be text; Sage sees ${describeType(value)}.`,
      suggestion: value.type === 'dict' || value.type === 'list' ? 'Write one text.' : quoteSuggestion(submission, [...path, name]),
    })
  }
  return isGood && judgeJson(submission, found, path)
}
