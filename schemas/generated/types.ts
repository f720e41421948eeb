// Generated from schemas/*.schema.json by `npm run generate`; do not edit.

/**
 * output/eval/slices.json that a training container leaves.
 * 
 * @maxItems 1000
 */
export type EvaluationSlices = {
slice: string
metric: string
/**
 * A number; JSON has no NaN or infinities, so these are strings.
 */
value: (number | ("NaN" | "Infinity" | "-Infinity"))
n: number
/**
 * @minItems 2
 * @maxItems 2
 * 
 * Items: A number; JSON has no NaN or infinities, so these are strings.
 */
ci95?: (number | ("NaN" | "Infinity" | "-Infinity"))[]
baseline?: ((number | ("NaN" | "Infinity" | "-Infinity")) | null)
[k: string]: unknown
}[]
/**
 * model/manifest.json that a training container leaves: the files that make up the model.
 * 
 * @minItems 1
 * @maxItems 1000
 */
export type ModelManifest = {
path: string
bytes: number
sha256: string
format?: string
io?: unknown
quantization?: (string | null)
precision?: (string | null)
target?: unknown
[k: string]: unknown
}[]
export type Gate = ({
[k: string]: unknown
} & {
metric: string
slice?: string
min?: number
max?: number
/**
 * Largest absolute difference of a slice to the overall value, in the metric's worse direction.
 */
max_gap?: number
/**
 * Largest absolute difference to the newest release, in the metric's worse direction.
 */
max_drop?: number
})
/**
 * Of a stage that is reused.
 */
export type Record = StageRecord
/**
 * Labels of a runner.
 * 
 * @minItems 1
 * @maxItems 16
 */
export type Labels = string[]
/**
 * A stage record (stage-record.schema.json), which its reader validates by itself.
 */
export type Record1 = StageRecord

export interface Everything {
Bundle?: Bundle
/**
 * A SHA-256 digest as OCI writes it.
 */
Common_digest?: string
/**
 * A Git object id (SHA-1 or SHA-256).
 */
Common_gitObject?: string
/**
 * RFC 3339, UTC.
 */
Common_time?: string
/**
 * An OCI platform, for instance linux/arm/v7.
 */
Common_platform?: string
Common_stageName?: ("validate" | "train" | "build" | "virtual" | "node" | "publish" | "report")
/**
 * passed · failed: problems or a failed gate · skipped: see reason · error: the world was wrong, a retry may help.
 */
Common_outcome?: ("passed" | "failed" | "skipped" | "error")
Common_count?: number
Common_seconds?: number
Common_place?: Place
Common_problem?: Problem
Common_fix?: Fix
Common_edit?: Edit
/**
 * A number; JSON has no NaN or infinities, so these are strings.
 */
Common_number?: (number | ("NaN" | "Infinity" | "-Infinity"))
/**
 * A measurement's value; NaN and infinities as strings.
 */
Common_value?: (string | number | boolean)
Common_metadata?: Metadata
Common_file?: File
Common_subject?: Subject
EvaluationResult?: EvaluationResult
EvaluationSlices?: EvaluationSlices
Manifest?: Manifest
Manifest_architecture?: ("linux/amd64" | "linux/arm64" | "linux/arm/v6" | "linux/arm/v7" | "linux/arm/v8")
Manifest_words?: unknown
Manifest_shortWords?: unknown
Manifest_path?: unknown
Manifest_gitName?: unknown
Manifest_notNumber?: unknown
ModelManifest?: ModelManifest
PipelineFile?: PipelineFile
/**
 * A path inside the repository, with forward slashes.
 */
PipelineFile_path?: string
/**
 * For instance 60s, 10m, 1h.
 */
PipelineFile_duration?: string
/**
 * Bytes, for instance 900Mi or 1Gi.
 */
PipelineFile_size?: string
/**
 * none: no internet, as on a node; open: the report says so.
 */
PipelineFile_network?: ("none" | "open")
PipelineFile_limits?: Limits
PipelineFile_gate?: Gate
PipelineFile_trial?: Trial
PipelineFile_expectation?: Expectation
Profile?: Profile
Profile_metric?: Metric
ReleaseSummary?: ReleaseSummary
RunOutput?: RunOutput
RunPlan?: RunPlan
RunPlan_plannedStage?: PlannedStage
RunPlan_plannedPlatform?: PlannedPlatform
RunPlan_record?: Record1
RunPlan_labels?: Labels
StageRecord?: StageRecord
StageRecord_environment?: Environment
StageRecord_details?: (ValidateDetails | TrainDetails | BuildDetails | VirtualDetails | PublishDetails | ReportDetails | NoDetails)
StageRecord_noDetails?: NoDetails
StageRecord_validateDetails?: ValidateDetails
StageRecord_evaluationMetric?: EvaluationMetric
StageRecord_evaluationSlice?: EvaluationSlice
StageRecord_evaluationTest?: EvaluationTest
StageRecord_model?: Model
StageRecord_trainDetails?: TrainDetails
StageRecord_buildStep?: BuildStep
StageRecord_buildDetails?: BuildDetails
StageRecord_expectationResult?: ExpectationResult
StageRecord_uploadedFile?: UploadedFile
StageRecord_message?: Message
StageRecord_trial?: TrialResult
StageRecord_virtualDetails?: VirtualDetails
StageRecord_publishDetails?: PublishDetails
StageRecord_reportDetails?: ReportDetails
TestOutput?: TestOutput
ValidateOutput?: ValidateOutput
ValidateOutput_answer?: ("accepted" | "refused")
ValidateOutput_placedProblem?: PlacedProblem
}
/**
 * One immutable version: canonical JSON (RFC 8785) without times; its SHA-256 is the bundle's identity. Profiles, test results and provenance are referrers.
 */
