import { spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryBlobs } from '../../adapters/blob-store/registry-blobs.ts'
import { RECORD_ARTIFACT, registryRecords } from '../../adapters/records/registry-records.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import { describeBlobStoreContract } from '../contract/blob-store.ts'
import { describeRecordsContract } from '../contract/records.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { makeRecord, makeTrainDetails } from '../support/records.ts'
import { freePort, noSmallDisk, startFullRegistry, startRegistryProcess } from '../support/registry-process.ts'
import type { RegistryProcess } from '../support/registry-process.ts'

const KEY = digestOf('key of build')
const TAG = `record-${KEY.slice(7, 39)}`
const registry = new OciRegistry()

let running: RegistryProcess
let storage = ''
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), 'ctss-registry-'))
  running = await startRegistryProcess(storage)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await rm(storage, { recursive: true })
})

const newRepository = () => `${running.host}/staging/${randomUUID()}`

function open(repository = newRepository(), blobs = memoryBlobs()) {
  const told: string[] = []
  return { told, blobs, repository, records: registryRecords({ registry, repository, blobs, tell: (message) => void told.push(message) }) }
}

async function putArtifact(
  repository: string,
  { artifactType = RECORD_ARTIFACT, content }: { artifactType?: string; content: string | undefined },
): Promise<void> {
  const config = await registry.putBlob(repository, Buffer.from('{}'))
  const layers =
    content === undefined
      ? []
      : [{ mediaType: 'application/json', digest: await registry.putBlob(repository, Buffer.from(content)), size: Buffer.byteLength(content) }]
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType,
    config: { mediaType: MEDIA_TYPES.empty, digest: config, size: 2 },
    layers,
  }
  await registry.putManifest(repository, JSON.stringify(manifest), MEDIA_TYPES.manifest, TAG)
}

describeRecordsContract('a registry', async () => open().records)

describeBlobStoreContract('a registry', async () => ({
  store: registryBlobs({ registry, repository: newRepository() }),
  damage: (digest, content) => writeFile(join(storage, 'docker/registry/v2/blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data'), content),
}))

