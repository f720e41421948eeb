import type { BuildDetails, BuildStep } from '../../schemas/generated/types.ts'
import { formatList, formatSeconds } from '../report/format-figures.ts'
import { clipText, sanitiseLine } from '../report/sanitise-text.ts'
import { readRunWork } from './slow-commands.ts'
import type { CommandWork, RunWork } from './slow-commands.ts'
import { readStepName, STEP_NAME_CHARACTERS } from './slow-dockerfile.ts'
import type { StepName } from './slow-dockerfile.ts'

/** Something that would make a build faster. Every figure is an estimate, and `sentence` says what it is estimated from. */
export interface SlowStepAdvice {
  /**
   * `native-stage`: a stage that may begin with `FROM --platform=$BUILDPLATFORM` · `native-step`: a step that may go into such a stage · `compiled-packages`: wheels
   * are missing · `emulated-step`: slow, and no way around it · `native-machine`: a platform that another machine runs itself, which includes what is said of its
   * steps · `copied-early`: runs again whenever any file has changed.
   */
  readonly kind: 'native-stage' | 'native-step' | 'compiled-packages' | 'emulated-step' | 'native-machine' | 'copied-early'
  /** Where it is slow. */
  readonly platforms: readonly string[]
  /** BuildKit's name of the step, of a stage that of its slowest step; absent for a machine. */
  readonly step?: string
  /** Of the Dockerfile: the instruction to change. */
  readonly line?: number
  /** What it took on these platforms together. */
  readonly seconds: number
  readonly estimatedSavingSeconds: number
  /** In plain text, of which the plugin's own words are a part. */
  readonly sentence: string
  readonly suggestion: string
}

/** Less is not worth an edit of the Dockerfile, and goes up and down by as much from run to run. */
const SLOW_SECONDS = 20
/** Emulation makes computing 5 to 20 times slower, waiting for the network not at all: less than this says nothing about emulation. */
const SLOW_RATIO = 3
/** What pip makes in less may hold Python alone, or is not worth a word. */
const COMPILED_SECONDS = 10
/** Another machine takes about this long to start and to fetch what a builder at hand has already. */
const MACHINE_SECONDS = 60
const MAX_ADVICE = 10
const STEP_CHARACTERS = 80

/** Machines that run a platform themselves, and that anybody can have. No GitHub runner is known to run 32-bit Arm. */
const MACHINES: Readonly<Record<string, string>> = {
  'linux/arm64': "GitHub's ubuntu-24.04-arm, or a Waggle node with a runner",
  'linux/amd64': "GitHub's ubuntu-24.04",
}

/** A step of one platform's build. */
interface PlatformStep extends BuildStep {
  readonly platform: string
  readonly emulated: boolean
}

/** One instruction on every platform that ran it, none out of the cache. */
interface Step {
  readonly name: StepName
  readonly fullName: string
  readonly line: number | undefined
  readonly stageLine: number | undefined
  readonly stageIsCopied: boolean
  /** Undefined: not known what it does. */
  readonly work: RunWork | undefined
  readonly emulated: readonly PlatformStep[]
  /** The same step where it was not emulated. */
  readonly native: PlatformStep | undefined
  readonly all: readonly PlatformStep[]
}

/** Seconds under emulation beside those of the same steps without. */
interface Cost {
  readonly platform: string
  readonly seconds: number
  readonly nativeSeconds: number
}

/**
 * What the steps of a build tell: what emulation costs, what need not be emulated, which packages were compiled, what is built again too often; first the
 * machine that would emulate nothing, then the largest saving. Silent about steps out of the cache and about noise. Pure; it reads the record alone, so that every report of a record says the same.
 */
export function adviseOnSlowSteps({ platforms }: Pick<BuildDetails, 'platforms'>): readonly SlowStepAdvice[] {
  const steps = collectSteps(platforms)
  const stages = adviseOnStages(steps)
  const moved = new Set(stages.flatMap(({ steps: inStage }) => inStage))
  const others = steps.filter((step) => !moved.has(step))
  const changes = [
    ...stages.map(({ advice }) => advice),
    ...others.flatMap((step) => adviseOnCompiled(step) ?? []),
    ...others.flatMap((step) => adviseOnEmulated(step) ?? []),
    ...adviseOnCopies(steps),
  ]
  return [...adviseOnMachines(platforms, steps), ...changes.toSorted((a, b) => b.estimatedSavingSeconds - a.estimatedSavingSeconds)].slice(0, MAX_ADVICE)
}

