import { closestWord } from './validate/words.ts'
import type { Pipeline } from './pipeline.ts'

/** Labels of a runner, all of which it must have. */
export type RunnerLabels = readonly string[]

/** Labels by platform, stage or runner class. */
export type RunnerMap = Readonly<Record<string, RunnerLabels>>

/** What github.com offers everybody (docs.github.com, "GitHub-hosted runners"). Its arm64 machines run no 32-bit programs, so linux/arm/v7 is emulated. */
export const DEFAULT_RUNNERS: RunnerMap = {
  'linux/amd64': ['ubuntu-24.04'],
  'linux/arm64': ['ubuntu-24.04-arm'],
  train: ['ubuntu-24.04'],
  virtual: ['ubuntu-24.04'],
  node: ['ubuntu-24.04'],
}

/** Keys with a fixed name; `chameleon-gpu-<type>` and `waggle-<model>` are classes, too. */
const KEYS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'train', 'virtual', 'node', 'chameleon-gpu', 'chameleon-cpu']
const CLASS = /^(chameleon-gpu|waggle)-[A-Za-z0-9_.-]{1,64}$/
/** As GitHub allows in the label of a runner; no expression, no line end. */
const LABEL = /^[A-Za-z0-9][A-Za-z0-9 ._/=-]{0,127}$/
const MOST_LABELS = 16

/** Reads a mapping of keys to a label or labels, as it comes out of YAML, over the defaults. Complaints: what is wrong with it, all at once. */
export function readRunnerMap(value: unknown): { readonly map: RunnerMap; readonly complaints: readonly string[] } {
  if (value === undefined || value === null) return { map: DEFAULT_RUNNERS, complaints: [] }
  if (typeof value !== 'object' || Array.isArray(value))
    return { map: DEFAULT_RUNNERS, complaints: ['it is not a mapping, such as {linux/arm64: [self-hosted, linux, arm64]}'] }
  const complaints: string[] = []
  const map: Record<string, RunnerLabels> = { ...DEFAULT_RUNNERS }
  for (const [key, labels] of Object.entries(value)) {
    const read = readLabels(labels)
    if (!KEYS.includes(key) && !CLASS.test(key)) complaints.push(unknownKey(key))
    else if (read === undefined) complaints.push(`${key}: needs a label or a list of at most ${MOST_LABELS} labels`)
    else map[key] = read
  }
  return { map, complaints }
}

function unknownKey(key: string): string {
  const near = closestWord(key, KEYS)
  const shown = key.slice(0, 80)
  return near === undefined
    ? `\`${shown}\` is neither a platform nor a runner class; those are ${KEYS.join(', ')}, chameleon-gpu-<type>, waggle-<model>`
    : `\`${shown}\` is unknown: did you mean \`${near}\`?`
}

function readLabels(value: unknown): RunnerLabels | undefined {
  const labels: unknown[] = Array.isArray(value) ? value : [value]
  if (labels.length === 0 || labels.length > MOST_LABELS) return undefined
  const texts = labels.filter((label): label is string => typeof label === 'string' && LABEL.test(label))
  return texts.length === labels.length ? texts : undefined
}

/** Where a platform is built: on a runner of its own architecture where there is one, else emulated. */
export function platformRunner(platform: string, map: RunnerMap): { readonly runner: RunnerLabels; readonly emulated: boolean } {
  const own = map[platform]
  return own === undefined ? { runner: map['linux/amd64'] ?? ['ubuntu-24.04'], emulated: platform !== 'linux/amd64' } : { runner: own, emulated: false }
}

/** Where a stage runs: the most special class that is mapped. */
export function stageRunner(stage: 'train' | 'virtual' | 'node', pipeline: Pipeline | undefined, map: RunnerMap): RunnerLabels {
  const found = classesOf(stage, pipeline).find((name) => map[name] !== undefined)
  return (found === undefined ? undefined : map[found]) ?? ['ubuntu-24.04']
}

function classesOf(stage: 'train' | 'virtual' | 'node', pipeline: Pipeline | undefined): readonly string[] {
  const gpu = pipeline?.training?.gpu ?? false
  switch (stage) {
    case 'train':
      return gpu === false ? ['chameleon-cpu', 'train'] : [...(gpu === true ? [] : [`chameleon-gpu-${gpu.type}`]), 'chameleon-gpu', 'train']
    case 'virtual':
      return ['virtual']
    case 'node':
      return [...(pipeline?.nodes ?? []).map((model) => `waggle-${model}`), 'node']
  }
}
