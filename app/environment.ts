import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { parse } from 'yaml'
import { errorCode } from '../adapters/filesystem/storage-failure.ts'
import { Failure } from '../pipeline/failure.ts'
import { readRunnerMap, type RunnerMap } from '../pipeline/runner-classes.ts'
import type { ServicePolicy } from '../pipeline/service/world.ts'
import { readSageUsers } from '../pipeline/validate/sage-users.ts'
import { VARIABLES, type Variable, type VariableName } from './variables.ts'

/** What the service takes from the environment; nothing else in `app/` reads it. */
export interface AppEnvironment {
  /** Origin, without a slash at the end. */
  readonly publicUrl: string
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  readonly operatorToken: string
  /** Absolute. */
  readonly stateFolder: string
  /** Undefined: embedded. */
  readonly databaseUrl: string | undefined
  readonly github: GithubAddresses
  /** Undefined: the app is not registered yet. */
  readonly app: RegisteredApp | undefined
}

export interface GithubAddresses {
  /** `https://api.github.com`, or `https://HOST/api/v3`. */
  readonly api: string
  /** `https://github.com`, or `https://HOST`. */
  readonly web: string
  /** Issuer of OIDC tokens. */
  readonly issuer: string
}

/** What only an app needs that GitHub knows. */
export interface RegisteredApp {
  readonly appId: number
  /** PEM; the second is taken where the first is refused. */
  readonly privateKeys: readonly string[]
  /** Each is good for a delivery. */
  readonly webhookSecrets: readonly string[]
  readonly linkSecret: string
  readonly control: { readonly owner: string; readonly name: string; readonly workflow: string; readonly ref: string }
  /** As `job_workflow_ref` names them. */
  readonly dispatchWorkflows: readonly string[]
  /** Host and namespace. */
  readonly registry: string
  readonly registryLogin: { readonly username: string; readonly password: string } | undefined
  /** Hosts that may be asked for base images. */
  readonly baseRegistries: readonly string[]
  readonly runners: RunnerMap
  /** As it was written, for the jobs; empty: the defaults. */
  readonly runnersText: string
  readonly sageUsers: ReadonlyMap<string, string>
  readonly s3: S3Place | undefined
  readonly parallelRefs: number
  readonly policy: ServicePolicy
}

export interface S3Place {
  readonly bucket: string
  /** Empty, or ends in a slash. */
  readonly prefix: string
  readonly endpoint: string | undefined
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** File in the state folder that the set-up writes; what stands in the environment itself goes before it. */
export const ENVIRONMENT_FILE = 'app.env'

const REPOSITORY = /^([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))\/([A-Za-z0-9._-]{1,100})$/
const WORKFLOW_FILE = /^[A-Za-z0-9._-]{1,100}\.ya?ml$/
const REF = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/
const WORKFLOW_REF =
  /^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}\/\.github\/workflows\/[A-Za-z0-9._-]{1,100}\.ya?ml@(?:refs\/(tags|heads)\/[A-Za-z0-9._/-]{1,200}|[0-9a-f]{40})$/
const REGISTRY = /^[a-z0-9.-]+(?::\d{1,5})?(?:\/[a-z0-9._-]+)+$/
const HOST = /^[a-z0-9.-]+(?::\d{1,5})?$/
const BASE_REGISTRIES = 'docker.io,ghcr.io,quay.io,nvcr.io,mcr.microsoft.com,public.ecr.aws'
const S3_ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w./=-]*))?$/
/** Accounts of an enterprise's own have an underscore. */
const OWNER = /^[A-Za-z0-9_-]{1,39}$/
const LOGIN = /^[A-Za-z0-9-]{1,39}(?:\[bot\])?$/
/** What GitHub itself asks of nothing, and guessing by brute force asks of us. */
const WEBHOOK_SECRET_CHARACTERS = 16
const SECRET_CHARACTERS = 32

/**
 * Reads the environment once, and `app.env` in the state folder. Fails with `workstation-unsupported`, a sentence for everything that is wrong, also where
 * there is such a file and it cannot be read; values of secrets are never part of it.
 */
