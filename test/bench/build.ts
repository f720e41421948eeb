/**
 * bench:build: three platforms by the stage `build`, against a person's `docker buildx build --platform X --push`, one after the other, and `imagetools create`.
 * Cold: every step after FROM runs anew (the first of them is never the same); warm: nothing has changed. Base images and registry are the same for both.
 * `npm run bench:build -- [FOLDER] [COLD REPETITIONS] [WARM REPETITIONS]`
 */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderBlobs } from '../../adapters/blob-store/folder-blobs.ts'
import { BuildkitBuilder } from '../../adapters/buildx/buildkit-builder.ts'
import { machineClock } from '../../adapters/machine/clock.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { openFolder } from '../../adapters/repository-tree/open.ts'
import { REGISTRY_HOST } from '../../adapters/workstation/cache-layout.ts'
import { setUp } from '../../adapters/workstation/workstation.ts'
import { runBuild } from '../../pipeline/build/build.ts'
import type { ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import { makePipeline } from '../support/pipeline.ts'
import { machineFacts, median } from './measure.ts'

const [plugin = 'examples/smoke-detector', cold = '3', warm = '5'] = process.argv.slice(2)
const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
const SILENT = { step: () => undefined, output: () => undefined }
const signal = new AbortController().signal

const workstation = await setUp({ progress: { step: (line) => console.error(line), output: () => undefined }, signal })
if (workstation.builder.kind === 'engine') throw new Error('this bench needs a BuildKit of its own')
const { kind, name } = workstation.builder
const registry = new OciRegistry()
const builder = new BuildkitBuilder({ kind, builder: name, platforms: workstation.platforms, registry })
const repository = `${REGISTRY_HOST}/bench/${randomUUID()}`
const scratch = await mkdtemp(join(tmpdir(), 'ctss-bench-'))
const blobs = folderBlobs(join(scratch, 'blobs'))

/** A copy of the plugin in which every step after FROM is new. */
async function freshCopy(): Promise<string> {
  const folder = join(scratch, randomUUID())
  await cp(plugin, folder, { recursive: true, filter: (path) => !path.endsWith('/.git') })
  const dockerfile = await readFile(join(folder, 'Dockerfile'), 'utf8')
  await writeFile(join(folder, 'Dockerfile'), dockerfile.replace(/^(FROM .*)$/m, `$1\nRUN echo ${randomUUID()}`))
  return folder
}

function docker(args: readonly string[]): void {
  const { status, stderr } = spawnSync('docker', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}: ${stderr.slice(-2000)}`)
}

/** Seconds. */
async function byHand(folder: string): Promise<number> {
  const started = performance.now()
  const tags = PLATFORMS.map((platform) => `${repository}/by-hand:${platform.replaceAll('/', '-')}`)
  for (const [at, platform] of PLATFORMS.entries())
    docker(['buildx', 'build', '--builder', name, '--platform', platform, '--push', '--tag', tags[at] ?? '', folder])
  docker(['buildx', 'imagetools', 'create', '--builder', name, '--tag', `${repository}/by-hand:all`, ...tags])
  return (performance.now() - started) / 1000
}

/** Seconds in all, and those in which no build ran. */
async function byStage(folder: string): Promise<{ seconds: number; ownSeconds: number }> {
  let first = Infinity
  let last = 0
  const watched: ImageBuilder = {
    kind,
    platforms: builder.platforms,
    async build(request, progress, cancel) {
      first = Math.min(first, performance.now())
      try {
        return await builder.build(request, progress, cancel)
      } finally {
        last = performance.now()
      }
    },
  }
  const workFolder = join(scratch, randomUUID())
  await mkdir(workFolder)
  const started = performance.now()
  const tree = await openFolder(folder)
  const context = {
    tree,
    subject: await tree.subject(),
    blobs,
    clock: machineClock,
    progress: SILENT,
    signal,
    workFolder,
    environment: { kind: 'laptop' as const },
  }
  const { outcome, problems } = await runBuild(context, {
    pipeline: { ...makePipeline(), model: undefined },
    platforms: PLATFORMS,
    builder: watched,
    registry,
    repository: `${repository}/stage`,
    model: undefined,
    bases: [],
  })
  const ended = performance.now()
  if (outcome !== 'passed') throw new Error(JSON.stringify(problems))
  await rm(workFolder, { recursive: true })
  return { seconds: (ended - started) / 1000, ownSeconds: (ended - started - (last - first)) / 1000 }
}

async function compare(label: string, repetitions: number, goal: number, folderOf: () => Promise<string>): Promise<void> {
  const hand: number[] = []
  const stage: number[] = []
  const own: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    hand.push(await byHand(await folderOf()))
    const { seconds, ownSeconds } = await byStage(await folderOf())
    stage.push(seconds)
    own.push(ownSeconds)
    console.error(`${label} ${repetition + 1}/${repetitions}: by hand ${hand.at(-1)?.toFixed(1)} s, stage ${seconds.toFixed(1)} s`)
  }
  const ratio = median(stage) / median(hand)
  const overhead = (100 * median(own)) / median(stage)
  console.log(
    `${label}: by hand ${median(hand).toFixed(2)} s, stage ${median(stage).toFixed(2)} s: ${ratio.toFixed(2)} × (goal ≤ ${goal}); outside of the builds ${median(own).toFixed(2)} s, ${overhead.toFixed(1)} % (goal, cold: ≤ 3 %); medians of ${repetitions}`,
  )
}

try {
  console.log(machineFacts())
  let unchanged = ''
  await compare('cold', Number(cold), 0.6, async () => (unchanged = await freshCopy()))
  // Both have it in the builder's cache now; the first push to each repository is not counted.
  await byHand(unchanged)
  await byStage(unchanged)
  await compare('warm', Number(warm), 1, async () => unchanged)
} finally {
  await rm(scratch, { recursive: true, force: true })
}
