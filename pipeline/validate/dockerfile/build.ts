import type { Instruction } from './instructions.ts'
import type { Dockerfile, Stage } from './dockerfile.ts'
import { parseImageReference } from './image-reference.ts'
import type { ImageReference } from './image-reference.ts'
import { expand } from './variables.ts'
import { readAssignments } from './assignments.ts'

/** A stage as one platform's build sees it. */
export interface BuiltStage {
  readonly stage: Stage
  /** The stage that it is built on; undefined: an image. */
  readonly parent: BuiltStage | undefined
  /** FROM's image with values for its variables; undefined: another stage, or values that are not known. */
  readonly image: string | undefined
  /** Undefined: no image, or a name that no image can have. */
  readonly reference: ImageReference | undefined
  /** Variables in FROM that have no value. */
  readonly missing: readonly string[]
  /** What its base is fetched for: `linux/amd64`. Undefined: the machine that builds, or not known. */
  readonly platform: string | undefined
}

/** One platform's build: the stages that its result is made of. */
export interface Build {
  readonly platform: string
  /** The last; undefined: there is no stage. */
  readonly final: BuiltStage | undefined
  /** Those that take part, in the file's order. The builder leaves out all others. */
  readonly stages: readonly BuiltStage[]
}

/** How Sage's ECR builds a platform: the last stage, with the defaults of ARG (it passes no build arguments, sage-ecr jenkins_server.py L123-156). */
export function buildFor(dockerfile: Dockerfile, platform: string): Build {
  const values = fromVariables(dockerfile, platform)
  const built: BuiltStage[] = []
  const names = new Map<string, BuiltStage>()
  for (const stage of dockerfile.stages) {
    const resolved = resolveStage(stage, values, names, platform)
    built.push(resolved)
    if (stage.alias !== undefined) names.set(stage.alias, resolved)
  }
  const final = built.at(-1)
  return { platform, final, stages: final === undefined ? [] : reachable(final, built, names) }
}

/** The stage and those below it, the nearest first. */
export function chainOf(stage: BuiltStage): readonly BuiltStage[] {
  const chain = [stage]
  for (let parent = stage.parent; parent !== undefined; parent = parent.parent) chain.push(parent)
  return chain
}

/** Values of variables at the end of a stage. Those that something unknown decides on are left out. */
export interface StageVariables {
  /** ENV: what stages built on it have, too. */
  readonly environment: ReadonlyMap<string, string>
  /** Those of ENV, and ARG with a default where no ENV has the name. */
  readonly all: ReadonlyMap<string, string>
}

/** Works out variables for stages of one build, each once. */
export function variablesOfStages(dockerfile: Dockerfile, platform: string): (built: BuiltStage) => StageVariables {
  const globals = fromVariables(dockerfile, platform)
  const known = new Map<BuiltStage, StageVariables>()
  const find = (built: BuiltStage): StageVariables => {
    const before = known.get(built)
    if (before !== undefined) return before
    const found = readVariables(built, built.parent === undefined ? new Map() : find(built.parent).environment, globals)
    known.set(built, found)
    return found
  }
  return find
}

function readVariables({ stage }: BuiltStage, inherited: ReadonlyMap<string, string>, globals: ReadonlyMap<string, string>): StageVariables {
  const environment = new Map(inherited)
  const all = new Map(inherited)
  for (const instruction of stage.instructions) {
    const isEnv = instruction.keyword === 'ENV'
    if (!isEnv && instruction.keyword !== 'ARG') continue
    for (const { name, value } of readAssignments(instruction)) {
      if (!isEnv && environment.has(name)) continue
      const expanded = value === undefined ? undefined : expand(value, all)
      const found = value === undefined ? globals.get(name) : expanded?.missing.length === 0 ? expanded.text : undefined
      for (const values of isEnv ? [environment, all] : [all]) {
        if (found === undefined) values.delete(name)
        else values.set(name, found)
      }
    }
  }
  return { environment, all }
}

/** `linux/arm/v7` of `arm/v7`, `linux/arm64` of `aarch64` (containerd's platforms package). */
export function normalisePlatform(text: string): string {
  const parts = text.toLowerCase().split('/')
  const [architecture = '', variant] = parts[0] === 'linux' ? parts.slice(1) : parts
  const name =
    { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', armhf: 'arm/v7', armel: 'arm/v6', arm: variant === undefined ? 'arm/v7' : 'arm' }[architecture] ??
    architecture
  return `linux/${name}${variant === undefined || (name === 'arm64' && variant === 'v8') || name.includes('/') ? '' : `/${variant}`}`
}

/** What FROM may use: ARGs before it with their defaults, and the platform's own (dockerfile2llb, `platform.go`). */
function fromVariables(dockerfile: Dockerfile, platform: string): ReadonlyMap<string, string> {
  const [os = '', architecture = '', variant = ''] = platform.split('/')
  const values = new Map([
    ['TARGETPLATFORM', platform],
    ['TARGETOS', os],
    ['TARGETARCH', architecture],
    ['TARGETVARIANT', variant],
  ])
  for (const { name, value } of dockerfile.globalArguments) {
    const expanded = value === undefined ? undefined : expand(value, values)
    if (expanded !== undefined) values.set(name, expanded.text)
  }
  return values
}

function resolveStage(stage: Stage, values: ReadonlyMap<string, string>, names: ReadonlyMap<string, BuiltStage>, target: string): BuiltStage {
  const expanded = stage.base === undefined ? undefined : expand(stage.base.text, values)
  const parent = expanded === undefined ? undefined : names.get(expanded.text.toLowerCase())
  const image = parent === undefined ? expanded?.text : undefined
  return {
    stage,
    parent,
    image,
    reference: image === undefined || image === 'scratch' ? undefined : parseImageReference(image),
    missing: expanded?.missing ?? [],
    platform: parent === undefined ? stagePlatform(stage, values, target) : parent.platform,
  }
}

function stagePlatform({ platform }: Stage, values: ReadonlyMap<string, string>, target: string): string | undefined {
  if (platform === undefined) return target
  const expanded = expand(platform.value, values)
  return expanded === undefined || expanded.missing.length > 0 || expanded.text === '' ? undefined : normalisePlatform(expanded.text)
}

function reachable(final: BuiltStage, built: readonly BuiltStage[], names: ReadonlyMap<string, BuiltStage>): readonly BuiltStage[] {
  const found = new Set<BuiltStage>()
  const pending = [final]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next)) continue
    found.add(next)
    if (next.parent !== undefined) pending.push(next.parent)
    for (const instruction of next.stage.instructions) {
      for (const { text } of sourceStages(instruction)) {
        const source = names.get(text.toLowerCase()) ?? (/^\d{1,5}$/.test(text) ? built[Number(text)] : undefined)
        if (source !== undefined) pending.push(source)
      }
    }
  }
  return built.filter((stage) => found.has(stage))
}

/** Stages or images that an instruction takes files from: `COPY --from=`, `RUN --mount=from=`. */
export function sourceStages({ keyword, flags }: Instruction): readonly { readonly text: string; readonly flag: 'from' | 'mount' }[] {
  return flags.flatMap(({ name, value }): readonly { readonly text: string; readonly flag: 'from' | 'mount' }[] => {
    if (name === 'from' && keyword === 'COPY') return [{ text: value, flag: 'from' }]
    const from = name === 'mount' && keyword === 'RUN' ? /(?:^|,)from=([^,]+)/.exec(value)?.[1] : undefined
    return from === undefined ? [] : [{ text: from, flag: 'mount' }]
  })
}
