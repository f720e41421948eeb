import { generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import type { Hono } from 'hono'
import { openIdentities, type IdentityOptions } from '../../../app/api/job-identity.ts'
import { jobRoutes, type JobPorts } from '../../../app/api/routes.ts'
import { openLinks } from '../../../app/links.ts'
import { openLog } from '../../../app/log.ts'
import { digestOf, type Digest } from '../../../pipeline/digest.ts'
import type { Delivery } from '../../../pipeline/ports/inbox.ts'
import type { ServiceState, StoredRun } from '../../../pipeline/ports/service-state.ts'
import type { RunPlan, StageRecord } from '../../../schemas/generated/types.ts'
import { memoryBlobs } from '../../support/memory-blobs.ts'
import { memoryRegistry } from '../../support/memory-registry.ts'
import { memoryServiceStore } from '../../support/memory-service-store.ts'
import { makeRunPlan } from '../../support/run-plan.ts'
import { makeRecord } from '../../support/stage-record.ts'

export const PUBLIC_URL = 'https://ctss.example.org'
export const ISSUER = 'https://token.actions.githubusercontent.com'
export const WORKFLOW = 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0'
export const REPOSITORY = 101
const CONTROL = 202
const NOW = '2026-11-21T12:00:00.000Z'
const PLACE = { repository: REPOSITORY, ref: 'refs/heads/main' }

/** What GitHub says of the first job of a dispatched run. */
export const CLAIMS = {
  iss: ISSUER,
  aud: PUBLIC_URL,
  repository_id: String(CONTROL),
  job_workflow_ref: WORKFLOW,
  event_name: 'workflow_dispatch',
  run_id: '9001',
  run_attempt: '1',
  runner_environment: 'github-hosted',
} as const

/** The jobs' API over everything in memory, a signer that it believes, and a clock that stands still. */
export interface JobWorld {
  readonly routes: Hono
  readonly state: ServiceState
  readonly blobs: Map<Digest, Buffer>
  readonly deliveries: Delivery[]
  readonly tokens: number[]
  readonly lines: string[]
  /** A token with other claims than a right one has. */
  token(change?: Readonly<Record<string, unknown>>, key?: CryptoKey, algorithm?: string): Promise<string>
  makeRun(change?: Partial<StoredRun> & { readonly plan?: RunPlan }): Promise<StoredRun>
  send(
    method: string,
    path: string,
    options?: { readonly token?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>
  /** Claims, with the claims of a right job. */
  claim(run: StoredRun): Promise<string>
  records(run: StoredRun, records: readonly unknown[], token: string): Promise<Response>
}

/** Makes one; `change` replaces ports. */
export async function makeJobWorld(change: Partial<JobPorts> = {}, identity: Partial<IdentityOptions> = {}): Promise<JobWorld> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const lines: string[] = []
  const blobs = new Map<Digest, Buffer>()
  const deliveries: Delivery[] = []
  const tokens: number[] = []
  const { state } = memoryServiceStore({ now: () => Date.parse(NOW) })
  await state.putRepository({ id: REPOSITORY, owner: 'zelda', name: 'cloud-counter', installation: 7, isSuspended: false })
  let nowMs = Date.parse(NOW)
  const ports: JobPorts = {
    state,
    blobs: memoryBlobs(blobs),
    registry: memoryRegistry(),
    namespace: 'registry.example.org/sage',
    inbox: {
      async put(delivery) {
        deliveries.push(delivery)
        return true
      },
    },
    clock: { now: () => new Date(nowMs).toISOString(), monotonicMs: () => nowMs },
    forge: {
      async readToken({ id }) {
        tokens.push(id)
        return { token: `ghs_${id}`, expires: '2026-11-21T13:00:00Z' }
      },
    },
    identify: openIdentities({
      issuer: ISSUER,
      audience: PUBLIC_URL,
      controlRepository: async () => CONTROL,
      dispatchWorkflows: [WORKFLOW],
      keys: async () => publicKey,
      now: () => new Date(nowMs),
      ...identity,
    }),
    links: openLinks({ publicUrl: PUBLIC_URL, linkSecret: 'l'.repeat(32) }),
    publicUrl: PUBLIC_URL,
    workParent: '/tmp/ctss-app-uploads',
    log: openLog('info', { write: (line: string) => void lines.push(line) }),
    ...change,
  }
  const routes = jobRoutes(ports)
  const world: JobWorld = {
    routes,
    state,
    blobs,
    deliveries,
    tokens,
    lines,
    token: async (claims = {}, key = privateKey, alg = 'RS256') => {
      const seconds = Math.floor(nowMs / 1000)
      return new SignJWT({ ...CLAIMS, iat: seconds, nbf: seconds, exp: seconds + 300, ...claims }).setProtectedHeader({ alg }).sign(key)
    },
    async makeRun({ plan = makeRunPlan(), ...rest } = {}) {
      const id = `0198a5c0-0000-4000-8000-${String((nowMs += 1))
        .padStart(12, '0')
        .slice(-12)}`
      const made = { id, ...PLACE, commit: plan.subject.commit ?? '', path: '', trust: 'trusted' as const, release: false, plan, cause: id, now: NOW }
      const run = await state.createRun({ ...made, ...rest })
      return state.moveRun(run.id, { state: 'dispatched', now: NOW, dispatches: 1, workflowRun: 9001 })
    },
    async send(method, path, { token, body, headers } = {}) {
      return routes.request(path, {
        method,
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
        ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
      })
    },
    async claim(run) {
      const token = await world.token()
      await world.send('GET', `/runs/${run.id}/plan`, { token })
      return token
    },
    records: async (run, records, token) => world.send('POST', `/runs/${run.id}/records`, { token, body: { records } }),
  }
  return world
}

/** Records of a run whose every stage passed, one of which names a file. */
export function passedRecords(file = 'model'): StageRecord[] {
  return [
    makeRecord('validate', { details: { kind: 'validate', manifest: null } }),
    makeRecord('train', {
      files: [{ name: 'model.onnx', digest: digestOf(file), bytes: Buffer.byteLength(file), mediaType: 'application/octet-stream', role: 'model' }],
    }),
  ]
}
