/**
 * bench:race: three jobs that push one platform's image each, at the same moment, and what becomes of their multi-architecture image, by three ways to join them.
 * Each round has its own images of a few bytes and its own tag. Everything goes to the registry of this machine: no network between, so the jobs meet as closely as they can.
 * Ends with 1 when the way of the stage `build` lost an architecture. `npm run bench:race -- [ROUNDS]`
 */
import { randomUUID } from 'node:crypto'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { REGISTRY_HOST } from '../../adapters/workstation/cache-layout.ts'
import { joinIndex, verifyImage } from '../../pipeline/build/image-index.ts'
import { MEDIA_TYPES, platformObject, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { digestOf } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Descriptor, Registry } from '../../pipeline/ports/registry.ts'
import { machineFacts, median } from './measure.ts'

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
const rounds = Number(process.argv[2] ?? '200')
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('usage: npm run bench:race -- [ROUNDS], a whole number from 1')

/** A way in which three jobs make one image; answers what a node pulls of each run, and how many jobs the registry let down. */
interface Way {
  readonly name: string
  run(repository: string, round: string): Promise<{ readonly references: readonly string[]; readonly broken: number }>
}

/** Pushes a tiny image for a platform, as a job does that has built it: with connections of its own. */
async function pushImage(registry: Registry, repository: string, platform: string, round: string, tag?: string): Promise<Descriptor> {
  const layer = Buffer.from(`${round} ${platform}`)
  const config = Buffer.from(JSON.stringify({ ...platformObject(platform), config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }))
  const content = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: { mediaType: MEDIA_TYPES.config, digest: await registry.putBlob(repository, config), size: config.length },
    layers: [{ mediaType: MEDIA_TYPES.layerGzip, digest: await registry.putBlob(repository, layer), size: layer.length }],
  })
  const digest = await registry.putManifest(repository, content, MEDIA_TYPES.manifest, tag)
  return { mediaType: MEDIA_TYPES.manifest, digest, size: content.length, platform: platformObject(platform) }
}

const ways: readonly Way[] = [
  {
    name: 'each job pushes the tag',
    async run(repository, round) {
      const broken = await countBroken(PLATFORMS.map((platform) => pushImage(new OciRegistry(), repository, platform, round, round)))
      return { references: [`${repository}:${round}`], broken }
    },
  },
  {
    name: "each job adds itself to the tag's index",
    async run(repository, round) {
      const broken = await countBroken(
        PLATFORMS.map(async (platform) => {
          const registry = new OciRegistry()
          const image = await pushImage(registry, repository, platform, round)
          const manifests = [...(await readManifests(registry, `${repository}:${round}`)), image]
          await registry.putManifest(repository, JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests }), MEDIA_TYPES.index, round)
        }),
      )
      return { references: [`${repository}:${round}`], broken }
    },
  },
  {
    // Two runs of one commit in one repository: what the one does must not touch the other's. Two cold builds give two sets of images.
    name: 'ctss: by digest, joined by one job (two runs at once)',
    async run(repository, round) {
      const indices = await Promise.all(['first', 'second'].map((run) => joinRun(repository, `${round} ${run}`)))
      return { references: indices.map((digest) => `${repository}@${digest}`), broken: 0 }
    },
  },
]

/** As the stage `build` does: three jobs push by digest, and one that gets the digests reads the images back and joins them. */
async function joinRun(repository: string, round: string): Promise<Digest> {
  const pushed = await Promise.all(
    PLATFORMS.map(async (platform) => ({ platform, digest: (await pushImage(new OciRegistry(), repository, platform, round)).digest })),
  )
  const registry = new OciRegistry()
  const images: Descriptor[] = []
  for (const image of pushed) {
    const verified = await verifyImage(registry, repository, image, { file: 'Dockerfile' })
    if ('problem' in verified) throw new Error(verified.problem.message)
    images.push(verified.descriptor)
  }
  return joinIndex(registry, repository, images, {})
}

/** Jobs that ended with a failure: distribution on a disk answers 500 to who reads a tag while another writes it. */
async function countBroken(jobs: readonly Promise<unknown>[]): Promise<number> {
  const ends = await Promise.allSettled(jobs)
  for (const end of ends) if (end.status === 'rejected' && !(end.reason instanceof Failure)) throw end.reason
  return ends.filter(({ status }) => status === 'rejected').length
}

async function readManifests(registry: Registry, reference: string): Promise<readonly Descriptor[]> {
  const answer = await registry.manifest(reference)
  return (answer && readOciDocument(answer.content.toString('utf8'))?.manifests) ?? []
}

/** How many of the three platforms a node can pull: those in the index whose image is there; of an image that is no index, one. */
async function countPlatforms(reference: string): Promise<number> {
  const registry = new OciRegistry()
  const answer = await registry.manifest(reference)
  const document = answer && readOciDocument(answer.content.toString('utf8'))
  if (!document) return 0
  if (document.config) return 1
  const repository = reference.replace(/[:@][^/]*$/, '')
  const found = await Promise.all(
    PLATFORMS.map(async (platform) => {
      const image = document.manifests.find((entry) => JSON.stringify(entry.platform) === JSON.stringify(platformObject(platform)))
      return image !== undefined && (await registry.manifest(`${repository}@${image.digest}`)) !== undefined
    }),
  )
  return found.filter(Boolean).length
}

console.log(machineFacts())
console.log(`${rounds} rounds of ${PLATFORMS.length} pushes at once, against the registry at ${REGISTRY_HOST} on this machine; images of a few bytes\n`)
console.log(
  `${'way'.padEnd(56)} ${'images with a loss'.padStart(18)} ${'architectures lost'.padStart(20)} ${'jobs failed'.padStart(12)} ${'median round'.padStart(13)}`,
)
let ourLosses = 0
for (const way of ways) {
  const repository = `${REGISTRY_HOST}/bench/race-${randomUUID()}`
  const times: number[] = []
  let lost = 0
  let lossy = 0
  let broken = 0
  let images = 0
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now()
    const made = await way.run(repository, `round-${round}`)
    times.push(performance.now() - started)
    broken += made.broken
    for (const reference of made.references) {
      images += 1
      const missing = PLATFORMS.length - (await countPlatforms(reference))
      lost += missing
      if (missing > 0) lossy += 1
    }
  }
  ourLosses = lost
  console.log(
    `${way.name.padEnd(56)} ${`${lossy} of ${images}`.padStart(18)} ${`${lost} of ${images * PLATFORMS.length}`.padStart(20)} ${`${broken}`.padStart(12)} ${`${median(times).toFixed(0)} ms`.padStart(13)}`,
  )
}
console.log(
  '\nThe first is what coreruleset/modsecurity-crs-docker#443 was (mended in #447), the second a merge by hand: read, add, write. Goal of the last: 0 lost.',
)
process.exitCode = ourLosses > 0 ? 1 : 0
