import type { Limits as LimitsSection, Manifest, PipelineFile, Subject, Trial } from '../../schemas/generated/types.ts'
import { validateManifest } from '../../schemas/generated/validators.js'
import { DEFAULT_LIMITS } from '../pipeline.ts'
import type { Limits, Pipeline, Training, TrialPlan } from '../pipeline.ts'
import { normaliseRepositoryUrl } from '../repository-url.ts'
import { resolveTreePath } from '../tree.ts'
import type { TreeIndex } from '../tree.ts'
import { directoryOf, dockerfileOf, resolveDockerfile } from './build-location.ts'
import { mappingOf, textOf, textsOf } from './lenient.ts'
import type { Mapping } from './lenient.ts'
import { ARCHITECTURES } from './sage/facts.ts'
import { parseDuration, parseSize } from './units.ts'

const DEFAULT_NAMESPACE = 'local'

export interface CompleteFacts {
  /** In today's dialect; may break the schema. */
  readonly manifest: Mapping
  /** Of the file that it was read from. */
  readonly path: string
  /** The Sage user who registers the plugin: the Portal makes it the namespace. */
  readonly user: string
  readonly sections: PipelineFile
  readonly subject: Subject
  readonly tree: TreeIndex
}

/**
 * Fills every default and resolves every unit and path, leniently: a name that the ECR refuses becomes one that an image can have.
 * Undefined when the build context or the Dockerfile lies outside the repository: then there is nothing that may be built.
 */
export function completePipeline({ manifest, path, user, sections, subject, tree }: CompleteFacts): Pipeline | undefined {
  const identity = completeIdentity(manifest, user, subject)
  const source = completeSource(manifest, subject, tree)
  if (source === undefined) return undefined
  const training = completeTraining(sections, tree)
  return {
    manifest: { ...identity, ...source, path, document: completeDocument(manifest, identity, source.platforms, subject) },
    training,
    model: completeModel(sections, training, tree),
    trials: (sections.test?.trials ?? [{ name: 'default' }]).map((trial) => completeTrial(trial, tree)),
    budgets: Object.fromEntries(
      Object.entries(sections.profile?.budgets ?? {}).map(([metric, budget]) => [metric, typeof budget === 'string' ? parseSize(budget) : budget]),
    ),
    repetitions: sections.profile?.repetitions ?? 12,
    nodes: sections.profile?.nodes ?? [],
    access: sections.access ?? 'public',
  }
}

const EMPTY_TREE: TreeIndex = { entries: new Map(), folders: new Set() }

/** What a folder with nothing but a Dockerfile becomes, for a trial without any manifest. */
export function defaultPipeline(folderName: string, platforms: readonly string[] = ['linux/amd64']): Pipeline {
  const subject = { repository: folderName, commit: null, dirty: true, tree: '' }
  const manifest = { name: imageName(folderName), version: '0.0.0', description: folderName, source: { architectures: platforms } }
  const pipeline = completePipeline({ manifest, path: 'sage.yaml', user: DEFAULT_NAMESPACE, sections: {}, subject, tree: EMPTY_TREE })
  if (pipeline === undefined) throw new TypeError('defaults leave the repository')
  return pipeline
}

type Identity = Pick<Pipeline['manifest'], 'namespace' | 'name' | 'version' | 'description' | 'license' | 'authors' | 'keywords' | 'homepage'>

function completeIdentity(manifest: Mapping, user: string, subject: Subject): Identity {
  return {
    namespace: namespaceOf(user) ?? DEFAULT_NAMESPACE,
    name: imageName(textOf(manifest, 'name') || subject.repository.split('/').at(-1) || ''),
    version: tagName(textOf(manifest, 'version')) || versionFromGit(subject),
    description: textOf(manifest, 'description'),
    license: textOf(manifest, 'license'),
    authors: textOf(manifest, 'authors'),
    keywords: textOf(manifest, 'keywords'),
    homepage: textOf(manifest, 'homepage'),
  }
}

/** A user name as a part of an image's name. */
function namespaceOf(text: string): string | undefined {
  const letters = text
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 30)
  return letters.length < 4 ? undefined : letters
}

/** A name that both the ECR and an OCI registry take. */
function imageName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/_{3,}/g, '__')
    .replace(/-+_|_+-/g, '-')
    .slice(0, 64)
    .replace(/^[-_]+|[-_]+$/g, '')
  return name.length < 2 ? `plugin${name === '' ? '' : `-${name}`}` : name
}

/** A version that can be an image's tag. */
function tagName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[-.]+/, '')
    .slice(0, 64)
}

/** The highest x.y.z among the commit's tags, else the first tag, else the short commit, as `git describe --always` would name it. */
function versionFromGit({ tags = [], commit }: Subject): string {
  const numbered = tags.map((tag) => /^v?(\d+\.\d+\.\d+)$/.exec(tag)?.[1]).filter((version) => version !== undefined)
  const highest = numbered.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  return highest ?? (tagName(tags[0] ?? '') || commit?.slice(0, 7) || '0.0.0')
}

type Source = Pick<Pipeline['manifest'], 'platforms' | 'directory' | 'dockerfile' | 'buildArgs'>