export interface Bundle {
schema: "ecr.bundle/v1"
/**
 * namespace/name
 */
name: string
version: string
source: {
repository: string
commit: (string | null)
dirty: boolean
/**
 * A SHA-256 digest as OCI writes it.
 */
tree: string
/**
 * A SHA-256 digest as OCI writes it.
 */
archive: string
}
/**
 * A SHA-256 digest as OCI writes it.
 */
index: string
platforms: {
/**
 * An OCI platform, for instance linux/arm/v7.
 */
platform: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
}[]
model: (Model | null)
manifest: {
path: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
}
datasets: {
name: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
}[]
/**
 * Digest of the canonical JSON of metrics and slices.
 */
evaluation: (string | null)
}
/**
 * The trained model: its files, and the SHA-256 over the sha256sum listing of them, sorted by path.
 */
export interface Model {
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
/**
 * @minItems 1
 */
files: {
path: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
bytes: number
}[]
}
export interface Place {
/**
 * Path inside the repository, with forward slashes.
 */
file: string
line?: number
column?: number
endLine?: number
endColumn?: number
}
/**
 * Something wrong in the user's repository: data with a place, a code and a suggestion.
 */
export interface Problem {
/**
 * CTSS-M012 and its like are the rules of docs/rules.md; words are findings of a stage.
 */
code: string
/**
 * error: fails the stage · warning: accepted, but it will not do what its author thinks · hint: could be better.
 */
severity: ("error" | "warning" | "hint")
/**
 * What is wrong, in one or a few sentences; plain text.
 */
message: string
/**
 * What to do next; plain text.
 */
suggestion?: string
/**
 * A longer excerpt, such as a traceback; plain text, at most 8 KiB.
 */
detail?: string
place?: Place
fix?: Fix
}
/**
 * A change of the repository's files that mends a problem.
 */
