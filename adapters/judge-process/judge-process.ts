/** The process in which strangers' texts are judged and planned with: it opens no file and no socket, and asks its parent for what it reads. */
import type { Digest } from '../../pipeline/digest.ts'
import { makeRunPlan } from '../../pipeline/plan/make-run-plan.ts'
import { planningPorts } from '../../pipeline/plan/planning-ports.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import type { ReleaseSummary } from '../../pipeline/ports/catalogue.ts'
import { resolveTreePath, indexTree, treeDigest } from '../../pipeline/tree.ts'
import { filesToSuggestFor, suggestFixes } from '../../pipeline/validate/fixes/suggest-fixes.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { MAX_FILE_BYTES } from '../../pipeline/validate/yaml-source.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import type { FromProcess, JudgeTask, PlanTask, Task, ToProcess, TreeListing } from './messages.ts'
import { fromPlainReading, toPlainReading } from './plain-reading.ts'

const waiting = new Map<number, (value: unknown) => void>()
let questions = 0

process.on('message', (message: ToProcess) => {
  if (message.kind === 'task') void work(message.task)
  else {
    waiting.get(message.id)?.(message.value)
    waiting.delete(message.id)
  }
})
// Without its parent nobody would end it.
process.on('disconnect', () => process.exit())
// What judging loads only when it needs it: here it would count as work on the first task.
await Promise.all([
  import('../../pipeline/validate/dockerfile/dockerfile.ts'),
  import('../../pipeline/validate/python/module.ts'),
  import('../../pipeline/validate/rules/repository-rule-list.ts'),
])
tell({ kind: 'ready' })

function tell(message: FromProcess): void {
  process.send?.(message)
}

async function work(task: Task): Promise<void> {
  try {
    tell({ kind: 'done', value: task.kind === 'judge' ? await judge(task) : await plan(task) })
  } catch (error) {
    const known = error instanceof Error ? error : new Error(String(error))
    tell({ kind: 'broken', tooDeep: known instanceof RangeError, message: known.message, stack: known.stack ?? '' })
  }
}

/** Answers as the parent's port does; where that fails, there is no answer, and the parent ends this process. */
async function ask(name: string, ...values: readonly unknown[]): Promise<unknown> {
  const id = questions++
  return new Promise((resolve) => {
    waiting.set(id, resolve)
    tell({ kind: 'question', id, name, values })
  })
}

function openTree({ subject, entries }: TreeListing): RepositoryTree {
  return {
    subject: async () => subject,
    entries: async () => entries,
    async read(path, limitBytes) {
      const content = await ask('read', path, limitBytes)
      return content instanceof Uint8Array ? Buffer.from(content) : undefined
    },
    materialise: async () => {
      throw new TypeError('nothing is written here')
    },
    digest: async () => treeDigest(entries),
  }
}

async function judge({ tree: listing, options }: JudgeTask): Promise<unknown> {
  const tree = openTree(listing)
  const reading = await readPipeline(tree, options)
  const index = indexTree(listing.entries)
  const texts = new Map<string, string>()
  for (const file of filesToSuggestFor(reading.problems)) {
    const found = resolveTreePath(index, file)
    const content = found.kind === 'file' && found.path === file ? await tree.read(file, MAX_FILE_BYTES) : undefined
    if (content !== undefined && content.length <= MAX_FILE_BYTES) texts.set(file, content.toString('utf8'))
  }
  return { reading: toPlainReading(reading), fixes: suggestFixes(reading.problems, texts) }
}

async function plan({ tree, reading, request, stages }: PlanTask): Promise<unknown> {
  const never = async (): Promise<never> => {
    throw new TypeError('no plan needs it')
  }
  // What the parent answers is of the port's own type: it was made by that port.
  const find = async (key: Digest): Promise<StageRecord | undefined> => (await ask('find', key)) as StageRecord | undefined
  return makeRunPlan({
    ...request,
    tree: openTree(tree),
    reading: fromPlainReading(reading),
    records: { find },
    stages: {
      ...planningPorts({
        registryRoot: stages.registryRoot,
        registry: new Proxy({} as never, { get: () => never }),
        lookUpBase: async (image) => (await ask('lookUpBase', image)) as { readonly digest: Digest; readonly standIn: boolean } | undefined,
        catalogue: {
          publish: never,
          bundle: never,
          newestRelease: async (name) => (await ask('newestRelease', name)) as ReleaseSummary | undefined,
        },
      }),
      testbedVersion: stages.testbedVersion,
    },
    signal: new AbortController().signal,
  })
}