function collectSteps(platforms: BuildDetails['platforms']): readonly Step[] {
  // A step that failed has not come to its end.
  const all = platforms
    .filter(({ outcome }) => outcome === 'passed')
    .flatMap(({ platform, emulated, steps }) => steps.map((step) => ({ ...step, platform, emulated })))
  return [...Map.groupBy(all, ({ name }) => name)].flatMap(([fullName, members]): Step[] => {
    const name = readStepName(fullName)
    const ran = slowestOfEach(members.filter(({ cached }) => !cached))
    const [first] = members
    if (name === undefined || first === undefined) return []
    return [
      {
        name,
        fullName,
        line: first.line,
        stageLine: first.stageLine,
        stageIsCopied: first.stageIsCopied ?? false,
        work: fullName.length >= STEP_NAME_CHARACTERS ? undefined : readRunWork(name.text),
        emulated: ran.filter(({ emulated }) => emulated),
        native: ran.find(({ emulated }) => !emulated),
        all: ran,
      },
    ]
  })
}

/** BuildKit may name two vertices alike, when it finds out late that another build makes the same. */
function slowestOfEach(steps: readonly PlatformStep[]): readonly PlatformStep[] {
  const slowestFirst = steps.toSorted((a, b) => b.seconds - a.seconds)
  return steps.filter((step) => slowestFirst.find(({ platform }) => platform === step.platform) === step)
}

/** Stages of which only files are taken, and which do nothing that belongs to a platform. */
function adviseOnStages(steps: readonly Step[]): readonly { readonly steps: readonly Step[]; readonly advice: SlowStepAdvice }[] {
  const stages = Map.groupBy(
    steps.filter(({ stageIsCopied, stageLine }) => stageIsCopied && stageLine !== undefined),
    ({ stageLine }) => stageLine ?? 0,
  )
  return [...stages].flatMap(([line, members]) => {
    const runs = members.filter(({ name }) => name.keyword === 'RUN')
    const works = new Set(runs.flatMap(({ work }) => [...(work === undefined ? (['unknown'] as const) : work.works)]))
    if (!isPortable(works) || runs.some(({ work }) => work?.namesArchitecture)) return []
    const costs = slowCosts(runs.flatMap((step) => costsOf(step)))
    const slowest = runs.toSorted((a, b) => longest(b) - longest(a))[0]
    if (costs.length === 0 || slowest === undefined) return []
    const compiles = works.has('compile')
    const native = nativePlatform(runs)
    const what = `The stage that begins in line ${line}, most of it ${quoteStep(slowest)},`
    const why = compiles ? 'Its compiler can make programs for other platforms' : 'What it makes looks the same for every platform'
    const advice: SlowStepAdvice = {
      kind: 'native-stage',
      ...common(costs),
      step: slowest.fullName,
      line,
      sentence: `${what} ${tellCosts(costs, native)}. ${why}: ${tellSaving(costs, 'the same steps', native)}.`,
      suggestion: compiles
        ? 'Begin it with FROM --platform=$BUILDPLATFORM, and compile for the platform (Go: ARG TARGETOS TARGETARCH, then GOOS and GOARCH; Rust: --target with a linker).'
        : 'Begin it with FROM --platform=$BUILDPLATFORM: it runs without emulation, once for all platforms, if no program of the platform is copied out of it.',
    }
    return [{ steps: members, advice }]
  })
}

const PORTABLE: ReadonlySet<CommandWork> = new Set(['fetch', 'assets', 'compile', 'packages', 'tools', 'plain'])

function isPortable(works: ReadonlySet<CommandWork>): boolean {
  if ([...works].some((work) => !PORTABLE.has(work))) return false
  // Packages of Node that nothing is made of go into the image themselves, compiled parts included.
  return works.has('assets') || ((works.has('fetch') || works.has('compile')) && !works.has('packages'))
}

function adviseOnCompiled(step: Step): SlowStepAdvice | undefined {
  const { fullName, name, line, all } = step
  if (/--no-binary\b/.test(name.text)) return undefined
  const slow = all
    .map((one) => ({ ...one, compiled: (one.compiled ?? []).filter(({ seconds }) => seconds >= COMPILED_SECONDS) }))
    .map((one) => ({ ...one, saving: sum(one.compiled.map(({ seconds }) => seconds)) }))
    .filter(({ saving }) => saving >= SLOW_SECONDS)
  if (slow.length === 0) return undefined
  const told = slow.map(
    ({ platform, compiled }) => `${formatList(compiled.map(({ name: packageName, seconds }) => `${packageName} (${inWords(seconds)})`))} for ${platform}`,
  )
  const seconds = round(sum(slow.map((one) => one.seconds)))
  const saving = round(sum(slow.map((one) => one.saving)))
  return {
    kind: 'compiled-packages',
    platforms: slow.map(({ platform }) => platform),
    step: fullName,
    ...(line !== undefined && { line }),
    seconds,
    estimatedSavingSeconds: saving,
    sentence: `In ${quoteStep(step)}, pip found no wheels and compiled ${told.join('; ')}: wheels would save about ${inWords(saving)} of ${inWords(seconds)}, estimated from the times in this run's log.`,
    suggestion:
      "Choose versions that have wheels, take Debian's packages (apt-get install python3-…), or compile them in a stage of its own, which stays in the cache.",
  }
}

