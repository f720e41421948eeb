import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryCatalogue } from '../../adapters/catalogue/registry-catalogue.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { MEDIA_TYPES } from '../../pipeline/build/oci-documents.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { runPublish } from '../../pipeline/publish/publish.ts'
import { verifyBundle } from '../../pipeline/publish/verification.ts'
import type { PublishDetails } from '../../schemas/generated/types.ts'
import { describeCatalogueContract } from '../contract/catalogue.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { makePipeline } from '../support/pipeline.ts'
import { makeContext, makeStages } from '../support/publication.ts'
import { startRegistryProcess } from '../support/registry-process.ts'
import type { RegistryProcess } from '../support/registry-process.ts'
import { sampleIndex } from '../support/sample-bundle.ts'

const registry = new OciRegistry()
let running: RegistryProcess
beforeAll(async () => {
  running = await startRegistryProcess()
})
afterAll(async () => running[Symbol.asyncDispose]())

describeCatalogueContract('a registry', async () => {
  const root = `${running.host}/${randomUUID()}`
  for (const name of ['sage/smoke-detector', 'sage/other'])
    for (const content of ['a', 'b', 'c']) await registry.putManifest(`${root}/${name}`, sampleIndex(content), MEDIA_TYPES.index)
  return registryCatalogue({ registry, repositoryOf: (name) => `${root}/${name}` })
})

describe('publishing with a catalogue in the registry', () => {
  const blobs = memoryBlobs()
  const { manifest, ...rest } = makePipeline()
  const open = () => {
    const namespace = `test-${randomUUID().slice(0, 8)}`
    const pipeline = { ...rest, manifest: { ...manifest, namespace } }
    const repository = `${running.host}/${namespace}/${manifest.name}`
    // A catalogue of its own each time, as each run has.
    const catalogue = () => registryCatalogue({ registry, repositoryOf: (name) => `${running.host}/${name}`.toLowerCase() })
    const publish = async (content: string, release: boolean): Promise<PublishDetails | string> => {
      const stages = await makeStages(registry, blobs, `${running.host}/staging/${namespace}`, content)
      const tree = memoryTree({ 'sage.yaml': `name: ${manifest.name}\n`, 'app/main.py': content })
      const result = await runPublish(makeContext(tree, blobs), { pipeline, ...stages, registry, catalogue: catalogue(), release, repository })
      return result.details.kind === 'publish' ? result.details : (result.problems.at(-1)?.code ?? '')
    }
    return { publish, repository, catalogue, name: `${namespace}/${manifest.name}` }
  }

  it('makes a candidate, then a release of it, and changes nothing when it is done again', async () => {
    const { publish, repository, catalogue, name } = open()
    const candidate = await publish('a', false)
    expect(candidate).toMatchObject({ state: 'candidate', changed: true })
    expect(await publish('a', false)).toEqual({ ...(candidate as PublishDetails), changed: false })
    expect(await catalogue().newestRelease(name)).toBeUndefined()
    const release = (await publish('a', true)) as PublishDetails
    expect(release).toEqual({ ...(candidate as PublishDetails), state: 'release', changed: true })
    expect(await publish('a', true)).toEqual({ ...release, changed: false })
    const reading = catalogue()
    expect(await reading.newestRelease(name)).toMatchObject({ version: '0.1.0', digest: release.digest, metrics: [{ name: 'accuracy', value: 0.93 }] })
    expect(await reading.releaseBefore(name, '0.1.0')).toBeUndefined()
    expect(await reading.releaseBefore(name, '0.2.0')).toMatchObject({ version: '0.1.0', digest: release.digest })
    expect(await verifyBundle(release.digest as Digest, { catalogue: reading, registry, blobs, repository })).toEqual([])
    // Six that publishing attaches to every index, an entry and a summary.
    expect(await registry.referrers(repository, release.index as Digest)).toHaveLength(8)
  })

  it('refuses another content under the same version', async () => {
    const { publish, catalogue, name } = open()
    const release = await publish('a', true)
    expect(await publish('b', true)).toBe('version-taken')
    expect(await publish('b', false)).toMatchObject({ state: 'candidate', changed: true })
    expect(await catalogue().newestRelease(name)).toMatchObject({ digest: (release as PublishDetails).digest })
  })
})
