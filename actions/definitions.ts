import type { ActionDefinition, InputDefinition, OutputDefinition, Permission } from './definition.ts'

const PATH = { kind: 'text', description: 'Folder of the plugin in the checked-out repository.', default: '.' } as const satisfies InputDefinition

const RECORDS = {
  kind: 'text',
  description:
    'Folder into which `actions/download-artifact` has put what other jobs left, one folder each. Without it, `ctss-records` in the temporary folder of the runner.',
} as const satisfies InputDefinition

const REGISTRY = {
  registry: {
    kind: 'text',
    description: 'Registry and namespace of the images, for instance `ghcr.io/sage`. Without it, `ghcr.io/` and the owner of the repository.',
  },
  'registry-username': { kind: 'text', description: 'Who signs in at the registry. Without it, whoever started the run.', default: '${{ github.actor }}' },
  'registry-password': {
    kind: 'text',
    description: 'Password or token for the registry. Without it, `token` at ghcr.io, and nothing elsewhere.',
    secret: true,
  },
  token: {
    kind: 'text',
    description: "The workflow's token: it signs in at ghcr.io, writes the comment, and makes the release at GitHub; empty: none of that.",
    default: '${{ github.token }}',
    secret: true,
  },
} as const satisfies Record<string, InputDefinition>

const STAGING = {
  kind: 'choice',
  choices: ['auto', 'registry', 'archive'],
  default: 'auto',
  description:
    'Where images wait between jobs: `registry`, below `staging/` of `registry`; `archive`, as OCI image layouts in the artifacts. `auto`: what the plan says, else the registry where the token may write to it.',
} as const satisfies InputDefinition

const SAGE_USERS = {
  kind: 'text',
  description: 'Owners at GitHub and the Sage users who register their plugins, for instance `waggle-sensor=waggle,alice=alice1`.',
} as const satisfies InputDefinition

const FORCE = { kind: 'flag', description: 'Run even when nothing has changed.', default: 'false' } as const satisfies InputDefinition

const RELEASE = {
  kind: 'flag',
  description: 'Claim the immutable name `namespace/name:version` without a tag. A clean commit with the tag of the version claims it by itself.',
  default: 'false',
} as const satisfies InputDefinition

const LARGE_FILES = {
  kind: 'text',
  description:
    'Where files of more than 2 GiB go, which no artifact takes: `s3://bucket/prefix`. Credentials and endpoint come from the variables that the AWS SDK knows (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …).',
} as const satisfies InputDefinition

const RECORD_OUTPUTS = {
  outcome: { description: '`passed`, `failed`, `error`, or `skipped`.' },
  key: { description: 'Digest of everything that can change the outcome.' },
  record: { description: 'The stage record as JSON; empty when it is longer than 256 KiB.' },
  'record-file': { description: 'Path of the stage record.' },
  folder: { description: 'Folder with the record and the files that it names: upload it as the artifact that later jobs download.' },
} as const satisfies Record<string, OutputDefinition>

const READ_CONTENTS = { scope: 'contents', access: 'read', reason: 'to check the repository out' } as const satisfies Permission
const READ_PACKAGES = { scope: 'packages', access: 'read', reason: 'to pull staged images, and records of earlier runs' } as const satisfies Permission
const WRITE_PACKAGES = { scope: 'packages', access: 'write', reason: 'to push images and records' } as const satisfies Permission

const CHECKOUT = '- uses: actions/checkout@v7\n  with: { persist-credentials: false }'

/** Judges manifest, Dockerfile and code. */
export const VALIDATE = {
  name: 'validate',
  starts: false,
  stage: 'validate',
  description: 'Judge the manifest of a Sage plugin as Sage does, with its Dockerfile and code; each problem at its line.',
  icon: 'check-circle',
  inputs: {
    path: PATH,
    strict: { kind: 'flag', description: 'Warnings fail too.', default: 'false' },
    user: { kind: 'text', description: 'The Sage user who registers the plugin: the namespace that the Portal fills in.' },
    'sage-users': SAGE_USERS,
  },
  outputs: {
    ...RECORD_OUTPUTS,
    errors: { description: 'Number of errors.' },
    warnings: { description: 'Number of warnings.' },
  },
  permissions: [READ_CONTENTS],
  notes: ['Needs nothing installed, not even Docker, and runs nothing of the repository.'],
  example: `${CHECKOUT}\n- uses: OWNER/ctss/actions/validate@v1`,
} as const satisfies ActionDefinition

