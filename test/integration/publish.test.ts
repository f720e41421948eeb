import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openCatalogue } from '../../adapters/catalogue/catalogue.ts'
import { withDatabase } from '../../adapters/catalogue/database.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import type { Digest } from '../../pipeline/digest.ts'
import type { Catalogue } from '../../pipeline/ports/catalogue.ts'
import { runPublish, type PublishInputs } from '../../pipeline/publish/publish.ts'
import { verifyBundle } from '../../pipeline/publish/verification.ts'
import type { StageResult } from '../../pipeline/stage.ts'
import type { PublishDetails } from '../../schemas/generated/types.ts'
import { makePipeline } from '../support/pipeline.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { makeContext, makeStages } from '../support/publication.ts'

const HOST = '127.0.0.1:5055'
const RELEASE_PROCESS = fileURLToPath(new URL('../support/release-process.ts', import.meta.url))
const run = promisify(execFile)

let folder = ''
let catalogue: Catalogue
const blobs = memoryBlobs()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-publish-'))
  catalogue = openCatalogue({ folder })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Names are never used twice, as the registry keeps what tests before have published. */
function nameRepository(): { readonly repository: string; readonly pipeline: PublishInputs['pipeline'] } {
  const pipeline = makePipeline()
  const namespace = `test-${randomUUID().slice(0, 8)}`
  return { repository: `${namespace}/cloud-counter`, pipeline: { ...pipeline, manifest: { ...pipeline.manifest, namespace } } }
}

async function publish(content: string, named: ReturnType<typeof nameRepository>, changes: Partial<PublishInputs> = {}, host = HOST): Promise<StageResult> {
  const registry = new OciRegistry()
  const stages = await makeStages(registry, blobs, `${HOST}/staging/${named.repository}`, content)
  const staged =
    stages.build.details.kind === 'build'
      ? { ...stages.build, details: { ...stages.build.details, repository: `${host}/staging/${named.repository}` } }
      : stages.build
  const tree = memoryTree({ 'sage.yaml': 'name: cloud-counter\n', 'app/main.py': content })
  return runPublish(makeContext(tree, blobs), {
    pipeline: named.pipeline,
    ...stages,
    build: staged,
    registry,
    catalogue,
    release: false,
    repository: `${host}/${named.repository}`,
    ...changes,
  })
}

function detailsOf(result: StageResult): PublishDetails {
  if (result.details.kind !== 'publish') throw new Error(JSON.stringify(result.problems))
  return result.details
}

describe('publishing to a registry', () => {
  it('makes a candidate, then a release of it, and changes nothing when it is done again', async () => {
    const named = nameRepository()
    const registry = new OciRegistry()
    const candidate = detailsOf(await publish('a', named))
    expect(candidate).toMatchObject({ state: 'candidate', changed: true })
    expect(await registry.manifest(`${HOST}/${named.repository}:0.1.0`)).toBeUndefined()

    const release = detailsOf(await publish('a', named, { release: true }))
    expect(release).toEqual({ ...candidate, state: 'release', changed: true })
    expect((await registry.manifest(`${HOST}/${named.repository}:0.1.0`))?.digest).toBe(release.index)
    expect(await registry.referrers(`${HOST}/${named.repository}`, release.index as Digest)).toHaveLength(6)

    expect(detailsOf(await publish('a', named, { release: true }))).toEqual({ ...release, changed: false })
    expect(await registry.referrers(`${HOST}/${named.repository}`, release.index as Digest)).toHaveLength(6)
    expect(await verifyBundle(release.digest as Digest, { catalogue, registry, blobs, repository: `${HOST}/${named.repository}` })).toEqual([])
  })

  it('refuses another content under the same version, and shows both digests', async () => {
    const named = nameRepository()
    const released = detailsOf(await publish('a', named, { release: true }))
    const result = await publish('b', named, { release: true })
    expect(result).toMatchObject({ outcome: 'failed' })
    expect(result.problems.at(-1)).toMatchObject({ code: 'version-taken', message: expect.stringContaining(released.index) })
    expect((await new OciRegistry().manifest(`${HOST}/${named.repository}:0.1.0`))?.digest).toBe(released.index)
    expect(await catalogue.newestRelease(`${named.repository}`)).toMatchObject({ digest: released.digest })
  })

  it('pulls by digest what was tested', async () => {
    const named = nameRepository()
    const { reference, index } = detailsOf(await publish('a', named))
    expect((await new OciRegistry().manifest(reference))?.digest).toBe(index)
  })
})

