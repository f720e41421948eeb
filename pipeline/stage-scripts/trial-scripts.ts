import type { BuildDetails } from '../../schemas/generated/types.ts'
import type { Testbed } from '../ports/testbed.ts'
import type { StageScript } from '../run.ts'
import { runVirtual, virtualInputs } from '../virtual/virtual.ts'
import { buildDetails, required, type Summaries } from './run-results.ts'
import { type StageOptions, type StagePorts } from './stage-ports.ts'

/** The stage `virtual`, bound to its inputs and ports. */
export function virtualScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'virtual',
    prepare: async () => void (await ports.openTestbed()),
    ...trials(options, {
      version: ports.testbedVersion,
      nativePlatform: options.nativePlatform,
      open: ports.openTestbed,
      buildOf: buildDetails,
    }),
  }
}

/** The same trials on the node's own platform; undefined: no node is attached. */
export function nodeScript(options: StageOptions, { node }: StagePorts): StageScript | undefined {
  return (
    node && {
      stage: 'node',
      ...trials(options, {
        version: node.testbed.version,
        nativePlatform: node.platform,
        open: async () => node.testbed,
        buildOf: (run) => onlyFor(node.platform, buildDetails(run)),
      }),
    }
  )
}

/** Where trials run. */
interface TrialPlace {
  readonly version: string
  readonly nativePlatform: string
  open(): Promise<Testbed>
  /** The images that can be tried there. */
  buildOf(run: Summaries): BuildDetails | undefined
}

function trials({ onTrials }: StageOptions, { version, nativePlatform, open, buildOf }: TrialPlace): Pick<StageScript, 'usable' | 'inputs' | 'run'> {
  return {
    usable: (run) => (buildOf(run)?.platforms ?? []).some(isBuilt),
    async inputs(run) {
      const build = buildOf(run)
      if (run.pipeline === undefined || build === undefined) return undefined
      return virtualInputs({ pipeline: run.pipeline, build, testbedVersion: version, entries: await run.tree.entries() })
    },
    async run(run, context) {
      const { result, trials: finished } = await runVirtual(context, {
        pipeline: required(run.pipeline, 'pipeline'),
        build: required(buildOf(run), 'build'),
        nativePlatform,
        testbed: await open(),
      })
      onTrials?.(finished)
      return result
    },
  }
}

function onlyFor(platform: string, build: BuildDetails | undefined): BuildDetails | undefined {
  return build && { ...build, platforms: build.platforms.filter((built) => built.platform === platform) }
}

function isBuilt({ outcome, digest }: BuildDetails['platforms'][number]): boolean {
  return outcome === 'passed' && digest !== undefined
}