describe('blobs in a registry', () => {
  it('are no more than what can be read: a file that is not there is a failure', async () => {
    const store = registryBlobs({ registry, repository: newRepository() })
    await expect(store.putFile(join(storage, 'nothing'))).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

describe('a record in a registry', () => {
  const files = (contents: readonly Buffer[]) =>
    contents.map((content, index) => ({ role: 'log', name: `${index}`, digest: digestOf(content), bytes: content.length, mediaType: 'text/plain' }))

  it('takes the files that it names with it, each once, and those of its model', async () => {
    const { repository, blobs, records, told } = open()
    const [log, model, lost] = [randomBytes(10), randomBytes(3_000_000), randomBytes(10)]
    await blobs.put(log)
    await blobs.put(model)
    const details = makeTrainDetails({ model: { digest: digestOf('m'), files: [{ path: 'model.onnx', digest: digestOf(model), bytes: model.length }] } })
    const record = makeRecord('train', { key: KEY, details, files: files([log, log, lost]) })
    await records.put(record)
    expect(told).toEqual([`${digestOf(lost)} is not here, so it is not kept with its record`])
    const manifest = readOciDocument((await registry.manifest(`${repository}:${TAG}`))!.content.toString('utf8'))
    expect(manifest).toMatchObject({ artifactType: RECORD_ARTIFACT, annotations: { 'org.sagecontinuum.ctss.stage': 'train' } })
    expect(manifest?.layers.slice(1).map(({ digest, size }) => [digest, size])).toEqual([
      [digestOf(log), 10],
      [digestOf(model), 3_000_000],
    ])
    const elsewhere = registryRecords({ registry, repository, blobs: memoryBlobs() })
    expect(await elsewhere.find(KEY)).toStrictEqual(record)
    expect((await registryBlobs({ registry, repository }).get(digestOf(model)))?.equals(model)).toBe(true)
    // Again, from where the files are not: the registry has them.
    await elsewhere.put(record)
    expect(readOciDocument((await registry.manifest(`${repository}:${TAG}`))!.content.toString('utf8'))?.layers).toEqual(manifest?.layers)
  })

  it('keeps them from the collection of garbage, which takes what no record names', async (test) => {
    test.skip(spawnSync('docker-registry', ['--version']).error !== undefined, 'docker-registry is not installed')
    const folder = await mkdtemp(join(tmpdir(), 'ctss-registry-'))
    const own = await startRegistryProcess(folder)
    const store = (host: string) => registryBlobs({ registry, repository: `${host}/staging/x` })
    const [kept, loose] = [randomBytes(100), randomBytes(100)]
    const blobs = memoryBlobs()
    await blobs.put(kept)
    await registryRecords({ registry, repository: `${own.host}/staging/x`, blobs }).put(makeRecord('build', { files: files([kept]) }))
    await store(own.host).put(loose)
    await own[Symbol.asyncDispose]()
    const configuration = join(folder, 'registry.yml')
    await writeFile(configuration, `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}}}\n`)
    expect(spawnSync('docker-registry', ['garbage-collect', configuration]).status).toBe(0)
    await using again = await startRegistryProcess(folder)
    expect(await store(again.host).get(digestOf(kept))).toEqual(kept)
    expect(await store(again.host).get(digestOf(loose))).toBeUndefined()
    expect(await registryRecords({ registry, repository: `${again.host}/staging/x`, blobs }).find(KEY)).toMatchObject({ stage: 'build' })
    await rm(folder, { recursive: true })
  })

  it.each([
    ['of another artifact type', { artifactType: 'application/vnd.other', content: JSON.stringify(makeRecord('build')) }, 'another type'],
    ['without content', { content: undefined }, 'another type'],
    ['not JSON', { content: '{"schema":' }, 'not JSON'],
    ['of a later schema', { content: JSON.stringify({ ...makeRecord('build'), schema: 'ctss.stage-record/v2' }) }, 'not a stage record of this version'],
    ['of another key', { content: JSON.stringify(makeRecord('build', { key: digestOf('other') })) }, 'of another key'],
  ])('that is %s is told, and absent', async (_, artifact, reason) => {
    const { repository, records, told } = open()
    await putArtifact(repository, artifact)
    expect(await records.find(KEY)).toBeUndefined()
    expect(told).toEqual([expect.stringContaining(reason)])
  })

  it('whose content was changed or lost is told, and absent', async () => {
    const { repository, records, told } = open()
    const record = makeRecord('build', { metrics: { seconds: Math.random() } })
    await records.put(record)
    const digest = digestOf(JSON.stringify(record))
    const data = join(storage, 'docker/registry/v2/blobs/sha256', digest.slice(7, 9), digest.slice(7))
    await writeFile(join(data, 'data'), 'changed')
    expect(await records.find(KEY)).toBeUndefined()
    await rm(data, { recursive: true })
    expect(await records.find(KEY)).toBeUndefined()
    expect(told).toEqual([expect.stringMatching(/answered .* when asked for/), expect.stringContaining('lost its content')])
    expect(repository).toContain(running.host)
  })

  it('is not written where it is only read', async () => {
    const repository = newRepository()
    await registryRecords({ registry, repository, blobs: memoryBlobs(), readOnly: true }).put(makeRecord('build'))
    expect(await registry.tags(repository)).toEqual([])
  })

  it('leaves nothing in the folder through which its files go', async () => {
    const workParent = await mkdtemp(join(tmpdir(), 'ctss-work-'))
    const blobs = memoryBlobs()
    await blobs.put(Buffer.from('x'))
    const records = registryRecords({ registry, repository: newRepository(), blobs, workParent })
    await records.put(makeRecord('build', { files: files([Buffer.from('x')]) }))
    expect(await readdir(workParent)).toEqual([])
    await rm(workParent, { recursive: true })
  })
})

describe('records in a registry that does not do what it should', () => {
  async function serve(status: number, headers: Record<string, string> = {}): Promise<{ readonly repository: string } & AsyncDisposable> {
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(status, headers).end('no')
    })
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return {
      repository: `127.0.0.1:${port}/staging/x`,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }
  const at = (repository: string, told: string[] = []) =>
    registryRecords({ registry: new OciRegistry({ retryDelaysMs: [0] }), repository, blobs: memoryBlobs(), tell: (message) => void told.push(message) })

  it.each([401, 403])('and answers %i are absent, and said to be so', async (status) => {
    await using door = await serve(status)
    const told: string[] = []
    expect(await at(door.repository, told).find(KEY)).toBeUndefined()
    expect(told).toEqual([expect.stringContaining(`answered ${status}`)])
    await expect(at(door.repository).put(makeRecord('build'))).rejects.toMatchObject({ code: 'registry-refused' })
  })

  it.each([
    [500, {}],
    [503, {}],
    [429, { 'retry-after': '0' }],
  ])('and answers %i are a failure that a retry may mend', async (status, headers) => {
    await using door = await serve(status, headers)
    await expect(at(door.repository).find(KEY)).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true })
    await expect(at(door.repository).put(makeRecord('build'))).rejects.toMatchObject({ code: 'registry-unavailable' })
  })

  it('and is not there are a failure that a retry may mend', async () => {
    await expect(at(`127.0.0.1:${await freePort()}/x`).find(KEY)).rejects.toMatchObject({ code: 'registry-unavailable' })
  })

  it('and is full are a failure', async (test) => {
    test.skip(noSmallDisk !== '', noSmallDisk)
    await using full = await startFullRegistry()
    const blobs = memoryBlobs()
    const content = randomBytes(8 * 2 ** 20)
    const digest: Digest = await blobs.put(content)
    const record = makeRecord('train', { files: [{ role: 'model', digest, bytes: content.length, mediaType: 'x/y' }] })
    await expect(registryRecords({ registry, repository: `${full.host}/x`, blobs }).put(record)).rejects.toMatchObject({ code: 'storage-full' })
  })
})
