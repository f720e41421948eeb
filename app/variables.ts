/** One environment variable of the service, as docs/app.md tells of it. */
export interface Variable {
  readonly name: string
  /** A sentence or two for operators. */
  readonly what: string
  /** Shown in the table: a value, or what is taken without it. Undefined: nothing. */
  readonly fallback?: string
  /** Must be there once the app is registered; `always`: also before. */
  readonly needed?: 'always' | 'registered'
  /** Never logged, never shown. */
  readonly isSecret?: true
}

/** Every environment variable that the service reads, in the order of docs/app.md. */
export const VARIABLES = [
  {
    name: 'PUBLIC_URL',
    needed: 'always',
    what: 'Address under which GitHub, jobs and people reach the service, `https://…`, without a path. Jobs name it as the audience of their OIDC tokens.',
  },
  {
    name: 'OPERATOR_TOKEN',
    needed: 'always',
    isSecret: true,
    what: 'Opens `/setup`, `/api/v1/inbox` and `/metrics`. At least 32 characters: `openssl rand -hex 32`.',
  },
  {
    name: 'STATE_FOLDER',
    fallback: '`./state`',
    what: 'Files of the service: `app.env` that the set-up writes, the embedded database, blobs, uploads under way. Survives restarts.',
  },
  {
    name: 'DATABASE_URL',
    isSecret: true,
    fallback: 'embedded, in `STATE_FOLDER`',
    what: 'Postgres, `postgres://user:password@host/database`. Needed for more than one replica.',
  },
  { name: 'HOST', fallback: '`127.0.0.1`', what: 'Address to listen on; `0.0.0.0` in a container.' },
  { name: 'PORT', fallback: '`3000`', what: 'Port to listen on; 0: any free one.' },
  { name: 'LOG_LEVEL', fallback: '`info`', what: '`fatal`, `error`, `warn`, `info`, `debug` or `silent`.' },
  { name: 'APP_ID', what: 'Number of the GitHub App. Without it the service shows only `/setup`.' },
  { name: 'PRIVATE_KEY', needed: 'registered', isSecret: true, what: "The app's private key, PEM; line ends may be written as `\\n`." },
  { name: 'PRIVATE_KEY_PATH', what: 'File that holds it, in place of `PRIVATE_KEY`.' },
  { name: 'PREVIOUS_PRIVATE_KEY', isSecret: true, what: 'Used where GitHub refuses `PRIVATE_KEY`, while keys are changed.' },
  { name: 'WEBHOOK_SECRET', needed: 'registered', isSecret: true, what: 'Secret of the webhook, at least 16 characters.' },
  { name: 'PREVIOUS_WEBHOOK_SECRET', isSecret: true, what: 'Taken as well, while the secret is changed.' },
  {
    name: 'LINK_SECRET',
    needed: 'registered',
    isSecret: true,
    what: 'Makes the addresses of charts and of pages of private repositories, and the tickets of uploads. At least 32 characters, the same for all replicas.',
  },
  { name: 'GITHUB_URL', fallback: '`https://api.github.com`', what: 'API of GitHub; of an Enterprise Server `https://HOST/api/v3`.' },
  {
    name: 'OIDC_ISSUER',
    fallback: "github.com's, or `https://HOST/_services/token`",
    what: 'Who signs the OIDC tokens of jobs. An enterprise may have one of its own.',
  },
  { name: 'CONTROL_REPOSITORY', needed: 'registered', what: 'Where runs are dispatched, `owner/name`. The app is installed there.' },
  {
    name: 'OWNERS',
    fallback: 'the owner of `CONTROL_REPOSITORY`',
    what: 'Accounts whose plugins may spend machines: `waggle-sensor,alice`. The plugins of all others are validated, and nothing more. `*`: everybody.',
  },
  { name: 'CONTROL_WORKFLOW', fallback: '`dispatch.yml`', what: 'File of the workflow there.' },
  { name: 'CONTROL_REF', fallback: '`main`', what: 'Branch or tag on which it is dispatched.' },
  {
    name: 'DISPATCH_WORKFLOW',
    needed: 'registered',
    what: "This project's workflow that the one in the control repository calls: `owner/name/.github/workflows/dispatch.yml@refs/tags/v1.0.0`, or `@` and a commit. Several, separated by commas, while versions are changed. Only their jobs get plans and tokens.",
  },
  { name: 'ALLOW_WORKFLOW_BRANCH', fallback: '`false`', what: '`true`: `DISPATCH_WORKFLOW` may name a branch, which whoever writes there can change.' },
  {
    name: 'REGISTRY',
    needed: 'registered',
    what: 'Registry and namespace of the images, for instance `ghcr.io/my-organisation`. Images elsewhere are refused.',
  },
  { name: 'REGISTRY_USERNAME', what: 'Signs in at the registry; without it images are read anonymously.' },
  { name: 'REGISTRY_PASSWORD', isSecret: true, what: 'Its password, or a token that reads packages.' },
  {
    name: 'BASE_REGISTRIES',
    fallback: '`docker.io,ghcr.io,quay.io,nvcr.io,mcr.microsoft.com,public.ecr.aws`',
    what: "Hosts that are asked, besides that of `REGISTRY`, for base images that Dockerfiles name. No other is: a stranger's Dockerfile must not make the service ask an address of his choice.",
  },
  {
    name: 'RUNNERS',
    fallback: "GitHub's own machines",
    what: 'Runner labels by platform or runner class, a YAML mapping: `{linux/arm64: [self-hosted, arm64], chameleon-gpu: gpu}`.',
  },
  { name: 'SAGE_USERS', what: 'Owners at GitHub and the Sage users who register their plugins: `waggle-sensor=waggle,alice=alice1`.' },
  { name: 'S3_ADDRESS', fallback: 'blobs in `STATE_FOLDER`', what: 'Where blobs are kept: `s3://bucket/prefix`. Needed for more than one replica.' },
  { name: 'S3_ENDPOINT', fallback: "Amazon's", what: 'Address of an S3 of somebody else.' },
  { name: 'S3_REGION', fallback: '`us-east-1`', what: 'Its region.' },
  { name: 'S3_ACCESS_KEY_ID', what: 'Signs in there.' },
  { name: 'S3_SECRET_ACCESS_KEY', isSecret: true, what: 'Its secret.' },
  { name: 'PARALLEL_REFS', fallback: '`4`', what: 'Branches, tags and forks’ pull requests that one replica handles at a time.' },
  { name: 'TRUSTED_BOTS', what: "Bots whose branches are trusted as a writer's, by login: `renovate[bot],dependabot[bot]`." },
  { name: 'DRAFTS', fallback: '`validate`', what: 'What happens to draft pull requests: `run` or `validate`.' },
  { name: 'MOST_DISPATCHES', fallback: '`3`', what: 'How often a run is dispatched that never started, died, or lost its machine.' },
  { name: 'START_MINUTES', fallback: '`60`', what: 'A dispatched run of which no job has started after this time is dispatched again.' },
  { name: 'RUN_MINUTES', fallback: '`1440`', what: 'A run is given up after this time.' },
  { name: 'REPOSITORY_MINUTES', fallback: 'no limit', what: 'Machine minutes of one repository in 30 days.' },
  { name: 'OWNER_MINUTES', fallback: 'no limit', what: "The same of all of an owner's repositories." },
  { name: 'OWNER_SERVICE_UNITS', fallback: 'no limit', what: "Chameleon's service units of an owner in 30 days." },
  { name: 'REPOSITORY_RUNS', fallback: '`3`', what: 'Runs of one repository at a time.' },
  { name: 'OWNER_RUNS', fallback: '`10`', what: "Runs of all of an owner's repositories at a time." },
] as const satisfies readonly Variable[]

/** Name of a variable of the service. */
export type VariableName = (typeof VARIABLES)[number]['name']

/** The table of docs/app.md. */
export function renderVariables(variables: readonly Variable[] = VARIABLES): string {
  const rows = variables.map(({ name, what, fallback, needed, isSecret }) => {
    const without = needed === 'always' ? '**needed**' : needed === 'registered' ? '**needed** with `APP_ID`' : (fallback ?? '')
    return `| \`${name}\`${isSecret ? ' (secret)' : ''} | ${what} | ${without} |`
  })
  return ['| variable | what it is | without it |', '|---|---|---|', ...rows].join('\n')
}