export interface Fix {
/**
 * What it does, in a few words.
 */
title: string
/**
 * True when it keeps what the author meant; others need a person's eye.
 */
safe: boolean
/**
 * @minItems 1
 */
edits: Edit[]
}
/**
 * Text over a range of a file: lines and columns from 1, columns in UTF-16 units, the end exclusive. In a file that is not there, 1:1 to 1:1.
 */
export interface Edit {
/**
 * Path inside the repository, with forward slashes.
 */
file: string
line: number
column: number
endLine: number
endColumn: number
text: string
}
export interface Metadata {
[k: string]: string
}
/**
 * A file that a stage left in the blob store.
 */
export interface File {
/**
 * What it is, for instance log, messages, model, junit.
 */
role: string
/**
 * Its path within its role.
 */
name?: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
bytes: number
mediaType: string
}
/**
 * What a record is about.
 */
export interface Subject {
/**
 * URL of the repository, or the name of a folder that has none.
 */
repository: string
commit: (string | null)
/**
 * True when the tree differs from the commit, or there is no commit.
 */
dirty: boolean
/**
 * A SHA-256 digest as OCI writes it.
 */
tree: string
/**
 * Git tags that point at the commit.
 */
tags?: string[]
/**
 * Of a folder inside a Git repository: where it lies in it, such as apps/counter.
 */
prefix?: string
/**
 * The branch that is checked out.
 */
branch?: string
/**
 * What `git describe --always --tags --long` prints; absent where the history is not there.
 */
described?: string
/**
 * A SHA-256 digest as OCI writes it.
 */
index?: string
}
/**
 * output/result.json that a training container leaves. Written by strangers: read with size caps.
 */
export interface EvaluationResult {
schema: "ctss.result/v1"
metrics: {
[k: string]: {
/**
 * A number; JSON has no NaN or infinities, so these are strings.
 */
value: (number | ("NaN" | "Infinity" | "-Infinity"))
unit?: string
better?: ("higher" | "lower")
split?: string
n?: number
/**
 * @minItems 2
 * @maxItems 2
 * 
 * Items: A number; JSON has no NaN or infinities, so these are strings.
 */
ci95?: (number | ("NaN" | "Infinity" | "-Infinity"))[]
[k: string]: unknown
}
}
params?: {
[k: string]: unknown
}
seed?: number
model?: string
checkpoints?: {
[k: string]: unknown
}
dataset?: {
[k: string]: unknown
}
[k: string]: unknown
}
/**
 * sage.yaml, the manifest of an edge plugin for Sage/Waggle. Refuses nothing that Sage accepts when the Portal submits it (which fills in namespace, source.url and source.branch); what Sage accepts and then ignores or misreads, `ctss validate` tells.
 */
