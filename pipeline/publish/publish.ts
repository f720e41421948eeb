import semver from 'semver'
import type { Bundle, File, Model, StageRecord } from '../../schemas/generated/types.ts'
import { keptModel } from '../build/fetch-model.ts'
import { asDigest, type Digest } from '../digest.ts'
import { Failure } from '../failure.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Catalogue, Publication, ReleaseSummary } from '../ports/catalogue.ts'
import type { ManifestAnswer, Registry } from '../ports/registry.ts'
import { error, type Problem } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import { detailsOf, listAttachments, nativeProfiles, type Attachment } from './attachments.ts'
import { bundleDocument, composeBundle } from './bundle.ts'
import { decidePublication } from './publication-decision.ts'
import { packSource } from './source-archive.ts'
import { verifyBundle } from './verification.ts'

/** A manifest is refused far below this before anything else runs. */
const MANIFEST_LIMIT_BYTES = 2 ** 20

export interface PublishInputs {
  readonly pipeline: Pipeline
  /** Records of this run, its gates applied to `outcome`. */
  readonly train: StageRecord | undefined
  readonly build: StageRecord | undefined
  readonly virtual: StageRecord | undefined
  readonly registry: Registry
  readonly catalogue: Catalogue
  /** `--release`; a clean commit with the version's tag claims the name by itself. */
  readonly release: boolean
  /** Registry host and repository to publish to, from `publishedRepository`. */
  readonly repository: string
}

interface Prepared {
  readonly bundle: Bundle
  readonly files: readonly File[]
  readonly sourceBytes: number
}

/**
 * Publishes what was tested: a candidate, known by its digest, or a release, which claims `namespace/name:version` for good.
 * Every step changes nothing when it is done again, and the name is claimed after everything else is in place, so that a run that was killed converges.
 * Fails as its ports do; a taken name is the problem `version-taken`.
 */
export async function runPublish(context: StageContext, inputs: PublishInputs): Promise<StageResult> {
  const decision = decidePublication({ ...inputs, subject: context.subject })
  if (decision.kind === 'refused') return refuse(decision.problems)
  const release = decision.kind === 'release'

  context.progress.step('archiving the source')
  const prepared = await prepareBundle(context, inputs, decision.build)
  if ('problem' in prepared) return refuse([...decision.problems, prepared.problem])
  const { bundle, files } = prepared

  const conflict = release ? await findTagConflict(bundle, inputs) : undefined
  if (conflict !== undefined) return refuse([...decision.problems, conflict])

  context.progress.step(`promoting ${bundle.index}`)
  const index = await promoteIndex(decision.build.repository, bundle, inputs, context.signal)
  context.progress.step('attaching what was measured')
  await attachAll(index, listAttachments(bundle, detailsOf(inputs.train, 'train'), detailsOf(inputs.virtual, 'virtual')), inputs, context.signal)

  context.progress.step(release ? `claiming ${bundle.name}:${bundle.version}` : 'writing to the catalogue')
  const publication = await inputs.catalogue.publish({
    bundle,
    release,
    reference: inputs.repository,
    summary: summarise(bundle, inputs),
    now: context.clock.now(),
  })
  if (publication.kind === 'name-taken') return refuse([...decision.problems, versionTaken(bundle, publication.existing, publication.offered, 'bundle')])
  if (release) await putTag(index, bundle.version, inputs)

  context.progress.step('reading everything back')
  await verify(publication, context, inputs)
  return {
    outcome: 'passed',
    problems: decision.problems,
    metrics: {
      sourceArchiveBytes: prepared.sourceBytes,
      modelBytes: (bundle.model?.files ?? []).reduce((total, { bytes }) => total + bytes, 0),
    },
    files,
    details: {
      kind: 'publish',
      state: decision.kind,
      changed: publication.kind === 'published',
      name: bundle.name,
      version: bundle.version,
      digest: publication.digest,
      index: bundle.index,
      reference: `${inputs.repository}@${bundle.index}`,
      id: publication.id,
    },
  }
}

function refuse(problems: readonly Problem[]): StageResult {
  return { outcome: 'failed', problems, metrics: {}, files: [], details: { kind: 'none' } }
}

async function prepareBundle(
  context: StageContext,
  inputs: PublishInputs,
  build: Parameters<typeof composeBundle>[0]['build'],
): Promise<Prepared | { readonly problem: Problem }> {
  const archive = await packSource(context.tree, context.signal)
  if (archive.kind === 'too-large') return archive
  const { path } = inputs.pipeline.manifest
  const content = await context.tree.read(path, MANIFEST_LIMIT_BYTES)
  if (content === undefined) throw new Failure('interrupted', `${path} disappeared while it was being published`)
  const [sourceArchive, manifest] = [await context.blobs.put(archive.content), await context.blobs.put(content)]
  const bundle = composeBundle({
    pipeline: inputs.pipeline,
    subject: context.subject,
    build,
    train: detailsOf(inputs.train, 'train'),
    model: modelOf(inputs),
    sourceArchive,
    manifest,
  })
  const document = Buffer.from(bundleDocument(bundle))
  const files: File[] = [
    { role: 'source', name: 'source.tar', digest: sourceArchive, bytes: archive.content.length, mediaType: 'application/x-tar' },
    { role: 'manifest', name: path, digest: manifest, bytes: content.length, mediaType: 'application/yaml' },
    { role: 'bundle', name: 'bundle.json', digest: await context.blobs.put(document), bytes: document.length, mediaType: 'application/json' },
  ]
  return { bundle, files, sourceBytes: archive.content.length }
}