function completeSource(manifest: Mapping, subject: Subject, tree: TreeIndex): Source | undefined {
  const source = mappingOf(manifest, 'source')
  const directory = insidePath(tree, directoryOf(manifest, subject))
  if (directory === undefined) return undefined
  const found = resolveDockerfile(tree, directory, dockerfileOf(manifest))
  const file = found.kind === 'outside' || found.kind === 'loop' || found.kind === 'submodule' ? undefined : found.path
  if (file === undefined || (directory !== '.' && !file.startsWith(`${directory}/`))) return undefined
  const platforms = [...new Set(textsOf(source, 'architectures').map(({ text }) => text))].filter((text) => ARCHITECTURES.some((known) => known === text))
  const buildArgs = Object.entries(mappingOf(source, 'build_args')).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return {
    platforms: platforms.length === 0 ? ['linux/amd64'] : platforms,
    directory,
    dockerfile: directory === '.' ? file : file.slice(directory.length + 1),
    buildArgs: Object.fromEntries(buildArgs),
  }
}

/** A path with its links followed; undefined when it leaves the repository. One that leads nowhere stays: whoever reads it finds nothing. */
function insidePath(tree: TreeIndex, path: string): string | undefined {
  const found = resolveTreePath(tree, path)
  return found.kind === 'outside' || found.kind === 'loop' || found.kind === 'submodule' ? undefined : found.path
}

/** What the Portal would send to the ECR; of a manifest that breaks the schema, what can be kept of it. */
function completeDocument(manifest: Mapping, { namespace, name, version, description }: Identity, platforms: readonly string[], subject: Subject): Manifest {
  const source = mappingOf(manifest, 'source')
  const url = textOf(source, 'url') || normaliseRepositoryUrl(subject.repository)
  const augmented = { ...manifest, namespace, version, source: { ...source, ...(url !== undefined && { url }) } }
  if (validateManifest(augmented)) return augmented
  const minimal = { namespace, name, version, description: description || name, source: { architectures: platforms } }
  if (!validateManifest(minimal)) throw new TypeError('the completed manifest breaks its schema')
  return minimal
}

function completeTraining({ training }: PipelineFile, tree: TreeIndex): Training | undefined {
  if (training === undefined) return undefined
  const { dockerfile, image, gpu = false } = training
  const path = dockerfile === undefined ? undefined : insidePath(tree, dockerfile)
  if (image === undefined && path === undefined) return undefined
  return {
    source: path === undefined ? { kind: 'image', reference: image ?? '' } : { kind: 'dockerfile', path },
    command: training.command,
    gpu: typeof gpu === 'boolean' ? gpu : { type: gpu.type, count: gpu.count ?? 1 },
    engine: training.engine ?? 'docker',
    network: training.network ?? 'none',
    timeoutMs: parseDuration(training.timeout ?? '1h'),
    seed: training.seed ?? 1,
    limits: completeLimits(training.limits),
    hyperparameters: training.hyperparameters ?? {},
    datasets: training.datasets ?? [],
    gates: training.gates ?? [],
  }
}

function completeModel({ model }: PipelineFile, training: Training | undefined, tree: TreeIndex): Pipeline['model'] {
  const path = model === undefined ? undefined : insidePath(tree, model.path)
  if (model === undefined || path === undefined || path === '.') return undefined
  if (model.uri !== undefined && model.sha256 !== undefined) return { path, source: { kind: 'uri', uri: model.uri, sha256: model.sha256 } }
  return training === undefined ? undefined : { path, source: { kind: 'train' } }
}

/** A trial of which only the name is given: what a plugin is tried with when ctss.yaml says nothing. */
export function defaultTrial(name: string): TrialPlan {
  return completeTrial({ name }, EMPTY_TREE)
}

function completeTrial(trial: Trial, tree: TreeIndex): TrialPlan {
  const inside = (path: string | undefined): string | undefined => (path === undefined ? undefined : insidePath(tree, path))
  const cameras = Object.entries(trial.camera ?? {}).map(([name, path]) => [name, inside(path)] as const)
  return {
    name: trial.name,
    inputs: inside(trial.inputs),
    cameras: Object.fromEntries(cameras.filter((camera): camera is [string, string] => camera[1] !== undefined)),
    args: trial.args ?? [],
    env: trial.env ?? {},
    timeoutMs: parseDuration(trial.timeout ?? '60s'),
    mayRunOn: trial.stop === 'allowed',
    exitCode: trial.exit_code ?? 0,
    limits: completeLimits(trial.limits),
    network: trial.network ?? 'none',
    platforms: trial.platforms,
    expect: trial.expect ?? [],
    golden: inside(trial.golden),
  }
}

function completeLimits(limits: LimitsSection = {}): Limits {
  return {
    memoryBytes: limits.memory === undefined ? DEFAULT_LIMITS.memoryBytes : parseSize(limits.memory),
    diskBytes: limits.disk === undefined ? DEFAULT_LIMITS.diskBytes : parseSize(limits.disk),
    pids: limits.pids ?? DEFAULT_LIMITS.pids,
    ...(limits.cpus !== undefined && { cpus: limits.cpus }),
  }
}