export interface Manifest {
/**
 * The Sage user or group that the plugin belongs to: 4 to 30 lower-case letters and digits. The Portal fills in the user who is signed in, whatever stands here.
 */
namespace?: string | null
/**
 * What the plugin is called: lower-case letters, digits, - and _; at least 2, and with the namespace at most 63. The scheduler takes no _.
 */
name: string
/**
 * x.y.z, in quotes: files that a plugin uploads reach the cloud only with such a version, and 1.10 without quotes is the number 1.1. Without it, Sage makes one of the Git tag or commit.
 */
version?: string | null
/**
 * What the plugin does, in a sentence.
 */
description: string
/**
 * One text, with commas between.
 */
keywords?: unknown
/**
 * One text, with commas between: Name <e-mail> (address). E-mail and address may be left out.
 */
authors?: unknown
/**
 * As authors.
 */
collaborators?: unknown
/**
 * Where people read more.
 */
homepage?: unknown
/**
 * Who paid for it.
 */
funding?: unknown
/**
 * An identifier of SPDX (https://spdx.org/licenses/).
 */
license?: unknown
/**
 * What is built, and for which machines. Keys that are not listed here are ignored.
 */
source: {
/**
 * What it is built for: linux/arm64 for the Jetsons of Sage's nodes, linux/amd64 for blades. Nothing that is scheduled today runs linux/arm/….
 * 
 * @minItems 1
 * @maxItems 17
 */
architectures: readonly string[]
/**
 * Address of the Git repository. The Portal fills in the one that was typed, whatever stands here.
 */
url?: unknown
/**
 * Branch that is built; the Portal fills in the chosen one. A tag goes before it.
 */
branch?: unknown
/**
 * Git tag that is built, instead of a branch. With it alone, nothing of ecr-meta/ is shown.
 */
tag?: unknown
/**
 * Build context inside the repository.
 */
directory?: unknown
/**
 * Relative to the directory.
 */
dockerfile?: unknown
/**
 * Texts only; 256 characters as JSON. Sage keeps them, and builds without them since 2023.
 */
build_args?: {
[k: string]: string
}
[k: string]: unknown
}
/**
 * Arguments of the plugin that the Portal's job form asks for.
 */
inputs?: unknown
/**
 * What the plugin needs. Kept, and read by nothing.
 */
resources?: unknown[]
/**
 * Whatever else is to be said; ontology names what is published.
 */
metadata?: {
[k: string]: unknown
}
/**
 * @deprecated
 * Meant to keep a version from being replaced; it has no effect.
 */
frozen?: {
[k: string]: unknown
}
/**
 * @deprecated
 * Accepted and dropped.
 */
arguments?: {
[k: string]: unknown
}
/**
 * @deprecated
 * Accepted and dropped.
 */
baseCommand?: {
[k: string]: unknown
}
/**
 * @deprecated
 * Accepted and dropped.
 */
depends_on?: {
[k: string]: unknown
}
/**
 * @deprecated
 * Accepted and dropped since 2023; trials in ctss.yaml are run.
 */
testing?: {
[k: string]: unknown
}
}
/**
 * ctss.yaml: how a plugin is trained, tested and published. Every key is optional.
 */
export interface PipelineFile {
/**
 * How the model is trained. Without it the train stage is skipped.
 */
training?: ({
[k: string]: unknown
} & {
/**
 * Dockerfile of the training image; its folder is the build context.
 */
dockerfile?: string
/**
 * A training image, instead of a Dockerfile.
 */
image?: string
/**
 * @minItems 1
 * @maxItems 100
 */
command: string[]
/**
 * true: any NVIDIA GPU; or a type and a count.
 */
gpu?: (boolean | {
type: string
count?: number
})
engine?: ("docker" | "ray")
/**
 * none: no internet, as on a node; open: the report says so.
 */
network?: ("none" | "open")
/**
 * For instance 60s, 10m, 1h.
 */
timeout?: string
seed?: number
limits?: Limits
/**
 * Written to /opt/ml/input/config/hyperparameters.json.
 */
hyperparameters?: {
[k: string]: unknown
}
/**
 * @maxItems 100
 */
datasets?: {
/**
 * Mounted read-only at /opt/ml/input/data/<name>; lower-case letters, digits, - and _, at most 64.
 */
name: string
/**
 * A path in the repository, or a file:, https: or s3: address.
 */
uri: string
/**
 * 64 hexadecimal digits: of the file; of a folder, of the sha256sum listing of its files, sorted by path.
 */
sha256: string
license?: string
/**
 * A Croissant description of it.
 */
croissant?: string
}[]
/**
 * @maxItems 100
 */
gates?: Gate[]
})
/**
 * The model that the build needs, and where in the build context it is placed.
 */
model?: ({
[k: string]: unknown
} & {
/**
 * Folder in the repository where the verified files are placed, in a copy.
 */
path: string
from?: "train"
uri?: string
/**
 * 64 hexadecimal digits, as sha256sum prints them.
 */
sha256?: string
})
test?: {
/**
 * @minItems 1
 * @maxItems 50
 */
trials?: Trial[]
}
/**
 * Budgets gate on a real node only; elsewhere they inform.
 */
profile?: {
repetitions?: number
/**
 * Metric and percentile, for instance latency_ms.p95: 250.
 */
budgets?: {
/**
 * A number in the unit that the name ends in, or a size such as 900Mi.
 */
[k: string]: number | string
}
/**
 * @maxItems 20
 * 
 * Items: A node model, for instance xavier-nx.
 */
nodes?: string[]
}
/**
 * public, or restricted: {users: [], teams: []}.
 */
access?: ("public" | {
restricted: {
users?: string[]
teams?: string[]
}
})
}
export interface Limits {
/**
 * Bytes, for instance 900Mi or 1Gi.
 */
memory?: string
/**
 * Bytes, for instance 900Mi or 1Gi.
 */
disk?: string
cpus?: number
pids?: number
}
export interface Trial {
/**
 * Lower-case letters, digits and -, at most 64.
 */
name: string
/**
 * Folder or file of fixed inputs, read-only under /data/inputs.
 */
inputs?: string
/**
 * Camera names, each with the folder of images that it shows, one per request, in order.
 */
camera?: {
/**
 * A path inside the repository, with forward slashes.
 */
[k: string]: string
}
/**
 * @maxItems 200
 */
args?: string[]
/**
 * Environment variables: names of letters, digits and _.
 */
env?: {
[k: string]: string
}
/**
 * For instance 60s, 10m, 1h.
 */
timeout?: string
/**
 * required: the plugin must end by itself in time; allowed: it runs until the time limit.
 */
stop?: ("required" | "allowed")
exit_code?: number
limits?: Limits
/**
 * none: no internet, as on a node; open: the report says so.
 */
network?: ("none" | "open")
/**
 * Only on these; default: all that were built.
 * 
 * @minItems 1
 */
platforms?: ("linux/amd64" | "linux/arm64" | "linux/arm/v6" | "linux/arm/v7" | "linux/arm/v8")[]
/**
 * @maxItems 200
 */
expect?: Expectation[]
/**
 * A path inside the repository, with forward slashes.
 */
golden?: string
}
/**
 * What the plugin must publish. Without count, min_count or max_count: at least once.
 */
