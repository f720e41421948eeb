import { writeFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { Failure } from '../../pipeline/failure.ts'
import type { Pipeline, TrialPlan } from '../../pipeline/pipeline.ts'
import { worstOutcome } from '../../pipeline/plan.ts'
import { runStages, type StageSummary } from '../../pipeline/run.ts'
import { makeStageScripts } from '../../pipeline/stage-scripts/stage-scripts.ts'
import { defaultTrial } from '../../pipeline/validate/complete.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { recordGoldens, type FinishedTrial } from '../../pipeline/virtual/virtual.ts'
import type { TestOutput } from '../../schemas/generated/types.ts'
import { assemble } from '../assemble.ts'
import { readEnvironment, workParentOf } from '../environment.ts'
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'
import { interruptible } from '../../adapters/process/interruptible.ts'
import { pipelineWithoutManifest } from '../pipeline-without-manifest.ts'
import { openRepository, type OpenRepository } from '../open-repository.ts'
import { openOutput } from '../output/open.ts'
import { describeTest } from '../output/trial.ts'
import type { TestOptions } from '../options.ts'

/** `ctss test`: builds what has changed, then runs the trials, always. Needs only a Dockerfile that builds; problems of the manifest are shown and stop nothing. */
export async function testCommand(place: string, args: readonly string[], options: TestOptions): Promise<ExitCode> {
  const environment = readEnvironment()
  const output = await openOutput(options, environment)
  const { summaries, trials } = await interruptible(async (signal) => {
    try {
      await using repository = await openRepository(place, { ref: options.ref, workParent: workParentOf(environment), signal })
      const reading = await readPipeline(repository.tree, { users: environment.sageUsers })
      const assembly = await assemble({
        environment,
        tree: repository.tree,
        observer: output,
        general: output.general,
        signal,
        toolVersion: packageJson.version,
      })
      const pipeline = chooseTrials(reading.pipeline ?? (await pipelineWithoutManifest(place, repository.tree, assembly.nativePlatform)), args, options)
      let finished: readonly FinishedTrial[] = []
      const scripts = makeStageScripts(
        {
          reading,
          nativePlatform: assembly.nativePlatform,
          platforms: options.platform,
          release: false,
          runId: assembly.runId,
          onTrials: (result) => (finished = result),
        },
        assembly.stages,
      )
      const force = [...(options.force === true ? (['train', 'build'] as const) : (options.force ?? [])), 'virtual' as const]
      const stages = await runStages(
        { subject: await repository.tree.subject(), pipeline, options: { from: 'validate', to: 'virtual', force, keepGoing: true }, scripts, signal },
        assembly.run,
      )
      if (options.record) await record(finished, repository)
      return { summaries: stages, trials: finished }
    } finally {
      await output.close()
    }
  })
  // A manifest that the ECR would refuse is no reason not to try the plugin: only what was tried decides.
  const counted = summaries.filter(({ stage }) => stage !== 'validate')
  const result = composeOutput(trials, summaries)
  if (options.json) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
  else if (!options.quiet) process.stdout.write(describeTest(result, counted))
  return EXIT[worstOutcome(counted.map(({ outcome }) => outcome))]
}

/** Arguments by hand replace the trials, and find the inputs and cameras of all of them. */
function chooseTrials(pipeline: Pipeline, args: readonly string[], { trial: names }: TestOptions): Pipeline {
  if (args.length > 0) {
    const byHand = defaultTrial('arguments')
    const { limits, network } = pipeline.trials[0] ?? byHand
    const inputs = pipeline.trials.find((trial) => trial.inputs !== undefined)?.inputs
    const cameras = Object.assign({}, ...pipeline.trials.map((trial) => trial.cameras)) as TrialPlan['cameras']
    return { ...pipeline, trials: [{ ...byHand, inputs, cameras, limits, network, args }] }
  }
  if (names === undefined) return pipeline
  const unknown = names.find((name) => pipeline.trials.every((trial) => trial.name !== name))
  if (unknown !== undefined)
    throw new Failure('testbed-unavailable', `There is no trial '${unknown}' in ctss.yaml.`, {
      suggestion: `The trials are: ${pipeline.trials.map(({ name }) => name).join(', ')}.`,
    })
  return { ...pipeline, trials: pipeline.trials.filter(({ name }) => names.includes(name)) }
}

async function record(trials: readonly FinishedTrial[], { folder }: OpenRepository): Promise<void> {
  const goldens = recordGoldens(trials)
  if (folder === undefined) throw new Failure('storage-unavailable', '--record writes golden files beside the plugin, so it needs a folder, not a URL.')
  if (goldens.size === 0)
    throw new Failure('testbed-unavailable', 'No trial names a golden file, so there is nothing to record.', {
      suggestion: 'Add `golden: tests/golden.ndjson` to a trial in ctss.yaml.',
    })
  for (const [path, text] of goldens) {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
    process.stderr.write(`recorded ${path}\n`)
  }
}

function composeOutput(trials: readonly FinishedTrial[], summaries: readonly StageSummary[]): TestOutput {
  return {
    trials: trials.map(({ plan, platform, observation, judgement }) => {
      const { ending, emulated, exitCode, messages, total, uploads, logs, profile } = observation
      return {
        name: plan.name,
        platform,
        outcome: judgement.outcome,
        ending,
        emulated,
        exitCode,
        messages: [...messages],
        total,
        uploads: [...uploads],
        expectations: [...judgement.expectations],
        problems: [...judgement.problems],
        logs: { stdout: logs.stdout, stderr: logs.stderr },
        profile,
      }
    }),
    problems: summaries
      .filter(({ stage }) => stage !== 'virtual' || trials.length === 0)
      .flatMap(({ stage, outcome, reason, problems }) => [
        ...problems,
        ...(outcome === 'error' ? [{ code: `${stage}-error`, severity: 'error' as const, message: reason ?? 'it ended in an error' }] : []),
      ]),
  }
}
