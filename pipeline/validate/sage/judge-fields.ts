import { keyText } from '../manifest-spans.ts'
import { closestWord, quote } from '../words.ts'
import { MANIFEST_KEYS, SOURCE_KEYS } from './facts.ts'
import { findJsonFault, refuseJsonFault } from './judge-json.ts'
import { describeType, format, MOST_PROPOSALS, quoteSuggestion, refuse, textKeysOf, valueOf } from './judge-submission.ts'
import type { Submission } from './judge-submission.ts'
import type { PythonDict, PythonValue } from './python-value.ts'

const MANIFEST_KEY_SET: ReadonlySet<string> = new Set(MANIFEST_KEYS)

/** ecr_api.py L413-434; the source, as far as the rest can be judged. */
export function judgeRequired(submission: Submission): PythonDict | undefined {
  judgeDescription(submission)
  const source = valueOf(submission.dict, 'source')
  const path = ['source']
  const suggestion = 'Write source: and below it, indented, architectures: with a list such as [linux/amd64, linux/arm64].'
  if (source === undefined || (source.type === 'dict' && source.entries.length === 0)) {
    const message = source === undefined ? 'There is no source.' : 'The source is empty.'
    refuse(submission, { code: 'CTSS-M029', path, ...(source && { found: source }), sage: 'Required field source is missing', message, suggestion })
    return undefined
  }
  if (source.type === 'dict') return source
  const sage = `Field source has to be of type dict, got ${source.type}`
  refuse(submission, { code: 'CTSS-M030', path, found: source, sage, message: `The source must be a mapping; Sage sees ${describeType(source)}.`, suggestion })
  return undefined
}

function judgeDescription(submission: Submission): void {
  const found = valueOf(submission.dict, 'description')
  const path = ['description']
  if (found === undefined) {
    const suggestion = 'Add description: with a sentence about what the plugin does.'
    refuse(submission, { code: 'CTSS-M025', path, sage: 'Required field description is missing', message: 'There is no description.', suggestion })
  } else if (found.type !== 'str') {
    const sage = `Field description has to be of type str, got ${found.type}`
    const message = `The description must be text; Sage sees ${describeType(found)}.`
    const suggestion =
      found.type === 'NoneType'
        ? 'Write a sentence about what the plugin does.'
        : found.type === 'list'
          ? 'Write one text, not a list.'
          : quoteSuggestion(submission, path)
    refuse(submission, { code: 'CTSS-M027', path, found, sage, message, suggestion })
  } else if (found.value === '') {
    const suggestion = 'Write a sentence about what the plugin does.'
    refuse(submission, { code: 'CTSS-M026', path, found, sage: 'Required field description is missing', message: 'The description is empty.', suggestion })
  }
}

/** ecr_api.py L437-440. */
export function judgeUnknownFields(submission: Submission): void {
  const present = textKeysOf(submission.dict)
  for (const { key } of submission.dict.entries) {
    if (key.type === 'str' && MANIFEST_KEY_SET.has(key.value)) continue
    const name = keyText(key)
    refuse(submission, {
      code: 'CTSS-M031',
      path: [name],
      part: 'key',
      found: key,
      sage: format('Field ', key, ' not supported'),
      message: `Sage knows no field ${quote(name)}.`,
      suggestion: suggestField(key, name, submission.refusals.length < MOST_PROPOSALS ? present : undefined),
    })
  }
}

/** `present`: what stands there already; undefined: no more proposals. */
function suggestField(key: PythonValue, name: string, present: ReadonlySet<string> | undefined): string {
  if ((SOURCE_KEYS as readonly string[]).includes(name)) return `Move ${name} below source:.`
  if (key.type === 'str' && present !== undefined) {
    const near = closestWord(name, MANIFEST_KEYS)
    if (near !== undefined && !present.has(near)) return `Did you mean ${near}?`
    const nearInSource = closestWord(name, SOURCE_KEYS)
    if (near === undefined && nearInSource !== undefined) return `Did you mean ${nearInSource}, below source:?`
  }
  return 'Delete it, or move what it says below metadata:.'
}

/** ecr_api.py L474-486: what must be a list, and what a mapping. Null counts as neither. */
export function judgeResourcesAndMetadata(submission: Submission): { readonly resources: readonly PythonValue[]; readonly metadata: PythonDict | undefined } {
  const resources = valueOf(submission.dict, 'resources')
  if (resources !== undefined && resources.type !== 'list') {
    refuse(submission, {
      code: 'CTSS-M039',
      path: ['resources'],
      found: resources,
      sage: 'Field resources has to be an array',
      message: `The resources must be a list; Sage sees ${describeType(resources)}.`,
      suggestion: resources.type === 'NoneType' ? 'Delete the line, or write [].' : 'Begin each resource with "- ".',
    })
  }
  const metadata = valueOf(submission.dict, 'metadata')
  if (metadata !== undefined && metadata.type !== 'dict') {
    refuse(submission, {
      code: 'CTSS-M041',
      path: ['metadata'],
      found: metadata,
      sage: 'metadata has to be an object',
      message: `The metadata must be a mapping; Sage sees ${describeType(metadata)}.`,
      suggestion: metadata.type === 'NoneType' ? 'Delete the line, or write {}.' : 'Write key: value pairs below metadata:, indented.',
    })
  }
  return { resources: resources?.type === 'list' ? resources.items : [], metadata: metadata?.type === 'dict' ? metadata : undefined }
}

/** ecr_api.py L544: metadata are written as JSON after the clone only. */
export function judgeMetadataJson(submission: Submission, metadata: PythonDict | undefined): boolean {
  const fault = metadata && findJsonFault(metadata, ['metadata'])
  if (fault !== undefined) refuseJsonFault(submission, fault)
  return fault === undefined
}