export interface Expectation {
/**
 * Measurement name; * stands for one or more parts.
 */
name?: string
/**
 * Only messages whose meta holds these.
 */
meta?: {
[k: string]: string
}
count?: number
min_count?: number
max_count?: number
value?: (number | string | boolean)
min?: number
max?: number
/**
 * Absolute.
 */
tolerance?: number
relative_tolerance?: number
/**
 * The values in the order in which they are published.
 * 
 * @maxItems 1000
 */
values?: (number | string | boolean)[]
/**
 * The first such message comes after the first message of this name.
 */
after?: string
rate?: {
min_hz?: number
max_hz?: number
}
/**
 * The first such message comes within this time after the start.
 */
within?: string
uploads?: {
count?: number
min_count?: number
filename?: string
min_bytes?: number
sha256?: string
}
}
/**
 * Performance figures of one bundle on one kind of node (application/vnd.sage.ecr.profile.v1+json).
 */
export interface Profile {
schema: "ecr.profile/v1"
/**
 * An OCI platform, for instance linux/arm/v7.
 */
platform: string
environment: {
kind: ("virtual" | "node")
/**
 * Ran under QEMU: figures say nothing about speed.
 */
emulated: boolean
cpu?: string
kernel?: string
cgroup?: (1 | 2)
engine?: string
}
/**
 * By name: wall_seconds, cpu_seconds, memory_peak_bytes, throttled_seconds, oom_kills, network_received_bytes, network_sent_bytes, disk_read_bytes, disk_written_bytes, image_bytes, first_message_ms, and plugin.duration.* in seconds.
 */
metrics: {
[k: string]: Metric
}
}
export interface Metric {
unit: ("s" | "ms" | "bytes" | "count")
/**
 * The figure, or the median of the samples.
 */
value: number
/**
 * A kernel counter; a sampled figure (may miss peaks); the plugin's own timing; a clock; the registry.
 */
source: ("counter" | "sampled" | "plugin" | "clock" | "registry")
n?: number
min?: number
max?: number
p95?: number
/**
 * @maxItems 1000
 */
samples?: number[]
}
/**
 * What a later run compares itself with: the newest release of a plugin, as the catalogue keeps it beside its database.
 */
