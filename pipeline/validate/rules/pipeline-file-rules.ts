import { error, warning } from '../../problem.ts'
import type { Problem } from '../../problem.ts'
import { resolveTreePath } from '../../tree.ts'
import { listOf, mappingOf, textOf, textsOf, valueOf } from '../lenient.ts'
import type { Rule, RuleFacts, RuleFile } from '../rule.ts'
import { describePath } from '../tree-words.ts'
import { alternatives, quote, writePath } from '../words.ts'
import type { DocumentPath } from '../yaml-source.ts'

/** Every path in ctss.yaml stays inside the repository, also through links, and what is read must be there. */
export const pipelinePathsExist: Rule = function* (facts) {
  const { pipelineFile } = facts
  if (pipelineFile === undefined) return
  const training = mappingOf(pipelineFile.value, 'training')
  yield* requirePath(facts, pipelineFile, ['training', 'dockerfile'], textOf(training, 'dockerfile'), 'file')
  for (const [position, dataset] of listOf(training, 'datasets').entries()) {
    const path = ['training', 'datasets', position]
    yield* requirePath(facts, pipelineFile, [...path, 'croissant'], textOf(dataset, 'croissant'), 'file')
    yield* checkUri(facts, pipelineFile, [...path, 'uri'], textOf(dataset, 'uri'))
  }
  yield* checkUri(facts, pipelineFile, ['model', 'uri'], textOf(mappingOf(pipelineFile.value, 'model'), 'uri'))
  for (const [position, trial] of listOf(mappingOf(pipelineFile.value, 'test'), 'trials').entries()) {
    const path = ['test', 'trials', position]
    yield* requirePath(facts, pipelineFile, [...path, 'inputs'], textOf(trial, 'inputs'), 'file or folder')
    for (const camera of Object.keys(mappingOf(trial, 'camera')))
      yield* requirePath(facts, pipelineFile, [...path, 'camera', camera], textOf(mappingOf(trial, 'camera'), camera), 'file or folder')
    yield* checkGolden(facts, pipelineFile, [...path, 'golden'], textOf(trial, 'golden'))
  }
}

function* requirePath(
  { tree }: RuleFacts,
  file: RuleFile,
  path: DocumentPath,
  written: string,
  wanted: 'file' | 'folder' | 'file or folder',
): Iterable<Problem> {
  if (written === '') return
  const found = resolveTreePath(tree, written)
  if (found.kind === wanted || (wanted === 'file or folder' && (found.kind === 'file' || found.kind === 'folder'))) return
  yield describePath(`\`${writePath(path)}\``, written, found, wanted, file.place(path))
}

/** A golden file that is not there yet is recorded by `ctss test --record`. */
function* checkGolden(facts: RuleFacts, file: RuleFile, path: DocumentPath, written: string): Iterable<Problem> {
  if (written === '') return
  if (resolveTreePath(facts.tree, written).kind === 'missing') {
    yield warning('golden-missing', `\`${writePath(path)}\`: ${quote(written)} is not there, so nothing is compared.`, {
      place: file.place(path),
      suggestion: 'Record it with `ctss test --record`.',
    })
    return
  }
  yield* requirePath(facts, file, path, written, 'file')
}

/** A path in the repository, or an address of a kind that can be fetched. */
function* checkUri(facts: RuleFacts, file: RuleFile, path: DocumentPath, uri: string): Iterable<Problem> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase()
  if (scheme === undefined) yield* requirePath(facts, file, path, uri, 'file or folder')
  else if (!['file', 'https', 's3'].includes(scheme)) {
    yield error('address-of-other-kind', `\`${writePath(path)}\`: ${quote(uri)} cannot be fetched.`, {
      place: file.place(path),
      suggestion: `Use a path in the repository, or ${alternatives(['file:', 'https:', 's3:'])}.`,
    })
  }
}

/** Files are placed into a copy of the build context, so the place must lie in it. */
export const modelHasAPlace: Rule = function* ({ manifest, pipelineFile, tree }) {
  const model = mappingOf(pipelineFile?.value, 'model')
  if (pipelineFile === undefined || Object.keys(model).length === 0) return
  const path = textOf(model, 'path')
  const found = resolveTreePath(tree, path)
  const directory = resolveTreePath(tree, textOf(mappingOf(manifest.value, 'source'), 'directory') || '.')
  const place = pipelineFile.place(['model', 'path'])
  if (found.kind === 'outside' || found.kind === 'loop' || found.kind === 'submodule') yield describePath('`model.path`', path, found, 'folder', place)
  else if (found.path === '.') yield error('path-of-other-kind', '`model.path` must be a folder below the root, for instance app/model.', { place })
  else if (directory.kind === 'folder' && directory.path !== '.' && !`${found.path}/`.startsWith(`${directory.path}/`)) {
    yield error('path-outside', `\`model.path\`: ${quote(path)} lies outside the build context ${quote(directory.path)}, so the build cannot see it.`, {
      place,
    })
  }
  if (textOf(model, 'from') === 'train' && valueOf(pipelineFile.value, 'training') === undefined) {
    yield error('nothing-to-train', '`model.from: train` needs a `training` section.', {
      place: pipelineFile.place(['model', 'from']),
      suggestion: 'Describe the training, or name the model by `uri` and `sha256`.',
    })
  }
}

