import type { RunPlanRequest } from '../../pipeline/plan/make-run-plan.ts'
import type { TreeEntry } from '../../pipeline/ports/repository-tree.ts'
import type { Place } from '../../pipeline/problem.ts'
import type { PipelineReading } from '../../pipeline/validate/read-pipeline.ts'
import type { DocumentPath } from '../../pipeline/validate/yaml-source.ts'
import type { Subject } from '../../schemas/generated/types.ts'

/** A tree without its contents, which the process asks for. */
export interface TreeListing {
  readonly subject: Subject
  readonly entries: readonly TreeEntry[]
}

/** A reading as plain data: of the places in the pipeline file, those that planning and gates ask for. */
export type PlainReading = Omit<PipelineReading, 'placeOf'> & { readonly places: readonly (readonly [DocumentPath, Place])[] }

export interface JudgeTask {
  readonly kind: 'judge'
  readonly tree: TreeListing
  readonly options: { readonly user?: string; readonly users?: ReadonlyMap<string, string> }
}

/** A plan's request as plain data; ports are asked by questions. */
export interface PlanTask {
  readonly kind: 'plan'
  readonly tree: TreeListing
  readonly reading: PlainReading
  readonly request: Omit<RunPlanRequest, 'tree' | 'reading' | 'records' | 'stages' | 'signal' | 'subject'> & { readonly subject: Subject }
  readonly stages: Pick<RunPlanRequest['stages'], 'registryRoot' | 'testbedVersion'>
}

export type Task = JudgeTask | PlanTask

/** Answers to what the process may ask, by the name of the question. Values come from a process that reads strangers' texts. */
export type Answers = Readonly<Record<string, (...values: readonly unknown[]) => Promise<unknown>>>

export type ToProcess = { readonly kind: 'task'; readonly task: Task } | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }

export type FromProcess =
  /** Everything is loaded. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'question'; readonly id: number; readonly name: string; readonly values: readonly unknown[] }
  | { readonly kind: 'done'; readonly value: unknown }
  /** `tooDeep`: the stack was full. */
  | { readonly kind: 'broken'; readonly tooDeep: boolean; readonly message: string; readonly stack: string }