export interface ReleaseSummary {
/**
 * namespace/name
 */
name: string
version: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
/**
 * A SHA-256 digest as OCI writes it.
 */
index: string
/**
 * RFC 3339, UTC.
 */
published: string
metrics: EvaluationMetric[]
slices: EvaluationSlice[]
profiles: Profile[]
/**
 * By platform, compressed.
 */
imageBytes: {
[k: string]: number
}
}
export interface EvaluationMetric {
name: string
/**
 * A number; JSON has no NaN or infinities, so these are strings.
 */
value: (number | ("NaN" | "Infinity" | "-Infinity"))
better: ("higher" | "lower")
unit?: string
split?: string
n?: number
/**
 * @minItems 2
 * @maxItems 2
 */
ci95?: number[]
}
export interface EvaluationSlice {
slice: string
metric: string
/**
 * A number; JSON has no NaN or infinities, so these are strings.
 */
value: (number | ("NaN" | "Infinity" | "-Infinity"))
n: number
/**
 * @minItems 2
 * @maxItems 2
 */
ci95?: number[]
baseline?: number
}
/**
 * What `ctss run --json` prints.
 */
export interface RunOutput {
stages: {
stage: ("validate" | "train" | "build" | "virtual" | "node" | "publish" | "report")
/**
 * passed · failed: problems or a failed gate · skipped: see reason · error: the world was wrong, a retry may help.
 */
outcome: ("passed" | "failed" | "skipped" | "error")
ran: boolean
seconds: number
key: (string | null)
reason?: string
problems: Problem[]
}[]
bundle: (null | {
name: string
version: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
/**
 * A SHA-256 digest as OCI writes it.
 */
index: string
})
report: (null | {
markdown: string
html: string
})
}
/**
 * What becomes of each stage in one run of a workflow, made before any job runs; what the jobs share.
 */
export interface RunPlan {
schema: "ctss.run-plan/v1"
subject: Subject
/**
 * namespace/name of the plugin; null while the manifest cannot be read.
 */
name: (null | string)
trust: ("trusted" | "untrusted")
/**
 * Where images wait between jobs.
 */
staging: ("registry" | "archive")
/**
 * Claim the name without a tag.
 */
release: boolean
keepGoing: boolean
/**
 * @maxItems 7
 */
stages: PlannedStage[]
/**
 * @maxItems 32
 */
platforms: PlannedPlatform[]
/**
 * Builds of single platforms that an earlier run has made.
 * 
 * @maxItems 32
 */
parts: Record1[]
tool: {
name: "ctss"
version: string
}
}
export interface PlannedStage {
stage: ("validate" | "train" | "build" | "virtual" | "node" | "publish" | "report")
kind: ("run" | "reuse" | "skip")
reason: string
/**
 * Run even when a record could be reused.
 */
force?: boolean
record?: Record
runner?: Labels
}
export interface PlannedPlatform {
/**
 * An OCI platform, for instance linux/arm/v7.
 */
platform: string
runner: Labels
/**
 * The runner is of another architecture.
 */
emulated: boolean
/**
 * False: its part of the build is reused.
 */
build: boolean
}
/**
 * The envelope that a stage leaves; the only thing that passes between stages, jobs, app and CLI.
 */