const NEW_STAGE = 'Put it into a stage of its own that begins with FROM --platform=$BUILDPLATFORM, and copy the result with COPY --from.'
const OTHER_MACHINE =
  'What it makes belongs to the platform: only a machine that runs the platform itself, or a base image that has it already, makes it faster.'

function adviseOnEmulated(step: Step): SlowStepAdvice | undefined {
  const costs = slowCosts(costsOf(step, compiledSeconds))
  if (costs.length === 0 || step.name.keyword !== 'RUN') return undefined
  const { work, fullName, line } = step
  // Tools that a step installs beside are of the platform, and may be wanted in the image.
  const movable = work !== undefined && !work.namesArchitecture && isPortable(work.works) && !work.works.has('tools')
  const native = nativePlatform([step])
  const rest = step.emulated.some((one) => compiledSeconds(one) > 0) ? ', what pip compiles left out,' : ''
  const told = `${capitalise(quoteStep(step))}${rest} ${tellCosts(costs, native)}`
  const saving = tellSaving(costs, 'the same step', native)
  return {
    kind: movable ? 'native-step' : 'emulated-step',
    ...common(costs),
    step: fullName,
    ...(line !== undefined && { line }),
    sentence: movable ? `${told}. What it makes looks the same for every platform: ${saving}.` : `${told}: without emulation, ${saving}.`,
    suggestion: movable ? NEW_STAGE : belongsToPlatform(work) ? OTHER_MACHINE : suggestPerhaps(step),
  }
}

function suggestPerhaps({ stageIsCopied, stageLine }: Step): string {
  const where = stageIsCopied ? `begin its stage (line ${stageLine})` : 'put it into a stage of its own that begins'
  return `If what it makes is the same for every platform, ${where} with FROM --platform=$BUILDPLATFORM; else only a machine that runs the platform itself makes it faster.`
}

function belongsToPlatform(work: RunWork | undefined): boolean {
  return work !== undefined && (work.namesArchitecture || [...work.works].some((one) => one === 'tools' || one === 'pip' || one === 'packages'))
}

/** Stages of one build run side by side, so that its steps add up to more than it took: of that, it is the share of emulation that counts. */
function adviseOnMachines(platforms: BuildDetails['platforms'], steps: readonly Step[]): readonly SlowStepAdvice[] {
  return platforms.flatMap(({ platform, emulated, seconds }) => {
    const machine = MACHINES[platform]
    const compared = steps.filter((step) => step.emulated.some((one) => one.platform === platform))
    const [cost] = sumCosts(compared.flatMap((step) => costsOf(step)).filter((one) => one.platform === platform))
    if (!emulated || machine === undefined || cost === undefined || savingOf([cost]) < MACHINE_SECONDS) return []
    const saving = Math.min(savingOf([cost]), (seconds * savingOf([cost])) / cost.seconds)
    if (saving < MACHINE_SECONDS) return []
    return [
      {
        kind: 'native-machine' as const,
        platforms: [platform],
        seconds: round(seconds),
        estimatedSavingSeconds: round(saving),
        sentence: `${platform} was built under emulation, in ${inWords(seconds)}: a machine that runs it itself would save about ${inWords(saving)} of it, estimated from the same steps on ${nativePlatform(compared)} in this run.`,
        suggestion: `Build it on such a machine (${machine}). This includes what is said of ${platform} in single steps.`,
      },
    ]
  })
}