/** Plans a run: what runs where, what is reused, and why. */
export const SETUP = {
  name: 'setup',
  starts: false,
  description: 'Plan a run of the pipeline: what runs where, what is reused from earlier runs, what is skipped, and why.',
  icon: 'map',
  inputs: {
    path: PATH,
    platform: { kind: 'platforms', description: 'Only these platforms, comma-separated. Without it, those of the manifest.' },
    force: { kind: 'stages', description: 'Stages, comma-separated, that run even when nothing has changed.' },
    'keep-going': { kind: 'flag', description: 'Go on after errors; nothing is published after one.', default: 'false' },
    release: RELEASE,
    runners: {
      kind: 'text',
      description:
        'Runner labels by platform or runner class, as a YAML mapping, for instance `{linux/arm64: [self-hosted, linux, arm64], train: gpu-runner}`. It changes the defaults, which work at github.com.',
    },
    plan: { kind: 'text', description: 'Reference of a plan that the app has made: it is fetched, and nothing is planned here.' },
    app: { kind: 'text', description: 'Address of the app, for `plan`.' },
    records: RECORDS,
    ...REGISTRY,
    staging: STAGING,
    'sage-users': SAGE_USERS,
  },
  outputs: {
    plan: { description: 'The plan as JSON.' },
    folder: { description: 'Folder with the plan and the records that are reused: upload it as the artifact `ctss-plan`.' },
    validate: { description: '`run`, `reuse` or `skip`; the same for each of the following stages.' },
    train: { description: 'What becomes of `train`.' },
    build: { description: 'What becomes of `build`.' },
    virtual: { description: 'What becomes of `virtual`.' },
    node: { description: 'What becomes of `node`.' },
    publish: { description: 'What becomes of `publish`.' },
    report: { description: '`run`; `skip` when no stage runs, since the report of an earlier run holds.' },
    parts: { description: '`run` when at least one platform has to be built; else `skip`.' },
    matrix: { description: 'Platforms to build, as the matrix of a job: `{"include": [{"platform", "name", "runner", "emulated"}]}`.' },
    'train-runner': { description: 'Labels of the runner that trains, as JSON.' },
    'virtual-runner': { description: 'Labels of the runner for the Virtual Waggle, as JSON.' },
    'node-runner': { description: 'Labels of the runner for the node, as JSON.' },
    emulates: { description: '`true` when the Virtual Waggle has to emulate a platform.' },
    staging: { description: '`registry` or `archive`.' },
    trust: { description: '`trusted`; `untrusted` for a pull request from a fork.' },
    token: { description: "Token that reads the plugin's repository, from the app; empty without `plan`." },
    outcome: { description: '`failed` when the repository has problems or a gate fails already now; else `passed`.' },
  },
  permissions: [READ_CONTENTS, READ_PACKAGES],
  notes: [
    'Plans with the one planner that the CLI has. A stage whose inputs are known is compared with the records of earlier runs; one whose inputs a stage before has to make first is compared in its own job.',
    'Refuses `pull_request_target`, `workflow_run` and `issue_comment`: they run with rights that code of a pull request must not have.',
  ],
  example: `${CHECKOUT}\n- uses: OWNER/ctss/actions/validate@v1\n- uses: OWNER/ctss/actions/setup@v1`,
} as const satisfies ActionDefinition

/** Trains the model. */
export const TRAIN = {
  name: 'train',
  starts: true,
  stage: 'train',
  description: 'Train the model of a Sage plugin in its container, and decide the gates of its evaluation.',
  icon: 'cpu',
  inputs: {
    path: PATH,
    records: RECORDS,
    force: FORCE,
    'attempts-left': { kind: 'count', description: 'How often a training that ends resumable (75) may be dispatched again.', default: '0' },
    checkpoints: { kind: 'text', description: 'Folder with the checkpoints of an earlier attempt, which this one goes on from.' },
    'large-files': LARGE_FILES,
    'sage-users': SAGE_USERS,
    ...REGISTRY,
  },
  outputs: {
    ...RECORD_OUTPUTS,
    model: { description: 'Digest of the trained model.' },
    resumable: { description: '`true` when the training stopped with checkpoints and may go on in another job.' },
    checkpoints: { description: 'Folder with the checkpoints, when `resumable`.' },
  },
  permissions: [READ_CONTENTS],
  notes: [
    'The training image is built and stays in the job: nothing is pushed. `training.gpu` asks the Docker Engine for NVIDIA devices; a runner without one refuses with a sentence.',
    'A training that ends with 75 is started again from its checkpoints within the job, as on a laptop. Near the time that `CTSS_DEADLINE` tells (RFC 3339), or when its attempts are used up, the job ends `resumable` instead.',
  ],
  example: `${CHECKOUT}\n- uses: OWNER/ctss/actions/train@v1`,
} as const satisfies ActionDefinition

