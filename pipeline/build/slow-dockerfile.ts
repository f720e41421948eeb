import type { BuildStep } from '../../schemas/generated/types.ts'
import { buildFor, chainOf } from '../validate/dockerfile/build.ts'
import type { BuiltStage } from '../validate/dockerfile/build.ts'
import { parseDockerfile } from '../validate/dockerfile/dockerfile.ts'
import type { Dockerfile } from '../validate/dockerfile/dockerfile.ts'
import { textFile } from '../validate/text-file.ts'

/** Longer names of steps are cut, so that a record stays small; real ones, long lists of packages included, have a few hundred characters. */
export const STEP_NAME_CHARACTERS = 1000

/** What BuildKit's name of a step says: `[page 3/6] RUN npm ci`. */
export interface StepName {
  /** The stage's name, or `stage-2`; empty where there is one stage only. */
  readonly stage: string
  /** Counted from 1. */
  readonly index: number
  readonly total: number
  /** In capitals: `RUN`. */
  readonly keyword: string
  /** The instruction, without what stands in brackets. */
  readonly text: string
}

/** Reads the name of a step; undefined: it is no instruction of the Dockerfile's own. (BuildKit's dockerfile2llb, `prefixCommand`.) */
export function readStepName(name: string): StepName | undefined {
  const [, stage = '', index, total, text = '', keyword = ''] = /^\[(?:linux\/\S+ )?(?:(\S+) )? *(\d+)\/(\d+)\] (([A-Z]+)\b[\s\S]*)$/.exec(name) ?? []
  return index === undefined || keyword === 'ONBUILD' ? undefined : { stage, index: Number(index), total: Number(total), keyword, text }
}

/** Instructions that BuildKit counts; a base image is one more. */
const COUNTED = new Set(['ADD', 'COPY', 'RUN', 'WORKDIR'])

/** The steps of one platform's build, each with its place in the Dockerfile where it is certain. BuildKit's log names no lines of steps that succeed. */
export function locateSteps(steps: readonly BuildStep[], dockerfileText: string, platform: string): BuildStep[] {
  const dockerfile = parseDockerfile(textFile('Dockerfile', dockerfileText))
  const build = buildFor(dockerfile, platform)
  const imageStages = new Set(build.final === undefined ? [] : chainOf(build.final))
  return steps.map((step) => {
    const name = readStepName(step.name)
    const built = name && findStage(name.stage, build.stages, dockerfile)
    const line = built && lineOf(name, built, dockerfile)
    if (built === undefined || line === undefined) return step
    const bottom = chainOf(built).at(-1) ?? built
    return { ...step, line, stageLine: lineAt(bottom.stage.from, dockerfile), stageIsCopied: !imageStages.has(bottom) }
  })
}

function findStage(name: string, stages: readonly BuiltStage[], { stages: all }: Dockerfile): BuiltStage | undefined {
  if (name === '') return all.length === 1 ? stages[0] : undefined
  return stages.find(({ stage }) => (stage.alias ?? `stage-${stage.index}`) === name)
}

/** Undefined: the builder has counted otherwise, for instance because the base image has ONBUILD. */
function lineOf({ index, total, keyword }: StepName, { stage, parent, image }: BuiltStage, dockerfile: Dockerfile): number | undefined {
  const counted = [
    ...(parent === undefined && image !== 'scratch' ? [stage.from] : []),
    ...stage.instructions.filter((instruction) => COUNTED.has(instruction.keyword)),
  ]
  const instruction = counted[index - 1]
  return counted.length === total && instruction?.keyword === keyword ? lineAt(instruction, dockerfile) : undefined
}

function lineAt({ keywordSpan }: Dockerfile['instructions'][number], { text }: Dockerfile): number {
  return text.place(keywordSpan).line ?? 1
}