export interface StageRecord {
schema: "ctss.stage-record/v1"
stage: ("validate" | "train" | "build" | "virtual" | "node" | "publish" | "report")
subject: Subject
/**
 * A SHA-256 digest as OCI writes it.
 */
key: string
/**
 * passed · failed: problems or a failed gate · skipped: see reason · error: the world was wrong, a retry may help.
 */
outcome: ("passed" | "failed" | "skipped" | "error")
/**
 * Why it was skipped or ended in an error.
 */
reason?: string
/**
 * RFC 3339, UTC.
 */
started: string
/**
 * RFC 3339, UTC.
 */
ended: string
problems: Problem[]
/**
 * Flat figures; the unit stands in the name (…Seconds, …Bytes).
 */
metrics: {
/**
 * A number; JSON has no NaN or infinities, so these are strings.
 */
[k: string]: number | "NaN" | "Infinity" | "-Infinity"
}
files: File[]
environment: Environment
tool: {
name: "ctss"
version: string
}
details: (ValidateDetails | TrainDetails | BuildDetails | VirtualDetails | PublishDetails | ReportDetails | NoDetails)
}
/**
 * Where the stage ran, and what of it was not the real thing.
 */
export interface Environment {
kind: ("laptop" | "github" | "node")
os?: string
kernel?: string
architecture?: string
cpu?: string
cpus?: number
memoryBytes?: number
engine?: string
builder?: string
cgroup?: (1 | 2)
/**
 * Base images that are stand-ins for what the Dockerfile names.
 */
standIns?: string[]
}
export interface ValidateDetails {
kind: "validate"
manifest: (null | {
namespace: string
name: string
version: string
description: string
authors?: string
license?: string
keywords?: string
homepage?: string
})
}
export interface TrainDetails {
kind: "train"
/**
 * The training image, by digest.
 */
image: string
/**
 * Of all jobs together.
 */
attempts: number
exitCode: (number | null)
/**
 * It is not finished, and another job can go on from its checkpoints.
 */
resumable?: true
/**
 * Models of the machine's GPUs, as their driver names them, where the training asked for some and they are known.
 */
gpus?: string[]
seed?: number
model?: Model
metrics: EvaluationMetric[]
slices: EvaluationSlice[]
tests: EvaluationTest[]
datasets: {
name: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
uri: string
license?: string
}[]
}
export interface EvaluationTest {
name: string
category: string
outcome: ("passed" | "failed" | "skipped" | "error")
seconds: number
message?: string
}
export interface BuildDetails {
kind: "build"
/**
 * Registry host and repository that hold the staged image.
 */
repository: string
/**
 * A SHA-256 digest as OCI writes it.
 */
index?: string
builder?: ("buildkit-remote" | "buildkit-container" | "engine")
/**
 * A SHA-256 digest as OCI writes it.
 */
model?: string
/**
 * One platform of a build that runs in several jobs; the index comes later.
 */
part?: true
platforms: {
/**
 * An OCI platform, for instance linux/arm/v7.
 */
platform: string
outcome: ("passed" | "failed" | "skipped")
/**
 * A SHA-256 digest as OCI writes it.
 */
digest?: string
/**
 * Compressed layers and configuration.
 */
bytes?: number
seconds: number
emulated: boolean
steps: BuildStep[]
}[]
bases?: {
image: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest?: string
standIn?: boolean
}[]
}
export interface BuildStep {
/**
 * As the builder names it, for instance [page 3/6] RUN npm ci; at most 1000 characters.
 */
name: string
seconds: number
cached: boolean
/**
 * Where the instruction stands in the Dockerfile.
 */
line?: number
/**
 * The FROM that names the base image of its stage.
 */
stageLine?: number
/**
 * True: the image is not built on that base, it only gets files that were made on it.
 */
stageIsCopied?: boolean
/**
 * Python packages that pip found no wheel for and compiled, the slowest first.
 * 
 * @maxItems 20
 */
compiled?: {
name: string
seconds: number
}[]
}
export interface VirtualDetails {
kind: "virtual"
testbed: string
trials: TrialResult[]
}
export interface TrialResult {
name: string
/**
 * An OCI platform, for instance linux/arm/v7.
 */
platform: string
outcome: ("passed" | "failed")
emulated: boolean
network: ("none" | "open")
args?: string[]
exitCode: (number | null)
ending: ("exited" | "timed-out" | "out-of-memory" | "disk-limit" | "flooded" | "broker-lost" | "not-started")
seconds: number
firstMessageMs?: (number | null)
/**
 * Messages that reached the Beehive stand-in, uploads included.
 */
total: number
names: {
name: string
count: number
/**
 * A measurement's value; NaN and infinities as strings.
 */
last?: (string | number | boolean)
}[]
dropped: {
reason: string
count: number
example?: string
}[]
uploads: UploadedFile[]
expectations: ExpectationResult[]
logs: {
/**
 * The last 16 KiB.
 */
stdout: string
/**
 * The last 16 KiB.
 */
stderr: string
}
profile?: Profile
}
export interface UploadedFile {
name: string
/**
 * RFC 3339, UTC.
 */
timestamp: string
bytes: number
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
labels: Metadata
}
export interface ExpectationResult {
name: string
outcome: ("passed" | "failed")
expected: string
found: string
/**
 * For golden files: a diff per message, unified format, at most 8 KiB.
 */
difference?: string
}
export interface PublishDetails {
kind: "publish"
state: ("candidate" | "release")
changed?: boolean
/**
 * namespace/name
 */
name: string
version: string
/**
 * A SHA-256 digest as OCI writes it.
 */
digest: string
/**
 * A SHA-256 digest as OCI writes it.
 */
index: string
/**
 * What docker pull takes, by digest.
 */
reference: string
/**
 * UUIDv7 of the catalogue's row.
 */
id?: string
}
export interface ReportDetails {
kind: "report"
verdict: ("passed" | "failed" | "error")
}
export interface NoDetails {
kind: "none"
}
export interface Message {
name: string
/**
 * A measurement's value; NaN and infinities as strings.
 */
value: (string | number | boolean)
/**
 * RFC 3339, UTC.
 */
timestamp: string
meta: Metadata
}
/**
 * What `ctss test --json` prints.
 */