/** Builds the image for one platform. */
export const BUILD = {
  name: 'build',
  starts: true,
  stage: 'build',
  description: 'Build the image of a Sage plugin for one platform, and push it by digest.',
  icon: 'package',
  inputs: {
    path: PATH,
    platform: { kind: 'platforms', description: 'The platform, for instance `linux/arm64`. Without it, that of the runner.' },
    records: RECORDS,
    force: FORCE,
    staging: STAGING,
    cache: { kind: 'flag', description: 'Keep layers in the registry, per branch and platform, for the next run.', default: 'true' },
    'large-files': LARGE_FILES,
    'sage-users': SAGE_USERS,
    ...REGISTRY,
  },
  outputs: {
    ...RECORD_OUTPUTS,
    digest: { description: 'Digest of the image.' },
    image: { description: 'Reference of the image, by digest; empty with archives.' },
    emulated: { description: '`true` when the platform is not the one of the runner.' },
  },
  permissions: [READ_CONTENTS, WRITE_PACKAGES],
  notes: ['A platform that is not the one of the runner needs an emulator: run `docker/setup-qemu-action` before. The record says that it was emulated.'],
  example: `${CHECKOUT}\n- uses: OWNER/ctss/actions/train@v1\n- uses: OWNER/ctss/actions/build@v1`,
} as const satisfies ActionDefinition

/** Joins the platforms' images. */
export const INDEX = {
  name: 'index',
  starts: true,
  stage: 'build',
  description: 'Join the images of a Sage plugin, one per platform, to one OCI index, by digest.',
  icon: 'layers',
  inputs: {
    path: PATH,
    platform: { kind: 'platforms', description: 'Only these platforms, comma-separated. Without it, those of the plan, else of the manifest.' },
    records: RECORDS,
    staging: STAGING,
    'sage-users': SAGE_USERS,
    ...REGISTRY,
  },
  outputs: {
    ...RECORD_OUTPUTS,
    digest: { description: 'Digest of the index.' },
    image: { description: 'Reference of the index, by digest; empty with archives.' },
  },
  permissions: [READ_CONTENTS, WRITE_PACKAGES],
  notes: [
    'Reads what `build` left for each platform, in this job or downloaded, and writes the record of the stage `build`. Nothing is joined under a tag, so two runs at once take nothing from each other.',
    'Keeps the records of `train` and `build` for later runs, where the token may write packages.',
  ],
  example: `${VALIDATE.example}\n- uses: OWNER/ctss/actions/train@v1\n- uses: OWNER/ctss/actions/build@v1\n  with: { platform: linux/amd64 }\n- uses: OWNER/ctss/actions/index@v1\n  with: { platform: linux/amd64 }`,
} as const satisfies ActionDefinition

/** Runs the trials in the Virtual Waggle. */
export const VIRTUAL = {
  name: 'virtual',
  starts: true,
  stage: 'virtual',
  description: 'Run the image of a Sage plugin in a Virtual Waggle with fixed inputs, and judge what it publishes.',
  icon: 'activity',
  inputs: { path: PATH, records: RECORDS, force: FORCE, staging: STAGING, 'sage-users': SAGE_USERS, ...REGISTRY },
  outputs: { ...RECORD_OUTPUTS, trials: { description: 'Number of trials, and of those that passed: `{"passed": 3, "total": 3}`.' } },
  permissions: [READ_CONTENTS, READ_PACKAGES],
  notes: ['Platforms of other architectures are emulated, which the record says of each trial.'],
  example: `${INDEX.example}\n- uses: OWNER/ctss/actions/virtual@v1`,
} as const satisfies ActionDefinition

/** Runs the trials on a real node. */
export const NODE = {
  name: 'node',
  starts: false,
  stage: 'node',
  description: 'Run the image of a Sage plugin on a Waggle node with fixed inputs, and measure it.',
  icon: 'radio',
  inputs: { path: PATH, records: RECORDS, force: FORCE, 'sage-users': SAGE_USERS, ...REGISTRY },
  outputs: VIRTUAL.outputs,
  permissions: [READ_CONTENTS, READ_PACKAGES],
  notes: ['The frame only: no node can be reached yet, so the stage is skipped, and the record says so.'],
  example: `${CHECKOUT}\n- uses: OWNER/ctss/actions/node@v1`,
} as const satisfies ActionDefinition