export function readAppEnvironment(env: NodeJS.ProcessEnv = process.env, readFile: (path: string) => string = readText): AppEnvironment {
  const stateFolder = resolve(env['STATE_FOLDER'] || 'state')
  const reader = new Reader({ ...readEnvironmentFile(join(stateFolder, ENVIRONMENT_FILE), readFile), ...withoutEmpty(env) })
  const isRegistered = reader.text('APP_ID') !== undefined
  for (const { name, needed, what } of VARIABLES as readonly (Variable & { name: VariableName })[]) {
    const isNeeded = needed === 'always' || (needed === 'registered' && isRegistered)
    const isGiven = reader.text(name) !== undefined || (name === 'PRIVATE_KEY' && reader.text('PRIVATE_KEY_PATH') !== undefined)
    if (isNeeded && !isGiven) reader.complain(name, `is missing. ${what}`)
  }
  const github = readGithub(reader)
  const environment: AppEnvironment = {
    publicUrl: reader.read('PUBLIC_URL', readOrigin, 'http://127.0.0.1', 'is no address like https://ctss.example.org; plain http is for this machine alone'),
    host: reader.text('HOST') ?? '127.0.0.1',
    port: reader.number('PORT', 3000, 0, 65_535),
    logLevel: reader.read('LOG_LEVEL', (text) => LOG_LEVELS.find((level) => level === text), 'info', `is none of ${LOG_LEVELS.join(', ')}`),
    operatorToken: reader.secret('OPERATOR_TOKEN', SECRET_CHARACTERS),
    stateFolder,
    databaseUrl: reader.optional(
      'DATABASE_URL',
      (text) => (/^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text) ? text : undefined),
      'is no address like postgres://user:password@host/database',
    ),
    github,
    app: isRegistered ? readApp(reader, readFile) : undefined,
  }
  if (reader.complaints.length > 0)
    throw new Failure('workstation-unsupported', `the environment is not complete:\n${reader.complaints.map((line) => `- ${line}`).join('\n')}`, {
      suggestion: 'docs/app.md tells what each variable is.',
    })
  return environment
}

function readApp(reader: Reader, readFile: (path: string) => string): RegisteredApp {
  const [, owner = '', name = ''] =
    reader.optional('CONTROL_REPOSITORY', (text) => REPOSITORY.exec(text) ?? undefined, 'is no repository like my-organisation/ctss-control') ?? []
  const runners = reader.text('RUNNERS') ?? ''
  return {
    appId: reader.number('APP_ID', 0, 1, Number.MAX_SAFE_INTEGER),
    privateKeys: readPrivateKeys(reader, readFile),
    webhookSecrets: [reader.secret('WEBHOOK_SECRET', WEBHOOK_SECRET_CHARACTERS), reader.secret('PREVIOUS_WEBHOOK_SECRET', WEBHOOK_SECRET_CHARACTERS)].filter(
      Boolean,
    ),
    linkSecret: reader.secret('LINK_SECRET', SECRET_CHARACTERS),
    control: {
      owner,
      name,
      workflow: reader.read('CONTROL_WORKFLOW', matching(WORKFLOW_FILE), 'dispatch.yml', 'is no file name like dispatch.yml'),
      ref: reader.read('CONTROL_REF', matching(REF), 'main', 'is no branch or tag'),
    },
    dispatchWorkflows: readDispatchWorkflows(reader),
    registry: reader.read('REGISTRY', matching(REGISTRY), '', 'is no registry with a namespace, like ghcr.io/my-organisation'),
    registryLogin: readPair(reader, 'REGISTRY_USERNAME', 'REGISTRY_PASSWORD', (username, password) => ({ username, password })),
    baseRegistries: readBaseRegistries(reader),
    runners: readRunners(reader, runners),
    runnersText: runners,
    sageUsers: readSageUsers(reader.text('SAGE_USERS') ?? ''),
    s3: readS3(reader),
    parallelRefs: reader.number('PARALLEL_REFS', 4, 1, 64),
    policy: readPolicy(reader, owner),
  }
}

function readGithub(reader: Reader): GithubAddresses {
  const api = reader.read('GITHUB_URL', readBase, 'https://api.github.com', 'is no address like https://api.github.com or https://HOST/api/v3')
  const { protocol, hostname, pathname } = new URL(api)
  // Only GitHub's own hosts have an API without a path: api.github.com, and api.NAME.ghe.com with data residency.
  if (protocol === 'https:' && pathname === '/' && !hostname.startsWith('api.'))
    reader.complain('GITHUB_URL', `is no API: that of an Enterprise Server is ${api}/api/v3`)
  const web = api === 'https://api.github.com' ? 'https://github.com' : api.replace(/\/api\/v3$/, '')
  // docs.github.com, "OpenID Connect reference": an Enterprise Server signs below its own address.
  const issuer = api === 'https://api.github.com' ? 'https://token.actions.githubusercontent.com' : `${web}/_services/token`
  return { api, web, issuer: reader.read('OIDC_ISSUER', readBase, issuer, 'is no address') }
}

