import { error, warning } from '../../problem.ts'
import type { Place, Problem } from '../../problem.ts'
import { resolveTreePath } from '../../tree.ts'
import type { TreePath } from '../../tree.ts'
import { directoryOf } from '../build-location.ts'
import { listOf, mappingOf, textOf, textsOf, valueOf } from '../lenient.ts'
import type { RepositoryFacts, RuleFile } from '../rule.ts'
import { explainPath } from '../tree-words.ts'
import { alternatives, quote, writePath } from '../words.ts'
import type { DocumentPath } from '../yaml-source.ts'

type Check = (facts: RepositoryFacts) => Iterable<Problem>

/** What is wrong with ctss.yaml beyond its schema. The values may be of any type: the schema has complained about those already. */
export function pipelineFileProblems(facts: RepositoryFacts): readonly Problem[] {
  return CHECKS.flatMap((check) => [...check(facts)])
}

function pathProblem(subject: string, written: string, found: TreePath, wanted: 'file' | 'folder' | 'file or folder', place: Place): Problem {
  const { message, suggestion } = explainPath(subject, written, found, wanted)
  return error('CTSS-C020', message, { place, ...(suggestion !== undefined && { suggestion }) })
}

/** Every path in ctss.yaml stays inside the repository, also through links, and what is read must be there. */
const pipelinePathsExist: Check = function* (facts) {
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
  { tree }: RepositoryFacts,
  file: RuleFile,
  path: DocumentPath,
  written: string,
  wanted: 'file' | 'folder' | 'file or folder',
): Iterable<Problem> {
  if (written === '') return
  const found = resolveTreePath(tree, written)
  if (found.kind === wanted || (wanted === 'file or folder' && (found.kind === 'file' || found.kind === 'folder'))) return
  yield pathProblem(`\`${writePath(path)}\``, written, found, wanted, file.place(path))
}

/** A golden file that is not there yet is recorded by `ctss test --record`. */
function* checkGolden(facts: RepositoryFacts, file: RuleFile, path: DocumentPath, written: string): Iterable<Problem> {
  if (written === '') return
  if (resolveTreePath(facts.tree, written).kind === 'missing') {
    yield warning('CTSS-C021', `\`${writePath(path)}\`: ${quote(written)} is not there, so nothing is compared.`, {
      place: file.place(path),
      suggestion: 'Record it with `ctss test --record`.',
    })
    return
  }
  yield* requirePath(facts, file, path, written, 'file')
}

/** A path in the repository, or an address of a kind that can be fetched. */
function* checkUri(facts: RepositoryFacts, file: RuleFile, path: DocumentPath, uri: string): Iterable<Problem> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase()
  if (scheme === undefined) yield* requirePath(facts, file, path, uri, 'file or folder')
  else if (!['file', 'https', 's3'].includes(scheme)) {
    yield error('CTSS-C022', `\`${writePath(path)}\`: ${quote(uri)} cannot be fetched.`, {
      place: file.place(path),
      suggestion: `Use a path in the repository, or ${alternatives(['file:', 'https:', 's3:'])}.`,
    })
  }
}

/** Files are placed into a copy of the build context, so the place must lie in it. */
const modelHasAPlace: Check = function* ({ manifest, pipelineFile, tree, subject }) {
  const model = mappingOf(pipelineFile?.value, 'model')
  if (pipelineFile === undefined || Object.keys(model).length === 0) return
  const path = textOf(model, 'path')
  const found = resolveTreePath(tree, path)
  const directory = resolveTreePath(tree, directoryOf(manifest.value, subject))
  const place = pipelineFile.place(['model', 'path'])
  if (found.kind === 'outside' || found.kind === 'loop' || found.kind === 'submodule') yield pathProblem('`model.path`', path, found, 'folder', place)
  else if (found.path === '.') yield error('CTSS-C020', '`model.path` must be a folder below the root, for instance app/model.', { place })
  else if (directory.kind === 'folder' && directory.path !== '.' && !`${found.path}/`.startsWith(`${directory.path}/`)) {
    yield error('CTSS-C020', `\`model.path\`: ${quote(path)} lies outside the build context ${quote(directory.path)}, so the build cannot see it.`, {
      place,
    })
  }
  if (textOf(model, 'from') === 'train' && valueOf(pipelineFile.value, 'training') === undefined) {
    yield error('CTSS-C023', '`model.from: train` needs a `training` section.', {
      place: pipelineFile.place(['model', 'from']),
      suggestion: 'Describe the training, or name the model by `uri` and `sha256`.',
    })
  }
}

