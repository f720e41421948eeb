import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DELIVER } from '../../../actions/definitions.ts'
import { runDeliver } from '../../../actions/deliver-action.ts'
import { digestOf } from '../../../pipeline/digest.ts'
import type { RunPlan, StageRecord } from '../../../schemas/generated/types.ts'
import { makeJobWorld, type JobWorld } from '../../support/job-world.ts'
import { makeRecord } from '../../support/records.ts'
import { makeRunPlan } from '../../support/run-plan.ts'
import { SUBJECT } from '../../support/stage-record.ts'

const PLAN = makeRunPlan()
const LOG = Buffer.from('it was built\n')
const FILE = { role: 'log', digest: digestOf(LOG), bytes: LOG.length, mediaType: 'text/plain' } as const
const BUILD = makeRecord('build', { subject: SUBJECT, files: [FILE] })

interface Received {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly body: Buffer
}

/** The app's side of a delivery, as app/api has it, with faults put in. */
interface App {
  readonly origin: string
  readonly received: Received[]
  readonly blobs: Map<string, Buffer>
  readonly delivered: StageRecord[][]
  /** Status of the next answers, the first first. */
  readonly faults: number[]
  plan: RunPlan
  missing: ((records: readonly StageRecord[]) => unknown) | undefined
}

let server: Server
let app: App
let world: JobWorld
let said = ''