describe('a registry that goes away', () => {
  const servers: Server[] = []
  afterEach(() => servers.splice(0).forEach((server) => server.close()))

  /** The registry behind a door that is shut after so many writes. */
  async function startDoor(writes: number): Promise<string> {
    let left = writes
    const server = createServer((incoming, outgoing) => {
      if (incoming.method === 'PUT' || incoming.method === 'POST') left -= 1
      if (left < 0) return incoming.socket.destroy()
      // The host that the client asked for stays, so that the upload's address leads through the door again.
      const forwarded = request({ host: '127.0.0.1', port: 5055, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      })
      incoming.pipe(forwarded)
      return undefined
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  it.each([0, 3, 8, 14, 20])('after %i writes is a failure; run again, it converges', async (writes) => {
    const named = nameRepository()
    const door = await startDoor(writes)
    await expect(publish('a', named, { release: true }, door)).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true })
    const release = detailsOf(await publish('a', named, { release: true }))
    expect(release).toMatchObject({ state: 'release' })
    expect(await new OciRegistry().referrers(`${HOST}/${named.repository}`, release.index as Digest)).toHaveLength(6)
    expect(detailsOf(await publish('a', named, { release: true }))).toEqual({ ...release, changed: false })
  })
})

describe('processes of their own', () => {
  it('that release different contents under one version: exactly one wins, and the tag names its image', async () => {
    const { repository } = nameRepository()
    const own = await mkdtemp(join(folder, 'race-'))
    const results = await Promise.all(
      ['a', 'b'].map(async (content) => JSON.parse((await run(process.execPath, [RELEASE_PROCESS, HOST, repository, own, content])).stdout) as StageResult),
    )
    expect(results.map(({ outcome }) => outcome).toSorted()).toEqual(['failed', 'passed'])
    const winner = results.find(({ outcome }) => outcome === 'passed')!
    const loser = results.find(({ outcome }) => outcome === 'failed')!
    expect(loser.problems.map(({ code }) => code)).toContain('version-taken')
    expect((await new OciRegistry().manifest(`${HOST}/${repository}:0.1.0`))?.digest).toBe(detailsOf(winner).index)
    expect(await openCatalogue({ folder: own }).newestRelease('zelda/cloud-counter')).toMatchObject({ digest: detailsOf(winner).digest })
  })

  it('that are killed anywhere leave a state that the next run completes', async () => {
    const { repository } = nameRepository()
    const [own, timed] = [await mkdtemp(join(folder, 'killed-')), join(folder, 'timed')]
    await withDatabase(own, () => Promise.resolve())
    await cp(own, timed, { recursive: true })
    const started = performance.now()
    await run(process.execPath, [RELEASE_PROCESS, HOST, nameRepository().repository, timed, 'a'])
    const [releaseMs, rounds] = [performance.now() - started, 6]
    for (let round = 1; round <= rounds; round++) {
      const child = spawn(process.execPath, [RELEASE_PROCESS, HOST, repository, own, 'a'], { stdio: 'ignore' })
      const ended = new Promise((resolve) => child.once('exit', resolve))
      await sleep((releaseMs * round) / rounds)
      child.kill('SIGKILL')
      await ended
    }
    const result = JSON.parse((await run(process.execPath, [RELEASE_PROCESS, HOST, repository, own, 'a'])).stdout) as StageResult
    expect(result).toMatchObject({ outcome: 'passed', details: { state: 'release' } })
    expect(await new OciRegistry().referrers(`${HOST}/${repository}`, detailsOf(result).index as Digest)).toHaveLength(6)
    expect((await new OciRegistry().manifest(`${HOST}/${repository}:0.1.0`))?.digest).toBe(detailsOf(result).index)
    const again = JSON.parse((await run(process.execPath, [RELEASE_PROCESS, HOST, repository, own, 'a'])).stdout) as StageResult
    expect(detailsOf(again)).toEqual({ ...detailsOf(result), changed: false })
  })
})
