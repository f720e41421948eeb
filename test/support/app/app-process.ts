import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Github } from '../github/api.ts'

export interface AppProcessOptions {
  readonly github: Pick<Github, 'url' | 'oidc' | 'app' | 'webhooks'>
  /** `owner/name` */
  readonly control: string
  /** Workflow whose jobs get plans and tokens, `owner/name/.github/workflows/dispatch.yml@…`. */
  readonly workflow: string
  readonly registry: string
  /** In the place of the rest of its variables. */
  readonly environment?: Readonly<Record<string, string>>
}

/** The service as its operator starts it, with the database that it brings itself. */
export interface AppProcess extends AsyncDisposable {
  readonly url: string
  readonly operatorToken: string
  /** What it logged: a JSON document in each line. */
  log(): string
}

const START_MS = 60_000
const STOP_MS = 30_000

/** Starts the bundle as `npm start` does, waits until it is ready, and lets the webhooks of the stand-in for GitHub go there. */
export async function startAppProcess({ github, control, workflow, registry, environment = {} }: AppProcessOptions): Promise<AppProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-app-'))
  const port = await findPort()
  const url = `http://127.0.0.1:${port}`
  const operatorToken = 'an-operator-token-for-tests-alone-0123456789'
  const child = spawn(process.execPath, ['dist/app.mjs'], {
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: folder,
      PUBLIC_URL: url,
      PORT: String(port),
      STATE_FOLDER: join(folder, 'state'),
      OPERATOR_TOKEN: operatorToken,
      GITHUB_URL: github.url,
      OIDC_ISSUER: github.oidc.url,
      APP_ID: String(github.app.id),
      PRIVATE_KEY: github.app.privateKey,
      WEBHOOK_SECRET: github.app.webhookSecret,
      LINK_SECRET: 'a-link-secret-for-tests-alone-0123456789',
      CONTROL_REPOSITORY: control,
      DISPATCH_WORKFLOW: workflow,
      REGISTRY: registry,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let logged = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (logged += text))
  const ended = once(child, 'close')
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const late = new AbortController()
    await Promise.race([ended, sleep(STOP_MS, undefined, { signal: late.signal }).then(() => child.kill('SIGKILL'))]).finally(() => late.abort())
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = performance.now() + START_MS
  for (;;) {
    const isReady = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isReady) break
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`the app did not start:\n${logged}`)
    }
    await sleep(100)
  }
  const part = github.webhooks.connect(`${url}/api/github/webhooks`)
  return {
    url,
    operatorToken,
    log: () => logged,
    async [Symbol.asyncDispose]() {
      part()
      await stop()
    },
  }
}

async function findPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