/** What the image holds: what training left, or the files that the build took from `model.uri`. */
function modelOf({ pipeline, train, build }: PublishInputs): Model | null {
  const trained = detailsOf(train, 'train')?.model
  if (trained !== undefined && pipeline.model?.source.kind !== 'uri') return trained
  return keptModel(build?.files ?? []) ?? null
}

/** A tag that somebody else's catalogue, or a person, has put there is a claim, too. */
async function findTagConflict(bundle: Bundle, { registry, repository }: PublishInputs): Promise<Problem | undefined> {
  const tagged = await registry.manifest(`${repository}:${bundle.version}`)
  return tagged === undefined || tagged.digest === bundle.index ? undefined : versionTaken(bundle, tagged.digest, asDigest(bundle.index), 'image index')
}

async function promoteIndex(staged: string, bundle: Bundle, { registry, repository }: PublishInputs, signal: AbortSignal): Promise<ManifestAnswer> {
  signal.throwIfAborted()
  const digest = asDigest(bundle.index)
  await registry.promote(staged, digest, repository)
  const index = await registry.manifest(`${repository}@${digest}`)
  if (index === undefined) throw new Failure('registry-refused', `${repository} took the index ${digest}, but does not have it`)
  return index
}

async function attachAll(
  index: ManifestAnswer,
  attachments: readonly Attachment[],
  { registry, repository }: PublishInputs,
  signal: AbortSignal,
): Promise<void> {
  const subject = { mediaType: index.mediaType, digest: index.digest, size: index.content.length }
  for (const { artifactType, content, annotations } of attachments) {
    signal.throwIfAborted()
    // One after the other: where a registry has only the tag scheme, each one rewrites the same list.
    await registry.attach(repository, subject, artifactType, artifactType, Buffer.from(content), annotations)
  }
}

/** After the claim, which has one winner where a tag may be written by everybody. */
async function putTag(index: ManifestAnswer, version: string, { registry, repository }: PublishInputs): Promise<void> {
  await registry.putManifest(repository, index.content.toString('utf8'), index.mediaType, version)
  const tagged = await registry.manifest(`${repository}:${version}`)
  if (tagged?.digest === index.digest) return
  throw new Failure('registry-refused', `${repository}:${version} was given to ${index.digest}, but names ${tagged?.digest ?? 'nothing'}`, {
    suggestion: 'Somebody else writes this tag: find out who, and remove it.',
  })
}

function summarise(bundle: Bundle, { train, build, virtual }: PublishInputs): Omit<ReleaseSummary, 'digest' | 'published'> {
  const trained = detailsOf(train, 'train')
  return {
    name: bundle.name,
    version: bundle.version,
    index: asDigest(bundle.index),
    metrics: trained?.metrics ?? [],
    slices: trained?.slices ?? [],
    profiles: nativeProfiles(detailsOf(virtual, 'virtual')?.trials ?? []).map(({ profile }) => profile),
    imageBytes: Object.fromEntries(
      (detailsOf(build, 'build')?.platforms ?? []).flatMap(({ platform, bytes }) => (bytes === undefined ? [] : [[platform, bytes]])),
    ),
  }
}

async function verify(
  publication: Exclude<Publication, { kind: 'name-taken' }>,
  context: StageContext,
  { catalogue, registry, repository }: PublishInputs,
): Promise<void> {
  const faults = await verifyBundle(publication.digest, { catalogue, registry, blobs: context.blobs, repository })
  if (faults.length > 0)
    throw new Failure('registry-refused', `published, but not whole when read back: ${faults.join('; ')}`, {
      suggestion: 'Run again: what is there stays, and what is missing is written anew.',
    })
}

function versionTaken(bundle: Bundle, existing: Digest, offered: Digest, what: 'bundle' | 'image index'): Problem {
  const next = semver.valid(bundle.version) === null ? null : semver.inc(bundle.version, 'patch')
  return error(
    'version-taken',
    `${bundle.name}:${bundle.version} has been released with another content, and a release never changes. Its ${what} is ${existing}; this run's is ${offered}.`,
    {
      place: { file: bundle.manifest.path },
      suggestion: `Raise \`version:\` in ${bundle.manifest.path}${next === null ? '' : ` (to ${next}, for instance)`}, then release again; or go on without --release: this run is then a candidate, known by its digest.`,
    },
  )
}