/** Names are how results are told apart. */
export const namesAreDistinct: Rule = function* ({ pipelineFile }) {
  if (pipelineFile === undefined) return
  yield* findTwins(pipelineFile, ['test', 'trials'], listOf(mappingOf(pipelineFile.value, 'test'), 'trials'))
  yield* findTwins(pipelineFile, ['training', 'datasets'], listOf(mappingOf(pipelineFile.value, 'training'), 'datasets'))
}

function* findTwins(file: RuleFile, path: DocumentPath, items: readonly unknown[]): Iterable<Problem> {
  const seen = new Set<string>()
  for (const [position, item] of items.entries()) {
    const name = textOf(item, 'name')
    if (name !== '' && seen.has(name))
      yield error('listed-twice', `\`${writePath(path)}\` has two entries named ${quote(name)}.`, { place: file.place([...path, position, 'name']) })
    seen.add(name)
  }
}

/** A trial that asks for a platform that is not built would never run. */
export const trialPlatformsAreBuilt: Rule = function* ({ manifest, pipelineFile }) {
  const built = textsOf(mappingOf(manifest.value, 'source'), 'architectures').map(({ text }) => text)
  for (const [trial, value] of listOf(mappingOf(pipelineFile?.value, 'test'), 'trials').entries()) {
    for (const { text, position } of textsOf(value, 'platforms')) {
      if (built.length > 0 && !built.includes(text))
        yield error('platform-not-built', `The trial ${quote(textOf(value, 'name'))} asks for ${text}, which \`source.architectures\` does not list.`, {
          place: pipelineFile?.place(['test', 'trials', trial, 'platforms', position]) ?? manifest.place([]),
          suggestion: `Built are ${built.join(', ')}.`,
        })
    }
  }
}

/** Limits that no result can satisfy, or that say nothing. */
export const expectationsCanHold: Rule = function* ({ pipelineFile }) {
  if (pipelineFile === undefined) return
  for (const [position, gate] of listOf(mappingOf(pipelineFile.value, 'training'), 'gates').entries())
    yield* checkRange(pipelineFile, ['training', 'gates', position], gate, 'min', 'max')
  for (const [trial, value] of listOf(mappingOf(pipelineFile.value, 'test'), 'trials').entries()) {
    for (const [position, expectation] of listOf(value, 'expect').entries()) {
      const path = ['test', 'trials', trial, 'expect', position]
      yield* checkRange(pipelineFile, path, expectation, 'min', 'max')
      yield* checkRange(pipelineFile, path, expectation, 'min_count', 'max_count')
      yield* checkExpectation(pipelineFile, path, expectation)
    }
  }
}

function* checkRange(file: RuleFile, path: DocumentPath, value: unknown, low: string, high: string): Iterable<Problem> {
  const [min, max] = [valueOf(value, low), valueOf(value, high)]
  if (typeof min === 'number' && typeof max === 'number' && min > max)
    yield error('empty-range', `\`${writePath(path)}\`: \`${low}\` ${min} is more than \`${high}\` ${max}, so nothing can pass.`, {
      place: file.place([...path, low]),
    })
}

/** pywaggle refuses other names (publish, `^[a-z0-9_]+$` joined by dots); `*` is ours and stands for one or more parts. */
const MEASUREMENT = /^(?:[a-z0-9_]+|\*)(?:\.(?:[a-z0-9_]+|\*))*$/

function* checkExpectation(file: RuleFile, path: DocumentPath, expectation: unknown): Iterable<Problem> {
  const name = textOf(expectation, 'name')
  if (name !== '' && !MEASUREMENT.test(name)) {
    yield error('never-published', `\`${writePath([...path, 'name'])}\`: no plugin can publish ${quote(name)}.`, {
      place: file.place([...path, 'name']),
      suggestion: 'Names are lower-case letters, digits and _, joined by dots; * stands for one or more parts.',
    })
  }
  const hasTolerance = valueOf(expectation, 'tolerance') !== undefined || valueOf(expectation, 'relative_tolerance') !== undefined
  if (hasTolerance && valueOf(expectation, 'value') === undefined && valueOf(expectation, 'values') === undefined) {
    yield warning('says-nothing', `\`${writePath(path)}\`: a tolerance without \`value\` or \`values\` says nothing.`, { place: file.place(path) })
  }
  const values = listOf(expectation, 'values').length
  const count = valueOf(expectation, 'count')
  if (values > 0 && typeof count === 'number' && count !== values)
    yield error('empty-range', `\`${writePath(path)}\`: ${values} values can't be ${count} messages.`, { place: file.place([...path, 'count']) })
}