/** Publishes what was tested. */
export const PUBLISH = {
  name: 'publish',
  starts: false,
  stage: 'publish',
  description: 'Publish the tested image of a Sage plugin: a candidate on every push, a release with its assets on the tag of its version.',
  icon: 'upload-cloud',
  inputs: {
    path: PATH,
    records: RECORDS,
    release: RELEASE,
    force: FORCE,
    staging: STAGING,
    'sage-users': SAGE_USERS,
    ...REGISTRY,
  },
  outputs: {
    ...RECORD_OUTPUTS,
    bundle: { description: 'Digest of the bundle document.' },
    image: { description: 'Reference of the published index, by digest.' },
    'release-url': { description: 'Address of the release at GitHub; empty without one.' },
  },
  permissions: [{ scope: 'contents', access: 'write', reason: 'to check the repository out, and to make the release at GitHub' }, WRITE_PACKAGES],
  notes: [
    'Promotes the tested index by digest; nothing is built again. Runs no code of the plugin. Without the verdict of `validate`, of this job or another one, nothing is published.',
    'A release at GitHub is drafted, gets every asset (bundle document, report, profile, evaluation, `SHA256SUMS`), and is published then, since a published release may not be changed any more. Running it again completes what is missing.',
  ],
  example: `${VIRTUAL.example}\n- uses: OWNER/ctss/actions/publish@v1`,
} as const satisfies ActionDefinition

/** Writes the report. */
export const REPORT = {
  name: 'report',
  starts: false,
  stage: 'report',
  description: 'Compose the report of a run from its records: summary, files, and the one comment of the pull request.',
  icon: 'file-text',
  inputs: {
    path: PATH,
    records: RECORDS,
    comment: {
      kind: 'flag',
      description: 'Keep one comment of the pull request up to date. A fork has no right to: its report stays in summary and artifacts.',
      default: 'true',
    },
    'sage-users': SAGE_USERS,
    ...REGISTRY,
  },
  outputs: {
    outcome: { description: 'The verdict over all stages: `passed`, `failed` or `error`.' },
    folder: { description: 'Folder with `report.md`, `report.html` and `report.json`: upload it as an artifact.' },
    'comment-url': { description: 'Address of the comment; empty without one.' },
  },
  permissions: [READ_CONTENTS, READ_PACKAGES, { scope: 'pull-requests', access: 'write', reason: 'to write the one comment' }],
  notes: ['Fails when a stage did not pass, so that it can be the one required check. A stage that left no record (its machine was lost, say) is an error.'],
  example: `${PUBLISH.example}\n- uses: OWNER/ctss/actions/report@v1\n  if: always()`,
} as const satisfies ActionDefinition

/** Hands the records of a dispatched run to the app. */
export const DELIVER = {
  name: 'deliver',
  starts: false,
  description: 'Deliver the records that the jobs of a dispatched run have left, and their small files, to the app.',
  icon: 'send',
  inputs: {
    plan: { ...SETUP.inputs.plan, description: 'Reference of the plan that the app has made.' },
    app: { ...SETUP.inputs.app, description: 'Address of the app.' },
    records: RECORDS,
  },
  outputs: {
    records: { description: 'Number of records that were delivered.' },
    files: { description: 'Number of files that were uploaded: those that the app did not have.' },
  },
  permissions: [{ scope: 'id-token', access: 'write', reason: 'to show the app which run delivers' }],
  notes: [
    'The last job of `dispatch.yml`. It needs no checkout, and runs nothing of the plugin. While the app is out of reach it asks again for two minutes; where that is not enough, the app fetches the artifacts of the run itself.',
    'What was delivered may be delivered again: the app keeps the first. Files of more than 64 MiB are not asked for.',
  ],
  example: `- uses: actions/download-artifact@v8\n  with: { pattern: ctss-*, path: '\${{ runner.temp }}/ctss-records' }\n- uses: OWNER/ctss/actions/deliver@v1\n  with: { plan: '\${{ inputs.plan }}', app: '\${{ inputs.app }}' }`,
} as const satisfies ActionDefinition

/** Every action, in the order of a run. */
export const ACTIONS = [SETUP, VALIDATE, TRAIN, BUILD, INDEX, VIRTUAL, NODE, PUBLISH, REPORT, DELIVER] as const satisfies readonly ActionDefinition[]
