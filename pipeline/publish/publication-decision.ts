import type { BuildDetails, StageRecord, Subject } from '../../schemas/generated/types.ts'
import type { Pipeline } from '../pipeline.ts'
import { error, hasErrors, warning, type Problem } from '../problem.ts'
import { claimsName, hasVersionTag } from './publish-inputs.ts'

/** An OCI image's path (distribution-spec, "Pulling manifests"), each part of it. */
const REPOSITORY_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
/** An OCI tag, from the same place. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

export interface PublicationFacts {
  readonly pipeline: Pipeline
  readonly subject: Subject
  /** Records with this run's gates applied. */
  readonly train: StageRecord | undefined
  readonly build: StageRecord | undefined
  readonly virtual: StageRecord | undefined
  /** `--release`. */
  readonly release: boolean
}

export type PublicationDecision =
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'candidate' | 'release'; readonly build: BuildDetails & { readonly index: string }; readonly problems: readonly Problem[] }

/** The gate before publishing: whether what was built may be published, and as what. A refusal lists everything that stands against it. */
export function decidePublication(facts: PublicationFacts): PublicationDecision {
  const release = claimsName(facts.pipeline, facts.subject, facts.release)
  const build = facts.build?.details.kind === 'build' ? facts.build.details : undefined
  const problems = [
    ...stageProblems(facts),
    ...platformProblems(facts.pipeline, build, release),
    ...nameProblems(facts.pipeline, release),
    ...(release ? releaseWarnings(facts) : []),
  ]
  if (build?.index === undefined || hasErrors(problems)) return { kind: 'refused', problems }
  return { kind: release ? 'release' : 'candidate', build: { ...build, index: build.index }, problems }
}

function stageProblems({ pipeline, train, build, virtual }: PublicationFacts): readonly Problem[] {
  const required = [['build', build], ['virtual', virtual], ...(pipeline.training === undefined ? [] : ([['train', train]] as const))] as const
  const missing = required
    .filter(([, record]) => record?.outcome !== 'passed')
    .map(([stage, record]) =>
      error('stage-not-passed', `nothing is published, because ${stage} ${record === undefined ? 'did not run' : `ended as ${record.outcome}`}`),
    )
  return [...missing, ...agreementProblems(pipeline, train, build, virtual)]
}

/** What was trained is what was built, and what was built is what was tested. */
function agreementProblems(
  pipeline: Pipeline,
  train: StageRecord | undefined,
  build: StageRecord | undefined,
  virtual: StageRecord | undefined,
): readonly Problem[] {
  if (build?.details.kind !== 'build') return []
  const { index, model } = build.details
  const trained = pipeline.model?.source.kind === 'train' && train?.details.kind === 'train' ? train.details.model?.digest : undefined
  const tested = virtual?.subject.index
  const suggestion = 'Run again with --force build,virtual.'
  return [
    ...(model === undefined || trained === undefined || model === trained
      ? []
      : [error('records-disagree', `the image holds the model ${model}, but training left ${trained}`, { suggestion })]),
    ...(index === undefined || tested === undefined || index === tested
      ? []
      : [error('records-disagree', `the image index ${index} was built, but ${tested} was tested`, { suggestion })]),
  ]
}

function platformProblems({ manifest }: Pipeline, build: BuildDetails | undefined, release: boolean): readonly Problem[] {
  if (build === undefined) return []
  const built = new Set(build.platforms.filter(({ outcome, digest }) => outcome === 'passed' && digest !== undefined).map(({ platform }) => platform))
  const missing = manifest.platforms.filter((platform) => !built.has(platform))
  if (missing.length === 0 && build.index !== undefined) return []
  if (build.index === undefined) return [error('no-image', 'nothing is published, because there is no image of all platforms')]
  const message = `${manifest.path} promises ${missing.join(', ')}, which this image is not built for`
  const details = { place: { file: manifest.path }, suggestion: 'Build without --platform, or remove the platform from source.architectures.' }
  return [release ? error('platform-missing', message, details) : warning('platform-missing', message, details)]
}

function nameProblems({ manifest }: Pipeline, release: boolean): readonly Problem[] {
  const place = { file: manifest.path }
  const parts = [manifest.namespace, manifest.name].filter((part) => !REPOSITORY_PART.test(part.toLowerCase()))
  const names = parts.map((part) =>
    error('name-not-publishable', `a registry takes no image named ${JSON.stringify(part)}`, {
      place,
      suggestion: 'Use letters and digits, with single dots, underscores or hyphens between them.',
    }),
  )
  if (!release) return names
  if (manifest.version === '')
    return [
      ...names,
      error('version-missing', `a release needs a version, and ${manifest.path} has none`, { place, suggestion: 'Add a line such as `version: 1.0.0`.' }),
    ]
  if (!TAG.test(manifest.version))
    return [
      ...names,
      error('version-not-publishable', `a registry takes no tag ${JSON.stringify(manifest.version)}`, {
        place,
        suggestion: 'Use a version such as 1.2.3: letters, digits, dots, hyphens and underscores, at most 128 of them.',
      }),
    ]
  return names
}

function releaseWarnings({ pipeline, subject }: PublicationFacts): readonly Problem[] {
  const { version } = pipeline.manifest
  if (subject.commit === null)
    return [warning('release-without-commit', `${version} is released from a folder without a commit: only the stored source archive tells what it is made of`)]
  if (subject.dirty)
    return [
      warning('release-dirty', `${version} is released from a folder that differs from its commit ${subject.commit.slice(0, 7)}`, {
        suggestion: 'Commit the changes and tag the commit, to release what Git knows.',
      }),
    ]
  if (!hasVersionTag(pipeline, subject))
    return [
      warning('release-untagged', `${version} is released from commit ${subject.commit.slice(0, 7)}, which has no tag v${version}`, {
        suggestion: `git tag v${version} ${subject.commit.slice(0, 7)}`,
      }),
    ]
  return []
}