beforeEach(async () => {
  said = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
  world = await makeJobWorld({ 'sage.yaml': '' })
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const body = Buffer.concat(chunks)
      if (url.startsWith('/oidc')) return void response.end('{"value": "job-token"}')
      app.received.push({ method, url, authorization: headers.authorization, body })
      const fault = app.faults.shift()
      if (fault !== undefined && fault > 0) return void response.writeHead(fault).end('{"detail": "out of order"}')
      if (url === '/api/v1/runs/run-1/plan') return void response.end(JSON.stringify(app.plan))
      if (url.startsWith('/upload/') && method === 'PUT' && headers.authorization === 'Bearer ticket-of-a-file') {
        app.blobs.set(url.slice('/upload/'.length), body)
        return void response.writeHead(201).end()
      }
      if (url !== '/api/v1/runs/run-1/records' || method !== 'POST') return void response.writeHead(404).end()
      const { records: own, reused } = JSON.parse(body.toString()) as { records: StageRecord[]; reused: StageRecord[] }
      const records = [...own, ...reused]
      const missing = app.missing?.(records) ?? missingOf(records)
      if (Array.isArray(missing) && missing.length === 0) app.delivered.push(records)
      return void response.writeHead(Array.isArray(missing) && missing.length === 0 ? 201 : 200).end(JSON.stringify({ missing }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  app = { origin, received: [], blobs: new Map(), delivered: [], faults: [], plan: PLAN, missing: undefined }
  vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_URL', `${origin}/oidc?x=1`)
  vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'request-token')
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  await world[Symbol.asyncDispose]()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function missingOf(records: readonly StageRecord[]): unknown {
  const files = records.flatMap((record) => record.files).filter(({ digest }) => !app.blobs.has(digest))
  return files.map(({ digest, bytes }) => uploadOf(digest, bytes))
}

function uploadOf(digest: string, bytes: number, url = `${app.origin}/upload/${digest}`): unknown {
  return { digest, bytes, upload: { method: 'PUT', url, headers: { authorization: 'Bearer ticket-of-a-file' } } }
}

async function leave(name: string, record: unknown, blobs: readonly Buffer[] = []): Promise<void> {
  const folder = join(world.temporary, 'ctss-records', name)
  await mkdir(join(folder, 'blobs'), { recursive: true })
  await writeFile(join(folder, 'record.json'), typeof record === 'string' ? record : JSON.stringify(record))
  for (const blob of blobs) await writeFile(join(folder, 'blobs', digestOf(blob).slice('sha256:'.length)), blob)
}

const deliver = async (texts: Readonly<Record<string, string>> = {}, delaysMs: readonly number[] = []) =>
  runDeliver(world.call(DELIVER, { plan: 'run-1', app: app.origin, ...texts }), delaysMs)

describe('what the jobs of a run have left', () => {
  it('reaches the app: the records, the files that it lacks, and the records again', async () => {
    await leave('ctss-build', BUILD, [LOG])
    await leave('ctss-validate', makeRecord('validate', { subject: SUBJECT }))
    await writeFile(join(world.temporary, 'ctss-records', 'plan.json'), '{}')

    expect(await deliver()).toEqual({ outputs: { records: '2', files: '1' }, exitCode: 0 })
    expect(app.received.map(({ method, url, authorization }) => [method, url.replace(/sha256:.*/, 'DIGEST'), authorization])).toEqual([
      ['GET', '/api/v1/runs/run-1/plan', 'Bearer job-token'],
      ['POST', '/api/v1/runs/run-1/records', 'Bearer job-token'],
      ['PUT', '/upload/DIGEST', 'Bearer ticket-of-a-file'],
      ['POST', '/api/v1/runs/run-1/records', 'Bearer job-token'],
    ])
    expect(app.delivered.map((records) => records.map(({ stage }) => stage))).toEqual([['build', 'validate']])
    expect(app.blobs.get(FILE.digest)).toEqual(LOG)
    expect(world.log()).toContain('2 records and 1 files are with the app')
  })

  it('shows no token in the log, also none of an upload', async () => {
    await leave('ctss-build', BUILD, [LOG])
    await deliver()

    expect(said).toContain('::add-mask::Bearer ticket-of-a-file')
    expect(world.log()).not.toMatch(/ticket|job-token/)
  })

  it('may be nothing at all, which is told as well', async () => {
    expect(await deliver({ records: join(world.temporary, 'nothing-was-downloaded') })).toEqual({ outputs: { records: '0', files: '0' }, exitCode: 0 })
    expect(app.delivered).toEqual([[]])
  })

  it('may be a single artifact, which is unpacked without a folder of its own', async () => {
    await leave('.', BUILD, [LOG])

    expect((await deliver()).outputs).toEqual({ records: '1', files: '1' })
  })

  it.each<[string, unknown]>([
    ['no record', '{}'],
    ['of another commit', makeRecord('build', { subject: { ...SUBJECT, commit: 'c'.repeat(40) } })],
    ['of another state', makeRecord('build', { subject: { ...SUBJECT, tree: digestOf('another') } })],
  ])('is not delivered where it is %s, and the log says so', async (_, record) => {
    await leave('ctss-build', record)
    await leave('ctss-validate', makeRecord('validate', { subject: SUBJECT }))
    await deliver()

    expect(app.delivered[0]?.map(({ stage }) => stage)).toEqual(['validate'])
    expect(world.log()).toMatch(/::warning::.*ctss-build is not delivered: /)
  })

  describe('of an earlier run, found under the key of a stage', () => {
    const EARLIER = makeRecord('build', { subject: { ...SUBJECT, commit: 'c'.repeat(40) }, files: [FILE] })
    const leaveFound = async (blobs: readonly Buffer[]): Promise<void> => {
      await leave('ctss-build', EARLIER, blobs)
      const { commit, tree } = SUBJECT
      await writeFile(join(world.temporary, 'ctss-records', 'ctss-build', 'reused-for.json'), JSON.stringify({ commit, tree }))
    }

    it('reaches the app with its files', async () => {
      await leaveFound([LOG])
      expect((await deliver()).outputs).toEqual({ records: '1', files: '1' })
      expect(app.delivered).toEqual([[EARLIER]])
      expect(JSON.parse(app.received.at(-1)?.body.toString() ?? '')).toEqual({ records: [], reused: [EARLIER] })
    })

    it.each([
      ['a file of it is not there', PLAN, []],
      ['the run is untrusted', { ...PLAN, trust: 'untrusted' } as RunPlan, [LOG]],
    ])('stays where %s', async (_, plan, blobs) => {
      app.plan = plan
      await leaveFound(blobs)
      expect((await deliver()).outputs).toEqual({ records: '0', files: '0' })
      expect(world.log()).toContain("is not delivered: its record is an earlier run's")
    })
  })

  it('is sent again while the app is out of reach, and refused once it refuses', async () => {
    await leave('ctss-build', BUILD, [LOG])
    app.faults.push(503, 0, 502, 0, 500, 429, 0)

    expect((await deliver({}, [1, 1])).outputs).toEqual({ records: '1', files: '1' })
    app.faults.push(0, 422)
    await expect(deliver({}, [1, 1])).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringContaining('answered 422: out of order') })
    app.faults.push(503, 503, 503)
    await expect(deliver({}, [1, 1])).rejects.toMatchObject({ code: 'forge-unavailable' })
  })

  it.each<[string, () => unknown, string]>([
    ['what no job has left', () => [uploadOf(digestOf('another'), 7)], 'which no job of this run has left'],
    ['it at an address that is not safe', () => [uploadOf(FILE.digest, FILE.bytes, 'http://elsewhere.example.org/')], 'no https address'],
    ['it again and again', () => [uploadOf(FILE.digest, FILE.bytes)], 'still lacks files'],
    ['it without an address', () => [{ digest: FILE.digest, bytes: 1, upload: { method: 'PUT', headers: {} } }], 'did not answer which files'],
    [
      'it by another way',
      () => [{ digest: FILE.digest, bytes: 1, upload: { method: 'POST', url: 'https://x.example', headers: {} } }],
      'did not answer which files',
    ],
    [
      'it with what is no header',
      () => [{ digest: FILE.digest, bytes: 1, upload: { method: 'PUT', url: 'https://x.example', headers: { a: 1 } } }],
      'did not answer which files',
    ],
    ['what is no digest', () => [{ ...(uploadOf('../../etc', 1) as object) }], 'did not answer which files'],
    ['nothing that is known', () => [null, 7], 'did not answer which files'],
    ['in no list', () => 'everything', 'did not answer which files'],
  ])('ends the job where the app asks for %s', async (_, missing, message) => {
    await leave('ctss-build', BUILD, [LOG])
    app.missing = missing

    await expect(deliver()).rejects.toThrow(message)
  })
})

describe('a delivery', () => {
  it.each([{ plan: '' }, { app: '' }])('needs to know which run it is of: %o', async (texts) => {
    await expect(deliver(texts)).rejects.toMatchObject({ complaints: ['inputs `plan` and `app` are needed: what is delivered belongs to a run of the app'] })
  })

  it('ends at once where another run has the plan', async () => {
    app.faults.push(409)

    await expect(deliver({}, [60_000])).rejects.toMatchObject({ message: expect.stringContaining('another job was first') })
    expect(app.received).toHaveLength(1)
  })
})
