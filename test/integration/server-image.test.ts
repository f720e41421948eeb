import { randomUUID } from 'node:crypto'
import { cpSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkDockerfile } from '../../adapters/buildx/dockerfile-check.ts'
import { run, type RunResult } from '../../adapters/process/run.ts'

const OPERATOR = 'o'.repeat(40)
const ID = randomUUID().slice(0, 8)
const [BASE, IMAGE, NAME] = [`ctss-test-node-base:${ID}`, `ctss-test-app:${ID}`, `ctss-test-app-${ID}`]
const PARTS = ['package.json', 'app.yml', 'LICENSE', 'node_modules/@electric-sql/pglite', 'node_modules/@resvg/resvg-wasm', 'node_modules/dejavu-fonts-ttf']

let folder: string

async function docker(...args: readonly string[]): Promise<RunResult> {
  return run({ command: 'docker', args }, { timeoutMs: 280_000 })
}

/** The same, where anything but success ends the test. */
async function mustRun(command: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run({ command, args }, { timeoutMs: 280_000 })
  if (exitCode !== 0) throw new Error(`${command} ${args[0]} ended with ${exitCode}: ${stdout}${stderr}`)
  return stdout
}

/** Builds the bundle, and the image on a stand-in for node:24-bookworm-slim: Debian, and the Node that runs this. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ctss-app-image-'))
  await mustRun(process.execPath, 'scripts/build.ts', '--app', '--out', folder)
  for (const part of PARTS) {
    mkdirSync(dirname(join(folder, part)), { recursive: true })
    cpSync(part, join(folder, part), { recursive: true, dereference: true })
  }
  const base = join(folder, 'base')
  mkdirSync(base)
  try {
    linkSync(process.execPath, join(base, 'node'))
  } catch {
    cpSync(process.execPath, join(base, 'node'))
  }
  writeFileSync(join(base, 'Dockerfile'), 'FROM debian:bookworm-slim\nCOPY --chown=0:0 node /usr/local/bin/node\n')
  await mustRun('docker', 'build', '--tag', BASE, base)
  rmSync(base, { recursive: true })
  await mustRun('docker', 'build', '--file', 'app/Dockerfile', '--build-arg', `BASE=${BASE}`, '--tag', IMAGE, folder)
})

afterAll(async () => {
  await docker('rm', '--force', '--volumes', NAME)
  await docker('rmi', '--force', IMAGE, BASE)
  rmSync(folder, { recursive: true, force: true })
})

describe('the image of the service', () => {
  it('has a Dockerfile that BuildKit has nothing against, and says who it is', async () => {
    writeFileSync(join(folder, 'Dockerfile'), readFileSync('app/Dockerfile', 'utf8').replace(/^ARG BASE=.*$/m, 'ARG BASE=debian:bookworm-slim'))
    expect(await checkDockerfile({ context: folder, dockerfile: 'Dockerfile', signal: new AbortController().signal })).toEqual([])
    const { stdout } = await docker('image', 'inspect', '--format', '{{.Config.User}} {{json .Config.Volumes}} {{.Config.StopSignal}}', IMAGE)
    expect(stdout.trim()).toBe('10001:10001 {"/var/lib/ctss":{}} SIGTERM')
  })

  it('runs without a right, without root, on a file system that nobody can write', async () => {
    const environment = {
      PUBLIC_URL: 'https://ctss.example.org',
      OPERATOR_TOKEN: OPERATOR,
      GITHUB_URL: 'http://127.0.0.1:9',
      APP_ID: '12',
      PRIVATE_KEY: await mustRun('openssl', 'genrsa', '2048'),
      WEBHOOK_SECRET: 'the secret of the webhook',
      LINK_SECRET: 'l'.repeat(32),
      CONTROL_REPOSITORY: 'sage/control',
      REGISTRY: 'registry.example.org/sage',
      DISPATCH_WORKFLOW: 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0',
    }
    const rights = ['--read-only', '--tmpfs=/tmp', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--memory=1536m']
    const variables = Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`)
    await mustRun('docker', 'run', '--detach', `--name=${NAME}`, ...rights, ...variables, '--publish=127.0.0.1::3000', IMAGE)
    const { stdout: published } = await docker('port', NAME, '3000/tcp')
    const url = `http://${published.trim().split('\n')[0]}`
    await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { timeout: 180_000, interval: 500 })

    expect((await fetch(`${url}/api/v1/inbox`, { headers: { authorization: `Bearer ${OPERATOR}` } })).status).toBe(200)
    const inside = await docker(
      'exec',
      NAME,
      'sh',
      '-c',
      'id -u; touch /opt/ctss/x /etc/x 2>&1 | grep -c "Read-only"; ls -A /var/lib/ctss; stat -c %a /var/lib/ctss',
    )
    expect(inside.stdout.split('\n')).toEqual(expect.arrayContaining(['10001', '2', 'database', '700']))

    const { stdout: check } = await docker('image', 'inspect', '--format', '{{json .Config.Healthcheck.Test}}', IMAGE)
    const [, ...command] = JSON.parse(check) as string[]
    expect((await docker('exec', NAME, ...command)).exitCode).toBe(0)
  })

  it('ends with 0 when it is told to', async () => {
    await docker('stop', '--time=60', NAME)
    const { stdout } = await docker('inspect', '--format', '{{.State.ExitCode}} {{.State.OOMKilled}}', NAME)
    const { stdout: logs } = await docker('logs', NAME)
    expect([stdout.trim(), logs.includes('"isWhole":true')], logs).toEqual(['0 false', true])
    expect(logs).not.toMatch(/PRIVATE KEY|secret of the webhook|o{40}/)
  })

  it('says what is missing, and ends', async () => {
    const { exitCode, stderr } = await docker('run', '--rm', '--read-only', '--tmpfs=/tmp', IMAGE)
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('PUBLIC_URL is missing.')])
  })
})
