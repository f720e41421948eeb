import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readAppEnvironment } from '../../../app/environment.ts'
import { renderVariables, VARIABLES } from '../../../app/variables.ts'

const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const LEAST = { PUBLIC_URL: 'https://ctss.example.org', OPERATOR_TOKEN: 'o'.repeat(32), STATE_FOLDER: '/srv/ctss' }
const REGISTERED = {
  ...LEAST,
  APP_ID: '12345',
  PRIVATE_KEY: KEY,
  WEBHOOK_SECRET: 'w'.repeat(20),
  LINK_SECRET: 'l'.repeat(32),
  CONTROL_REPOSITORY: 'sage/control',
  DISPATCH_WORKFLOW: 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0',
  REGISTRY: 'ghcr.io/sage',
}
const failWith = (code: string) => (): string => {
  throw Object.assign(new Error(`${code}: no such luck`), { code })
}
const noFile = failWith('ENOENT')
const read = (env: Record<string, string>, file: (path: string) => string = noFile) => readAppEnvironment(env, file)

function complaintsOf(env: Record<string, string>, file?: (path: string) => string): string {
  try {
    read(env, file)
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('the environment', () => {
  it('needs an address and a token before the app is registered, and nothing else', () => {
    expect(read(LEAST)).toEqual({
      publicUrl: 'https://ctss.example.org',
      host: '127.0.0.1',
      port: 3000,
      logLevel: 'info',
      operatorToken: 'o'.repeat(32),
      stateFolder: '/srv/ctss',
      databaseUrl: undefined,
      github: { api: 'https://api.github.com', web: 'https://github.com', issuer: 'https://token.actions.githubusercontent.com' },
      app: undefined,
    })
  })

  it('is read whole once the app is registered, with defaults for what operators seldom change', () => {
    const { app } = read({
      ...REGISTERED,
      PREVIOUS_WEBHOOK_SECRET: 'p'.repeat(20),
      PREVIOUS_PRIVATE_KEY: KEY.replaceAll('\n', String.raw`\n`),
      SAGE_USERS: 'Alice=alice1',
      RUNNERS: '{train: gpu}',
    })
    expect(app).toMatchObject({
      appId: 12345,
      privateKeys: [KEY, KEY],
      webhookSecrets: ['w'.repeat(20), 'p'.repeat(20)],
      control: { owner: 'sage', name: 'control', workflow: 'dispatch.yml', ref: 'main' },
      dispatchWorkflows: ['sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0'],
      registry: 'ghcr.io/sage',
      registryLogin: undefined,
      runners: { train: ['gpu'], 'linux/amd64': ['ubuntu-24.04'] },
      runnersText: '{train: gpu}',
      s3: undefined,
      parallelRefs: 4,
      policy: { owners: ['sage'], trustedBots: [], drafts: 'validate', mostDispatches: 3, budgets: { repositoryMinutes: undefined, repositoryRuns: 3 } },
    })
    expect(app?.sageUsers).toEqual(new Map([['alice', 'alice1']]))
  })

  it('takes what the set-up has written into the state folder, and the environment before it', () => {
    const text = `APP_ID="7"\nPRIVATE_KEY="${KEY.replaceAll('\n', String.raw`\n`)}"\nWEBHOOK_SECRET="${'f'.repeat(20)}"\nLINK_SECRET="${'g'.repeat(32)}"\n`
    const files: string[] = []
    const { app } = read(
      { ...LEAST, CONTROL_REPOSITORY: 'a/b', DISPATCH_WORKFLOW: REGISTERED.DISPATCH_WORKFLOW, REGISTRY: 'ghcr.io/a', LINK_SECRET: 'h'.repeat(32) },
      (path) => {
        files.push(path)
        return text
      },
    )
    expect(files).toEqual(['/srv/ctss/app.env'])
    expect(app).toMatchObject({ appId: 7, privateKeys: [KEY], webhookSecrets: ['f'.repeat(20)], linkSecret: 'h'.repeat(32) })
  })

  it.each(['EACCES', 'EISDIR'])('does not take what the set-up has written for absent where it cannot be read: %s', (code) => {
    expect(complaintsOf(LEAST, failWith(code))).toBe(`/srv/ctss/app.env cannot be read: ${code}`)
  })

  it('reads the key from a file', () => {
    const { PRIVATE_KEY: _, ...rest } = REGISTERED
    expect(read({ ...rest, PRIVATE_KEY_PATH: '/run/key' }, (path) => (path === '/run/key' ? KEY : noFile())).app?.privateKeys).toEqual([KEY])
    expect(complaintsOf({ ...rest, PRIVATE_KEY_PATH: '/run/key' })).toContain('- PRIVATE_KEY_PATH names a file that cannot be read')
    expect(complaintsOf({ ...rest, PRIVATE_KEY_PATH: '/run/key' }, () => 'no key')).toContain('- PRIVATE_KEY_PATH holds no RSA private key in PEM')
  })

  it.each([
    [undefined, ['sage']],
    [' ', ['sage']],
    ['Waggle-Sensor, alice_corp', ['waggle-sensor', 'alice_corp']],
    ['*', undefined],
  ])('lets those spend machines whom OWNERS names, the owner of the control repository without it: %j', (text, owners) => {
    expect(read({ ...REGISTERED, ...(text !== undefined && { OWNERS: text }) }).app?.policy.owners).toEqual(owners)
  })

  it('speaks to an Enterprise Server by its own addresses', () => {
    expect(read({ ...LEAST, GITHUB_URL: 'https://git.example.org/api/v3/' }).github).toEqual({
      api: 'https://git.example.org/api/v3',
      web: 'https://git.example.org',
      issuer: 'https://git.example.org/_services/token',
    })
  })

  it('takes the address of a server for none of its API', () => {
    expect(complaintsOf({ ...LEAST, GITHUB_URL: 'https://git.example.org' })).toContain(
      'GITHUB_URL is no API: that of an Enterprise Server is https://git.example.org/api/v3',
    )
    expect(read({ ...LEAST, GITHUB_URL: 'https://api.lab.ghe.com' }).github.api).toBe('https://api.lab.ghe.com')
  })

  it('keeps blobs in S3 where it is told how', () => {
    const { app } = read({
      ...REGISTERED,
      S3_ADDRESS: 's3://blobs/ctss/',
      S3_ENDPOINT: 'https://s3.example.org',
      S3_ACCESS_KEY_ID: 'id',
      S3_SECRET_ACCESS_KEY: 'key',
    })
    expect(app?.s3).toEqual({
      bucket: 'blobs',
      prefix: 'ctss/',
      endpoint: 'https://s3.example.org',
      region: 'us-east-1',
      accessKeyId: 'id',
      secretAccessKey: 'key',
    })
  })

  it('says everything that is wrong at once', () => {
    const text = complaintsOf({
      STATE_FOLDER: '/srv',
      APP_ID: 'x',
      PORT: '70000',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
      GITHUB_URL: 'http://git.example.org',
    })
    expect(text.split('\n').map((line) => line.split(' ')[1])).toEqual([
      'environment',
      'PUBLIC_URL',
      'OPERATOR_TOKEN',
      'PRIVATE_KEY',
      'WEBHOOK_SECRET',
      'LINK_SECRET',
      'CONTROL_REPOSITORY',
      'DISPATCH_WORKFLOW',
      'REGISTRY',
      'GITHUB_URL',
      'PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'APP_ID',
    ])
  })

  it.each([
    [{ PUBLIC_URL: 'http://ctss.example.org' }, 'PUBLIC_URL is no address'],
    [{ PUBLIC_URL: 'https://ctss.example.org/app' }, 'PUBLIC_URL is no address'],
    [{ PUBLIC_URL: 'nonsense' }, 'PUBLIC_URL is no address'],
    [{ OPERATOR_TOKEN: 'short' }, 'OPERATOR_TOKEN is shorter than 32 characters'],
    [{ PRIVATE_KEY: 'not a key' }, 'PRIVATE_KEY holds no RSA private key'],
    [{ PREVIOUS_PRIVATE_KEY: 'not a key' }, 'PREVIOUS_PRIVATE_KEY holds no RSA private key'],
    [{ CONTROL_REPOSITORY: 'sage' }, 'CONTROL_REPOSITORY is no repository'],
    [{ CONTROL_WORKFLOW: '../x.yml' }, 'CONTROL_WORKFLOW is no file name'],
    [{ CONTROL_REF: '-x' }, 'CONTROL_REF is no branch'],
    [{ DISPATCH_WORKFLOW: 'sage/ctss' }, 'DISPATCH_WORKFLOW is not owner/name'],
    [{ DISPATCH_WORKFLOW: 'sage/ctss/.github/workflows/dispatch.yml@refs/heads/main' }, 'DISPATCH_WORKFLOW names a branch'],
    [{ ALLOW_WORKFLOW_BRANCH: 'yes' }, 'ALLOW_WORKFLOW_BRANCH is neither'],
    [{ REGISTRY: 'ghcr.io' }, 'REGISTRY is no registry with a namespace'],
    [{ REGISTRY_USERNAME: 'me' }, 'REGISTRY_PASSWORD is missing'],
    [{ BASE_REGISTRIES: 'https://docker.io' }, 'BASE_REGISTRIES is no list of hosts'],
    [{ RUNNERS: '[' }, 'RUNNERS is no YAML'],
    [{ RUNNERS: '{trian: gpu}' }, 'RUNNERS `trian` is unknown: did you mean `train`?'],
    [{ S3_ADDRESS: 's3://blobs' }, 'S3_ACCESS_KEY_ID is missing'],
    [{ S3_ADDRESS: 'blobs' }, 'S3_ADDRESS is no address'],
    [{ DRAFTS: 'maybe' }, 'DRAFTS is neither run nor validate'],
    [{ OWNERS: 'sage/plugin' }, 'OWNERS is neither a list of accounts'],
    [{ OWNERS: 'sage,*' }, 'OWNERS is neither a list of accounts'],
    [{ TRUSTED_BOTS: 'a b' }, 'TRUSTED_BOTS is no list of logins'],
    [{ OWNER_MINUTES: '-1' }, 'OWNER_MINUTES is no whole number'],
    [{ MOST_DISPATCHES: '0' }, 'MOST_DISPATCHES is no whole number between 1 and 10'],
  ])('refuses %j', (change, complaint) => {
    expect(complaintsOf({ ...REGISTERED, ...change })).toContain(`- ${complaint}`)
  })

  it('takes a branch of the workflow where it is allowed, several versions, and a commit', () => {
    const workflow = 'sage/ctss/.github/workflows/dispatch.yml@'
    const all = [`${workflow}refs/heads/main`, `${workflow}${'a'.repeat(40)}`]
    expect(read({ ...REGISTERED, DISPATCH_WORKFLOW: all.join(', '), ALLOW_WORKFLOW_BRANCH: 'true' }).app?.dispatchWorkflows).toEqual(all)
  })

  it('never puts a value into a complaint', () => {
    const secret = 'hunter2'
    const text = complaintsOf({ ...Object.fromEntries(VARIABLES.map(({ name }) => [name, secret])), STATE_FOLDER: '/srv' })
    expect(text).toContain('WEBHOOK_SECRET is shorter')
    expect(text).not.toContain(secret)
  })

  it('is documented, to the last variable', () => {
    expect(readFileSync('docs/app.md', 'utf8')).toContain(renderVariables())
  })
})
