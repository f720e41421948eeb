import { resolveTreePath } from '../../tree.ts'
import { directoryOf } from '../build-location.ts'
import { mappingOf, textsOf } from '../lenient.ts'
import type { RepositoryFacts } from '../rule.ts'
import { ARCHITECTURES } from '../sage/facts.ts'
import { describeBase } from './base-images.ts'
import type { BaseImage } from './base-images.ts'
import { buildFor, chainOf, variablesOfStages } from './build.ts'
import type { Build, BuiltStage } from './build.ts'
import { commandsOf } from './commands.ts'
import type { Command } from './commands.ts'
import { findDownloads } from './downloads.ts'
import type { Download } from './downloads.ts'
import type { Dockerfile } from './dockerfile.ts'
import type { Instruction } from './instructions.ts'

/** A command in a stage, with the values that variables have there. */
export interface StageCommand extends Command {
  readonly built: BuiltStage
  readonly variables: ReadonlyMap<string, string>
}

/** What the rules want to know of a Dockerfile together with its manifest: worked out once. */
export interface Analysis {
  readonly dockerfile: Dockerfile
  /** The manifest's architectures that Sage knows, each once; both common ones where there is none. */
  readonly platforms: readonly string[]
  /** One for each platform. */
  readonly builds: readonly Build[]
  /** The first platform's build: for what does not depend on the platform. */
  readonly build: Build
  /** The build context's folder with a slash at its end; empty: the root. Undefined: there is none, or the Dockerfile is not in it. */
  readonly context: string | undefined
  /** Commands of RUN in stages that take part in the build. */
  readonly commands: readonly StageCommand[]
  /** What those stages fetch from addresses. */
  readonly downloads: readonly Download[]
  /** Values that variables have at the end of a stage, for the first platform. */
  variablesOf(built: BuiltStage): ReadonlyMap<string, string>
  /** ENTRYPOINT and CMD that hold at the end, those of stages below included. */
  readonly entrypoint: Instruction | undefined
  readonly command: Instruction | undefined
}

const known = new WeakMap<RepositoryFacts, Analysis>()

/** Undefined: there is no Dockerfile, one too large to be looked into, or one in another language. */
export function analyse(facts: RepositoryFacts): Analysis | undefined {
  const { dockerfile } = facts
  if (dockerfile === undefined || dockerfile.isTooLarge || dockerfile.isForeign) return undefined
  const before = known.get(facts)
  if (before !== undefined) return before
  const analysis = makeAnalysis(facts, dockerfile)
  known.set(facts, analysis)
  return analysis
}

function makeAnalysis(facts: RepositoryFacts, dockerfile: Dockerfile): Analysis {
  const listed = new Set(textsOf(mappingOf(facts.manifest.value, 'source'), 'architectures').map(({ text }) => text))
  const chosen = ARCHITECTURES.filter((platform) => listed.has(platform))
  const platforms = chosen.length > 0 ? chosen : ARCHITECTURES.slice(0, 2)
  const builds = platforms.map((platform) => buildFor(dockerfile, platform))
  const build = builds[0] ?? buildFor(dockerfile, 'linux/amd64')
  const variables = variablesOfStages(dockerfile, build.platform)
  const variablesOf = (built: BuiltStage): ReadonlyMap<string, string> => variables(built).all
  const context = contextFolder(facts)
  const commandsByStage = build.stages.map((built) => stageCommands(built, variablesOf(built)))
  return {
    dockerfile,
    platforms,
    builds,
    build,
    context: context !== undefined && dockerfile.text.file.startsWith(context) ? context : undefined,
    commands: commandsByStage.flat(),
    downloads: build.stages.flatMap((built, index) => findDownloads(built.stage.instructions, commandsByStage[index] ?? [], variablesOf(built))),
    variablesOf,
    ...startOf(build),
  }
}

function stageCommands(built: BuiltStage, variables: ReadonlyMap<string, string>): readonly StageCommand[] {
  return built.stage.instructions
    .filter(({ keyword }) => keyword === 'RUN')
    .flatMap((run) => commandsOf(run).map((command) => ({ ...command, built, variables })))
}

/** An ENTRYPOINT takes away the CMD of what it is built on, but not one of its own stage (BuildKit's dockerfile2llb, `dispatchEntrypoint`). */
function startOf({ final }: Build): Pick<Analysis, 'entrypoint' | 'command'> {
  let entrypoint: Instruction | undefined
  let command: Instruction | undefined
  for (const { stage } of final === undefined ? [] : chainOf(final).toReversed()) {
    const own = stage.instructions.findLast(({ keyword }) => keyword === 'CMD')
    const ownEntrypoint = stage.instructions.findLast(({ keyword }) => keyword === 'ENTRYPOINT')
    command = own ?? (ownEntrypoint === undefined ? command : undefined)
    entrypoint = ownEntrypoint ?? entrypoint
  }
  return { entrypoint, command }
}

/** Where `source.directory` leads, with a slash at the end; empty for the root. Sage puts it behind the workspace's path, so that a slash before it means nothing. */
function contextFolder({ manifest, tree, subject }: RepositoryFacts): string | undefined {
  const context = resolveTreePath(tree, directoryOf(manifest.value, subject))
  if (context.kind !== 'folder') return undefined
  return context.path === '.' ? '' : `${context.path}/`
}

/** What the table knows of the image at the bottom of a stage. */
export function bottomOf(stage: BuiltStage): { readonly stage: BuiltStage; readonly base: BaseImage | undefined } {
  let bottom = stage
  while (bottom.parent !== undefined) bottom = bottom.parent
  return { stage: bottom, base: bottom.reference && describeBase(bottom.reference) }
}