function readPrivateKeys(reader: Reader, readFile: (path: string) => string): readonly string[] {
  const path = reader.text('PRIVATE_KEY_PATH')
  const stored = reader.text('PRIVATE_KEY') ?? (path === undefined ? undefined : readKeyFile(reader, path, readFile))
  const keys = [stored, reader.text('PREVIOUS_PRIVATE_KEY')].map((key) => key?.replaceAll(String.raw`\n`, '\n'))
  keys.forEach((key, index) => {
    if (key === undefined || isPrivateKey(key)) return
    reader.complain(
      index === 1 ? 'PREVIOUS_PRIVATE_KEY' : reader.text('PRIVATE_KEY') === undefined ? 'PRIVATE_KEY_PATH' : 'PRIVATE_KEY',
      'holds no RSA private key in PEM',
    )
  })
  return keys.filter((key) => key !== undefined)
}

function readKeyFile(reader: Reader, path: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(path)
  } catch {
    reader.complain('PRIVATE_KEY_PATH', 'names a file that cannot be read')
    return undefined
  }
}

function isPrivateKey(key: string): boolean {
  try {
    return createPrivateKey(key).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

function readDispatchWorkflows(reader: Reader): readonly string[] {
  const mayBranch = reader.read(
    'ALLOW_WORKFLOW_BRANCH',
    (text) => (['true', 'false'].includes(text) ? { value: text === 'true' } : undefined),
    { value: false },
    'is neither true nor false',
  ).value
  return readItems(reader.text('DISPATCH_WORKFLOW')).filter((item) => {
    const [whole, kind] = WORKFLOW_REF.exec(item) ?? []
    if (whole === undefined)
      reader.complain('DISPATCH_WORKFLOW', 'is not owner/name/.github/workflows/dispatch.yml@refs/tags/…, or @ and a commit of 40 hex digits')
    else if (kind === 'heads' && !mayBranch)
      reader.complain('DISPATCH_WORKFLOW', 'names a branch, which can change: take a tag or a commit, or set ALLOW_WORKFLOW_BRANCH=true')
    else return true
    return false
  })
}

function readBaseRegistries(reader: Reader): readonly string[] {
  const hosts = readItems(reader.text('BASE_REGISTRIES') ?? BASE_REGISTRIES)
  if (!hosts.every((host) => HOST.test(host))) reader.complain('BASE_REGISTRIES', 'is no list of hosts like docker.io')
  return hosts
}

function readRunners(reader: Reader, text: string): RunnerMap {
  try {
    const { map, complaints } = readRunnerMap(parse(text))
    for (const complaint of complaints) reader.complain('RUNNERS', complaint)
    return map
  } catch {
    reader.complain('RUNNERS', 'is no YAML')
    return {}
  }
}

function readS3(reader: Reader): S3Place | undefined {
  const [, bucket, prefix = ''] = reader.optional('S3_ADDRESS', (text) => S3_ADDRESS.exec(text) ?? undefined, 'is no address like s3://bucket/prefix') ?? []
  const login = readPair(reader, 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', (accessKeyId, secretAccessKey) => ({ accessKeyId, secretAccessKey }))
  if (bucket === undefined) return undefined
  if (login === undefined) reader.complain('S3_ACCESS_KEY_ID', 'is missing: S3_ADDRESS is given')
  const folder = prefix.replace(/\/+$/, '')
  return {
    bucket,
    prefix: folder === '' ? '' : `${folder}/`,
    endpoint: reader.optional('S3_ENDPOINT', readBase, 'is no address'),
    region: reader.text('S3_REGION') ?? 'us-east-1',
    accessKeyId: login?.accessKeyId ?? '',
    secretAccessKey: login?.secretAccessKey ?? '',
  }
}

function readPair<Value>(reader: Reader, one: VariableName, other: VariableName, join: (one: string, other: string) => Value): Value | undefined {
  const [first, second] = [reader.text(one), reader.text(other)]
  if (first !== undefined && second !== undefined) return join(first, second)
  if (first !== undefined || second !== undefined)
    reader.complain(first === undefined ? one : other, `is missing: ${first === undefined ? other : one} is given`)
  return undefined
}

/** Anybody can install the app: who is not named here spends nothing. */
function readOwners(reader: Reader, controlOwner: string): readonly string[] | undefined {
  const text = reader.text('OWNERS')
  if (text?.trim() === '*') return undefined
  const owners = readItems(text ?? controlOwner)
  if (!owners.every((owner) => OWNER.test(owner))) reader.complain('OWNERS', 'is neither a list of accounts like my-organisation,alice nor *')
  return owners.map((owner) => owner.toLowerCase())
}

function readPolicy(reader: Reader, controlOwner: string): ServicePolicy {
  const limit = (name: VariableName): number | undefined => (reader.text(name) === undefined ? undefined : reader.number(name, 0, 0, 1e9))
  const bots = readItems(reader.text('TRUSTED_BOTS'))
  if (!bots.every((bot) => LOGIN.test(bot))) reader.complain('TRUSTED_BOTS', 'is no list of logins like renovate[bot]')
  return {
    owners: readOwners(reader, controlOwner),
    trustedBots: bots,
    drafts: reader.read('DRAFTS', (text) => (text === 'run' || text === 'validate' ? text : undefined), 'validate', 'is neither run nor validate'),
    mostDispatches: reader.number('MOST_DISPATCHES', 3, 1, 10),
    startMinutes: reader.number('START_MINUTES', 60, 1, 1440),
    runMinutes: reader.number('RUN_MINUTES', 1440, 1, 50_400),
    budgets: {
      repositoryMinutes: limit('REPOSITORY_MINUTES'),
      ownerMinutes: limit('OWNER_MINUTES'),
      ownerServiceUnits: limit('OWNER_SERVICE_UNITS'),
      repositoryRuns: reader.number('REPOSITORY_RUNS', 3, 1, 1000),
      ownerRuns: reader.number('OWNER_RUNS', 10, 1, 1000),
    },
  }
}

/** Collects what is wrong; answers a stand-in where it is, so that the rest is looked at as well. */
class Reader {
  readonly complaints: string[] = []
  readonly #values: Readonly<Record<string, string | undefined>>

  constructor(values: Readonly<Record<string, string | undefined>>) {
    this.#values = values
  }

  text(name: VariableName): string | undefined {
    return this.#values[name]
  }

  complain(name: VariableName, sentence: string): void {
    this.complaints.push(`${name} ${sentence}`)
  }

  read<Value>(name: VariableName, read: (text: string) => Value | undefined, fallback: Value, complaint: string): Value {
    return this.optional(name, read, complaint) ?? fallback
  }

  optional<Value>(name: VariableName, read: (text: string) => Value | undefined, complaint: string): Value | undefined {
    const text = this.text(name)
    const value = text === undefined ? undefined : read(text)
    if (text !== undefined && value === undefined) this.complain(name, complaint)
    return value
  }

  number(name: VariableName, fallback: number, least: number, most: number): number {
    const read = (text: string): number | undefined => (/^\d{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined)
    return this.read(name, read, fallback, `is no whole number between ${least} and ${most}`)
  }

  /** Empty where it is missing. */
  secret(name: VariableName, characters: number): string {
    return this.read(name, (text) => (text.length >= characters ? text : undefined), '', `is shorter than ${characters} characters`)
  }
}

/** Taken for absent, a file that is there would have the app registered once more. */
function readEnvironmentFile(path: string, readFile: (path: string) => string): Readonly<Record<string, string | undefined>> {
  try {
    return withoutEmpty(parseEnv(readFile(path)))
  } catch (cause) {
    const code = errorCode(cause)
    if (code === 'ENOENT') return {}
    throw new Failure('workstation-unsupported', `${path} cannot be read: ${code ?? 'it is no file of variables'}`, {
      cause,
      suggestion: "Let the service's user read it, or put it where STATE_FOLDER says.",
    })
  }
}

function withoutEmpty(env: NodeJS.Dict<string>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, text]) => (text === undefined || text.trim() === '' ? [] : [[name, text]])))
}

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined)
}

function readItems(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}

function isOfThisMachine(url: URL): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
}

/** An origin: https, or http of this machine. */
function readOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isOfThisMachine(url))
  return url !== undefined && isSafe && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' ? url.origin : undefined
}

/** An address with or without a path, without a slash at the end. */
function readBase(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isOfThisMachine(url))
  return url !== undefined && isSafe && url.search === '' && url.hash === '' && url.username === ''
    ? `${url.origin}${url.pathname}`.replace(/\/+$/, '')
    : undefined
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