/** Names are how results are told apart. */
const namesAreDistinct: Check = function* ({ pipelineFile }) {
  if (pipelineFile === undefined) return
  yield* findTwins(pipelineFile, ['test', 'trials'], listOf(mappingOf(pipelineFile.value, 'test'), 'trials'))
  yield* findTwins(pipelineFile, ['training', 'datasets'], listOf(mappingOf(pipelineFile.value, 'training'), 'datasets'))
}

function* findTwins(file: RuleFile, path: DocumentPath, items: readonly unknown[]): Iterable<Problem> {
  const seen = new Set<string>()
  for (const [position, item] of items.entries()) {
    const name = textOf(item, 'name')
    if (name !== '' && seen.has(name))
      yield error('CTSS-C024', `\`${writePath(path)}\` has two entries named ${quote(name)}.`, { place: file.place([...path, position, 'name']) })
    seen.add(name)
  }
}

/** A trial that asks for a platform that is not built would never run. */
const trialPlatformsAreBuilt: Check = function* ({ manifest, pipelineFile }) {
  const built = textsOf(mappingOf(manifest.value, 'source'), 'architectures').map(({ text }) => text)
  for (const [trial, value] of listOf(mappingOf(pipelineFile?.value, 'test'), 'trials').entries()) {
    for (const { text, position } of textsOf(value, 'platforms')) {
      if (built.length > 0 && !built.includes(text))
        yield error('CTSS-C025', `The trial ${quote(textOf(value, 'name'))} asks for ${text}, which \`source.architectures\` does not list.`, {
          place: pipelineFile?.place(['test', 'trials', trial, 'platforms', position]) ?? manifest.place([]),
          suggestion: `Built are ${built.join(', ')}.`,
        })
    }
  }
}

/** Limits that no result can satisfy, or that say nothing. */
const expectationsCanHold: Check = function* ({ pipelineFile }) {
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
    yield error('CTSS-C026', `\`${writePath(path)}\`: \`${low}\` ${min} is more than \`${high}\` ${max}, so nothing can pass.`, {
      place: file.place([...path, low]),
    })
}

/** pywaggle refuses other names (publish, `^[a-z0-9_]+$` joined by dots); `*` is ours and stands for one or more parts. */
const MEASUREMENT = /^(?:[a-z0-9_]+|\*)(?:\.(?:[a-z0-9_]+|\*))*$/

function* checkExpectation(file: RuleFile, path: DocumentPath, expectation: unknown): Iterable<Problem> {
  const name = textOf(expectation, 'name')
  if (name !== '' && !MEASUREMENT.test(name)) {
    yield error('CTSS-C027', `\`${writePath([...path, 'name'])}\`: no plugin can publish ${quote(name)}.`, {
      place: file.place([...path, 'name']),
      suggestion: 'Names are lower-case letters, digits and _, joined by dots; * stands for one or more parts.',
    })
  }
  const hasTolerance = valueOf(expectation, 'tolerance') !== undefined || valueOf(expectation, 'relative_tolerance') !== undefined
  if (hasTolerance && valueOf(expectation, 'value') === undefined && valueOf(expectation, 'values') === undefined) {
    yield warning('CTSS-C028', `\`${writePath(path)}\`: a tolerance without \`value\` or \`values\` says nothing.`, { place: file.place(path) })
  }
  const values = listOf(expectation, 'values').length
  const count = valueOf(expectation, 'count')
  if (values > 0 && typeof count === 'number' && count !== values)
    yield error('CTSS-C026', `\`${writePath(path)}\`: ${values} values can't be ${count} messages.`, { place: file.place([...path, 'count']) })
}

const CHECKS: readonly Check[] = [pipelinePathsExist, modelHasAPlace, namesAreDistinct, trialPlatformsAreBuilt, expectationsCanHold]
