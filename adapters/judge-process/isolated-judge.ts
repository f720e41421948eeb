import { asDigest } from '../../pipeline/digest.ts'
import type { MadePlan, RunPlanRequest } from '../../pipeline/plan/make-run-plan.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import type { SuggestedFix } from '../../pipeline/service/world.ts'
import type { JudgeOptions } from '../../pipeline/validate/judge-manifest.ts'
import type { PipelineReading } from '../../pipeline/validate/read-pipeline.ts'
import type { Answers, PlainReading, TreeListing } from './messages.ts'
import { fromPlainReading, toPlainReading } from './plain-reading.ts'
import { openProcessPool, TooMuch, type PoolEntry, type PoolLimits } from './process-pool.ts'

/** A limit was hit; `message` is a sentence for the author. */
export interface TooHeavy {
  readonly kind: 'too-heavy'
  readonly message: string
}

/** What `readPipeline` says of a repository, and what could be suggested on its lines. */
export type JudgedReading = { readonly kind: 'judged'; readonly reading: PipelineReading; readonly fixes: readonly SuggestedFix[] } | TooHeavy

/**
 * Judges and plans what strangers have written, in processes with limits of memory and time. Disposing ends the processes. Threads would not do: V8 ends the
 * whole process when one allocation of a thread is far above its limit, an array that grows or a map, say (nodejs.org/api/worker_threads.html,
 * `resourceLimits`; seen with Node 24.21).
 */
export interface IsolatedJudge extends AsyncDisposable {
  /** Reads manifest and pipeline file at the root of a tree. Fails as the tree does, and with the signal's reason. */
  judge(tree: RepositoryTree, options: Pick<JudgeOptions, 'user' | 'users'>, signal: AbortSignal): Promise<JudgedReading>
  /** `makeRunPlan`, of which only `lookUpBase`, `catalogue`, `registryRoot` and `testbedVersion` of the stages' ports are asked. Fails as the ports do. */
  plan(request: RunPlanRequest): Promise<({ readonly kind: 'planned' } & MadePlan) | TooHeavy>
}

/** Bytes and files that one task may read; judging reads at most 4 MiB of sources and 200 modules besides manifest, Dockerfile and texts. */
const READ_BYTES = 32 * 2 ** 20
const READ_FILES = 2_000
/** Dockerfiles name at most a hundred images, each asked for a few times; keys of records are fewer. */
const QUESTIONS = 2_000

/** Judging takes some 100 ms; the limits are far above what any public plugin needs. */
const LIMITS: PoolLimits = { processes: 2, memoryMb: 256, timeoutMs: 10_000 }

/** From sources, and in a bundle, where the process's entry, `judge-process.mjs`, lies beside what starts it. */
const ENTRY: PoolEntry = import.meta.url.endsWith('.ts')
  ? { file: new URL('./judge-process.ts', import.meta.url), folder: new URL('../../', import.meta.url) }
  : { file: new URL('./judge-process.mjs', import.meta.url), folder: new URL('./', import.meta.url) }

/** Opens the judge; `entry` is what its processes run: ours, but in tests. */
export function openIsolatedJudge(limits: Partial<PoolLimits> = {}, entry = ENTRY): IsolatedJudge {
  const pool = openProcessPool(entry, { ...LIMITS, ...limits })
  return {
    async judge(tree, options, signal) {
      const listing = await listTree(tree)
      const result = await pool.run({ kind: 'judge', tree: listing, options }, readFrom(tree), signal)
      if (result.kind === 'too-heavy') return result
      // The value was made by our own code in judge-process.ts, which is of the same release.
      const { reading, fixes } = result.value as { readonly reading: PlainReading; readonly fixes: readonly SuggestedFix[] }
      return { kind: 'judged', reading: fromPlainReading(reading), fixes }
    },
    async plan({ tree, reading, records, stages, signal, ...request }) {
      const listing = await listTree(tree)
      let questions = 0
      const count = (): void => {
        if (++questions > QUESTIONS) throw new TooMuch(`It needed more than ${QUESTIONS} look-ups.`)
      }
      const answers: Answers = {
        ...readFrom(tree),
        async find(key) {
          count()
          return records.find(asDigest(String(key)))
        },
        async lookUpBase(image) {
          count()
          return stages.lookUpBase(String(image))
        },
        async newestRelease(name) {
          count()
          return stages.catalogue.newestRelease(String(name))
        },
      }
      const { registryRoot, testbedVersion } = stages
      const result = await pool.run(
        { kind: 'plan', tree: listing, reading: toPlainReading(reading), request, stages: { registryRoot, testbedVersion } },
        answers,
        signal,
      )
      return result.kind === 'too-heavy' ? result : { kind: 'planned', ...(result.value as MadePlan) }
    },
    [Symbol.asyncDispose]: async () => pool[Symbol.asyncDispose](),
  }
}

async function listTree(tree: RepositoryTree): Promise<TreeListing> {
  const [subject, entries] = await Promise.all([tree.subject(), tree.entries()])
  return { subject, entries }
}

/** A tree's `read`, with an end to it. */
function readFrom(tree: RepositoryTree): Answers {
  let [bytes, files] = [0, 0]
  return {
    async read(path, limitBytes) {
      if (typeof path !== 'string' || typeof limitBytes !== 'number') throw new TypeError('a process asks for no file')
      if (++files > READ_FILES) throw new TooMuch(`It needed more than ${READ_FILES} files to be read.`)
      const content = await tree.read(path, Math.min(limitBytes, READ_BYTES))
      bytes += content?.length ?? 0
      if (bytes > READ_BYTES) throw new TooMuch(`It needed more than ${READ_BYTES / 2 ** 20} MiB to be read.`)
      return content
    },
  }
}