export interface TestOutput {
trials: {
name: string
/**
 * An OCI platform, for instance linux/arm/v7.
 */
platform: string
outcome: ("passed" | "failed")
ending: string
emulated?: boolean
exitCode: (number | null)
/**
 * @maxItems 10000
 */
messages: Message[]
total: number
uploads: UploadedFile[]
expectations: ExpectationResult[]
problems: Problem[]
logs?: {
stdout: string
stderr: string
}
profile?: Profile
}[]
problems?: Problem[]
}
/**
 * What `ctss validate --json` prints.
 */
export interface ValidateOutput {
/**
 * In the order of the places that were given; of a repository, the root's manifest first.
 */
manifests: {
/**
 * Inside the repository; of a lone file, as it was given. With several places, the place stands in front.
 */
path: string
verdict: {
/**
 * Through the Portal, which fills in namespace, url and branch.
 */
portal: ("accepted" | "refused")
/**
 * As the body of POST /submit, as it is written.
 */
submitted: ("accepted" | "refused")
}
/**
 * Errors first; at most 100, and one that counts the rest.
 */
problems: PlacedProblem[]
}[]
}
/**
 * A problem and where it stands: lines and columns from 1, columns in UTF-16 units, the end exclusive.
 */
export interface PlacedProblem {
code: string
severity: ("error" | "warning" | "hint")
/**
 * The file that it stands in, named as the manifest's path.
 */
path: string
line: number
column: number
endLine?: number
endColumn?: number
message: string
suggestion?: string
detail?: string
fix?: Fix1
}
/**
 * A change of the repository's files that mends a problem.
 */
export interface Fix1 {
/**
 * What it does, in a few words.
 */
title: string
/**
 * True when it keeps what the author meant; others need a person's eye.
 */
safe: boolean
/**
 * @minItems 1
 */
edits: Edit[]
}