/** Installations behind a COPY of everything: they run again whenever any file has changed. */
function adviseOnCopies(steps: readonly Step[]): readonly SlowStepAdvice[] {
  return steps.flatMap((step) => {
    const { name, work, all, fullName, line } = step
    const copy = steps.find((other) => other.name.stage === name.stage && other.name.index < name.index && copiesEverything(other.name))
    const [slowest] = all.toSorted((a, b) => b.seconds - a.seconds)
    if (copy === undefined || work === undefined || slowest === undefined || slowest.seconds < SLOW_SECONDS || !installsOnly(work)) return []
    const files = work.requirementFiles
    return [
      {
        kind: 'copied-early' as const,
        platforms: [slowest.platform],
        step: fullName,
        ...(line !== undefined && { line }),
        seconds: slowest.seconds,
        estimatedSavingSeconds: slowest.seconds,
        sentence: `${capitalise(quoteStep(step))} comes after ${quoteStep(copy)}, so it runs again whenever any file has changed: about ${inWords(slowest.seconds)} on ${slowest.platform} each time, estimated from this run.`,
        suggestion:
          files.length === 0
            ? 'Move it above that COPY: then it comes out of the cache.'
            : `Copy ${formatList(files.map((file) => clipText(sanitiseLine(file), STEP_CHARACTERS)))} alone, install, and copy everything else after it: then it comes out of the cache.`,
      },
    ]
  })
}

function copiesEverything({ keyword, text }: StepName): boolean {
  const words = text.split(/\s+/).slice(1)
  return keyword === 'COPY' && !words.some((word) => word.startsWith('--from')) && words.slice(0, -1).some((word) => /^\.?\/?$/.test(word))
}

function installsOnly({ works, isListed }: RunWork): boolean {
  const rest = [...works].filter((work) => work !== 'plain')
  return isListed && rest.length > 0 && rest.every((work) => work === 'pip' || work === 'tools')
}

/** What a step cost on each platform that emulated it; `without` are seconds that have another cause. */
function costsOf({ emulated, native }: Step, without: (step: PlatformStep) => number = () => 0): readonly Cost[] {
  if (native === undefined) return []
  return emulated.map((step) => ({ platform: step.platform, seconds: step.seconds - without(step), nativeSeconds: native.seconds - without(native) }))
}

function compiledSeconds({ compiled = [] }: PlatformStep): number {
  return sum(compiled.map(({ seconds }) => seconds))
}

/** Platforms on which it is emulation that takes long. */
function slowCosts(costs: readonly Cost[]): readonly Cost[] {
  return sumCosts(costs).filter(({ seconds, nativeSeconds }) => seconds >= SLOW_SECONDS && seconds >= SLOW_RATIO * nativeSeconds)
}

function sumCosts(costs: readonly Cost[]): readonly Cost[] {
  return [...Map.groupBy(costs, ({ platform }) => platform)].map(([platform, members]) => ({
    platform,
    seconds: sum(members.map(({ seconds }) => seconds)),
    nativeSeconds: sum(members.map(({ nativeSeconds }) => nativeSeconds)),
  }))
}

function common(costs: readonly Cost[]): Pick<SlowStepAdvice, 'platforms' | 'seconds' | 'estimatedSavingSeconds'> {
  return {
    platforms: costs.map(({ platform }) => platform),
    seconds: round(sum(costs.map(({ seconds }) => seconds))),
    estimatedSavingSeconds: round(savingOf(costs)),
  }
}

function savingOf(costs: readonly Cost[]): number {
  return sum(costs.map(({ seconds, nativeSeconds }) => seconds - nativeSeconds))
}

/** `takes 3 min on linux/arm64 and 2 min on linux/arm/v7, both emulated, and 36 s on linux/amd64`. */
function tellCosts(costs: readonly Cost[], native: string): string {
  const emulated = formatList(costs.map(({ platform, seconds }) => `${inWords(seconds)} on ${platform}`))
  const how = costs.length === 1 ? 'emulated' : costs.length === 2 ? 'both emulated' : 'all emulated'
  return `takes ${emulated}, ${how}, and ${inWords(Math.max(...costs.map(({ nativeSeconds }) => nativeSeconds)))} on ${native}`
}

function tellSaving(costs: readonly Cost[], what: string, native: string): string {
  return `about ${inWords(savingOf(costs))} of ${inWords(sum(costs.map(({ seconds }) => seconds)))} would be saved, estimated from ${what} on ${native} in this run`
}

function nativePlatform(steps: readonly Step[]): string {
  return steps.find(({ native }) => native !== undefined)?.native?.platform ?? 'this machine'
}

function longest({ emulated }: Step): number {
  return Math.max(0, ...emulated.map(({ seconds }) => seconds))
}

/** `line 12 (RUN npm ci)`, or the instruction alone where the line is not known. */
function quoteStep({ name, line }: Step): string {
  const text = clipText(sanitiseLine(name.text), STEP_CHARACTERS)
  return line === undefined ? text : `line ${line} (${text})`
}

function capitalise(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

function inWords(seconds: number): string {
  return formatSeconds(seconds < SLOW_SECONDS ? round(seconds) : Math.round(seconds))
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
