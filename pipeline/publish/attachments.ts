import type { Bundle, Profile, StageRecord, TrainDetails, TrialResult, VirtualDetails } from '../../schemas/generated/types.ts'
import { canonicalJson, type Json } from '../digest.ts'
import { asJson, bundleDocument, evaluationDocument } from './bundle.ts'

/** Artifact types of what refers to a published index. */
export const ARTIFACT_TYPES = {
  bundle: 'application/vnd.sage.ecr.bundle.v1+json',
  model: 'application/vnd.sage.ecr.model.v1+json',
  evaluation: 'application/vnd.sage.ecr.evaluation.v1+json',
  profile: 'application/vnd.sage.ecr.profile.v1+json',
  statement: 'application/vnd.in-toto+json',
} as const

const TEST_RESULT = 'https://in-toto.io/attestation/test-result/v0.1'

/** One document that is attached to the index; the same facts make the same bytes. */
export interface Attachment {
  readonly artifactType: string
  readonly content: string
  readonly annotations: Readonly<Record<string, string>>
}

/** Everything that is attached to a bundle's index: the bundle document, its model's listing, what was measured, and the test results. */
export function listAttachments(bundle: Bundle, train: TrainDetails | undefined, virtual: VirtualDetails | undefined): readonly Attachment[] {
  const title = `${bundle.name}:${bundle.version}`
  const trials = virtual?.trials ?? []
  return [
    attachment('bundle', bundleDocument(bundle), { 'org.opencontainers.image.title': title }),
    ...(bundle.model === null ? [] : [attachment('model', canonicalJson({ schema: 'ecr.model/v1', model: asJson(bundle.model) }), {})]),
    ...(train === undefined ? [] : [attachment('evaluation', evaluationDocument(train), {})]),
    ...nativeProfiles(trials).map(({ trial, profile }) =>
      attachment('profile', canonicalJson(asJson(profile)), { 'org.sagecontinuum.ecr.trial': trial, 'org.sagecontinuum.ecr.platform': profile.platform }),
    ),
    ...(trials.length === 0 ? [] : [statement(bundle, 'virtual', trials.map(trialResult))]),
    ...(train === undefined || train.tests.length === 0 ? [] : [statement(bundle, 'evaluation', train.tests)]),
  ]
}

/** Profiles of trials that no emulator slowed down. */
export function nativeProfiles(trials: readonly TrialResult[]): readonly { readonly trial: string; readonly profile: Profile }[] {
  return trials.flatMap(({ name, emulated, profile }) => (emulated || profile === undefined ? [] : [{ trial: name, profile }]))
}

/** Details of a record, when it is of this kind. */
export function detailsOf<Kind extends StageRecord['details']['kind']>(
  record: StageRecord | undefined,
  kind: Kind,
): Extract<StageRecord['details'], { kind: Kind }> | undefined {
  const details = record?.details
  return details !== undefined && isKind(details, kind) ? details : undefined
}

function isKind<Kind extends StageRecord['details']['kind']>(
  details: StageRecord['details'],
  kind: Kind,
): details is Extract<StageRecord['details'], { kind: Kind }> {
  return details.kind === kind
}

type Outcome = 'passed' | 'failed' | 'skipped' | 'error'

function trialResult({ name, platform, outcome }: TrialResult): { name: string; outcome: Outcome } {
  return { name: `${name} on ${platform}`, outcome }
}

/** An in-toto statement about tests (in-toto attestation framework, test-result v0.1), without times. */
function statement(bundle: Bundle, suite: string, tests: readonly { readonly name: string; readonly outcome: Outcome }[]): Attachment {
  const names = (...outcomes: readonly Outcome[]) => tests.filter(({ outcome }) => outcomes.includes(outcome)).map(({ name }) => name)
  const failed = names('failed', 'error')
  const content: Json = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: bundle.name, digest: { sha256: hex(bundle.index) } }],
    predicateType: TEST_RESULT,
    predicate: {
      result: failed.length === 0 ? 'PASSED' : 'FAILED',
      configuration: [{ name: bundle.manifest.path, digest: { sha256: hex(bundle.manifest.digest) } }],
      passedTests: names('passed'),
      warnedTests: names('skipped'),
      failedTests: failed,
    },
  }
  return attachment('statement', canonicalJson(content), { 'in-toto.io/predicate-type': TEST_RESULT, 'org.sagecontinuum.ecr.suite': suite })
}

function attachment(kind: keyof typeof ARTIFACT_TYPES, content: string, annotations: Attachment['annotations']): Attachment {
  return { artifactType: ARTIFACT_TYPES[kind], content, annotations }
}

function hex(digest: string): string {
  return digest.replace('sha256:', '')
}
