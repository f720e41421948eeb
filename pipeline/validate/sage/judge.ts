/**
 * What Sage's server would say to a manifest: `POST /submit` of waggle-sensor/sage-ecr at 55a1a7e (ecr_api.py submit_app L311-676 and
 * Submit.post L681-727), check by check in its order, on a server that knows nothing yet. Held against that server by `scripts/oracle`.
 */
import type { PortalFacts } from '../rule.ts'
import type { DocumentPath } from '../yaml-source.ts'
import { readBody } from './body.ts'
import { judgeStorage, idOf } from './judge-database.ts'
import { judgeMetadataJson, judgeRequired, judgeResourcesAndMetadata, judgeUnknownFields } from './judge-fields.ts'
import { judgeArchive, judgeDescribedVersion, judgeGivenVersion, judgeNames } from './judge-identity.ts'
import { judgeInputs } from './judge-inputs.ts'
import { qualifiedTypeName } from './judge-python.ts'
import { explainPortal, fillIn } from './judge-portal.ts'
import { judgeArchitectures, judgeBuildArguments, judgeCheckout } from './judge-source.ts'
import { describeType, valueOf } from './judge-submission.ts'
import type { Refusal, Submission } from './judge-submission.ts'
import { storedText } from './mysql.ts'
import { portalValue } from './portal.ts'
import type { Parsed, PythonError, PythonValue } from './python-value.ts'
import { pythonTruth } from './python-words.ts'
import { loadPyYaml } from './pyyaml.ts'
import { readFault } from './yaml-fault.ts'
import { explainYaml, mappingSuggestion, unreadableMessage } from './yaml-words.ts'

export type { Refusal } from './judge-submission.ts'

/** What Sage keeps of a manifest that it takes. */
export interface StoredApp {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly version: string
}

export interface Judgement {
  readonly verdict: 'accepted' | 'refused'
  /** Everything that is wrong, in Sage's order: the first is what Sage answers. Empty exactly when it is accepted. */
  readonly refusals: readonly Refusal[]
  /** Of what is accepted, where the version is known. */
  readonly stored?: StoredApp
}

/** The manifest as it is, sent to `/submit`. `parsed`: what `readBody` says about the text, where that is known already. */
export function judgeAsSubmitted(text: string, facts: PortalFacts, parsed: Parsed = readBody(text)): Judgement {
  if ('error' in parsed) return refused(unreadable(parsed.error, explainYaml(parsed.error, text)))
  return judgeBody(parsed.value, { facts, isPortal: false, written: () => undefined })
}

/** A mapping that Python's json may have read: it is not always what PyYAML would. */
const MAY_BE_JSON = /^\uFEFF?\s*\{/

/** The manifest as the Portal sends it: with namespace, address and branch filled in, and written anew. `parsed`: as for `judgeAsSubmitted`. */
export function judgeThroughPortal(text: string, facts: PortalFacts, parsed?: Parsed): Judgement {
  const written = parsed === undefined || MAY_BE_JSON.test(text) ? loadPyYaml(text) : parsed
  const received = portalValue(text, facts, written)
  if ('refused' in received) return judgeUnsent(received.refused, facts, written, text)
  if ('error' in received) return refused(unreadable(received.error, explainWritten(received.error, written, text)))
  return judgeBody(received.value, { facts, isPortal: true, written: (path) => ('value' in written ? valueAt(written.value, path) : undefined) })
}

/** The Portal does not tell what else is wrong: the rest is judged as if it had filled in what Python reads. */
function judgeUnsent(words: string, facts: PortalFacts, written: Parsed, text: string): Judgement {
  const first = explainPortal(words, written, text)
  const filled = 'value' in written ? fillIn(written.value, facts) : undefined
  const rest = filled === undefined ? [] : judgeApp({ dict: filled, facts, isPortal: true, refusals: [], written: () => undefined }).refusals
  return { verdict: 'refused', refusals: [first, ...rest.filter(({ code }) => code !== first.code)] }
}

function refused(refusal: Refusal): Judgement {
  return { verdict: 'refused', refusals: [refusal] }
}

/** ecr_api.py L694-698, outside of what is caught. */
function unreadable({ name, message }: PythonError, words: Pick<Refusal, 'start' | 'suggestion' | 'message'>): Refusal {
  return { code: 'CTSS-M010', path: [], sage: `${name}: ${message}`, status: 500, html: true, accident: true, ...words }
}

/** The Portal's text breaks Sage's reader: where the author's does so in the same way, that is the place. */
function explainWritten(error: PythonError, written: Parsed, text: string): Pick<Refusal, 'start' | 'suggestion' | 'message'> {
  const suggestion = 'The Portal wrote it so: quote or reword what begins with special characters.'
  const { problem } = readFault(error, '')
  if ('error' in written && readFault(written.error, text).problem === problem) return { ...explainYaml(written.error, text), suggestion }
  return { message: unreadableMessage(problem), suggestion }
}

function valueAt(root: PythonValue, path: DocumentPath): PythonValue | undefined {
  let value: PythonValue | undefined = root
  for (const part of path) {
    if (value?.type === 'dict') value = valueOf(value, String(part))
    else if (value?.type === 'list') value = value.items[Number(part)]
    else return undefined
  }
  return value
}

type Circumstances = Omit<Submission, 'dict' | 'refusals'>

function judgeBody(value: PythonValue, circumstances: Circumstances): Judgement {
  if (value.type === 'dict' && value.entries.length > 0) return judgeApp({ ...circumstances, dict: value, refusals: [] })
  const isEmpty = !pythonTruth(value)
  const sage = isEmpty ? 'Could not parse app spec' : `'${qualifiedTypeName(value)}' object has no attribute 'get'`
  return refused({
    code: 'CTSS-M012',
    path: [],
    found: value,
    sage,
    status: 500,
    accident: !isEmpty,
    message: isEmpty ? 'The manifest is empty.' : `The manifest must be a mapping, but is ${describeType(value)}.`,
    suggestion: mappingSuggestion(value),
  })
}

/** `submit_app`, in its order. */
function judgeApp(submission: Submission): Judgement {
  const identity = judgeNames(submission)
  const given = judgeGivenVersion(submission)
  const source = judgeRequired(submission)
  judgeUnknownFields(submission)
  const areInputsGood = judgeInputs(submission)
  const { resources, metadata } = judgeResourcesAndMetadata(submission)
  const refusedKeys = new Set<string>()
  if (source !== undefined) judgeCheckout(submission, source, refusedKeys)
  const described = judgeDescribedVersion(submission, given !== undefined)
  const version = given ?? described
  judgeArchive(submission, identity, version)
  const areMetadataGood = judgeMetadataJson(submission, metadata)
  const areArchitecturesGood = source !== undefined && judgeArchitectures(submission, source)
  const areBuildArgumentsGood = source !== undefined && judgeBuildArguments(submission, source)
  judgeStorage(submission, { identity, version, source, refusedKeys, areArchitecturesGood, areBuildArgumentsGood, areInputsGood, areMetadataGood, resources })
  const { refusals } = submission
  if (refusals.length > 0) return { verdict: 'refused', refusals }
  const id = idOf(identity, version)
  const { namespace, name } = identity
  if (id === undefined || namespace === undefined || name === undefined) return { verdict: 'accepted', refusals }
  return { verdict: 'accepted', refusals, stored: { id, namespace, name, version: storedText(version.literal) ?? '' } }
}
