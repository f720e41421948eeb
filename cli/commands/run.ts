import packageJson from '../../package.json' with { type: 'json' }
import { Failure } from '../../pipeline/failure.ts'
import { nameOf, type Pipeline } from '../../pipeline/pipeline.ts'
import { worstOutcome, type PlanOptions } from '../../pipeline/plan.ts'
import type { ChartRenderer } from '../../pipeline/ports/charts.ts'
import { finishReport } from '../../pipeline/report/finish-report.ts'
import { bundleOf, gatherReportInput } from '../../pipeline/report/report-input.ts'
import type { ReportedBundle } from '../../pipeline/report/report.ts'
import { runStages, type StageSummary } from '../../pipeline/run.ts'
import { makeStageScripts } from '../../pipeline/stage-scripts/stage-scripts.ts'
import { STAGES } from '../../pipeline/stage.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import type { RunOutput, Subject } from '../../schemas/generated/types.ts'
import { assemble, type Assembly } from '../assemble.ts'
import { readEnvironment, workParentOf } from '../environment.ts'
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'
import { interruptible } from '../../adapters/process/interruptible.ts'
import { pipelineWithoutManifest } from '../pipeline-without-manifest.ts'
import { openRepository } from '../open-repository.ts'
import { openOutput } from '../output/open.ts'
import type { Output } from '../output/output.ts'
import { describeRun } from '../output/result.ts'
import type { RunOptions } from '../options.ts'

interface FinishedRun {
  readonly summaries: readonly StageSummary[]
  readonly report: RunOutput['report']
}

/** `ctss run`, and the commands that are a part of it. */
export async function runCommand(place: string, options: RunOptions): Promise<ExitCode> {
  const environment = readEnvironment()
  const output = await openOutput(options, environment)
  const { summaries, report } = await interruptible(async (signal) => {
    try {
      await using repository = await openRepository(place, { ref: options.ref, workParent: workParentOf(environment), signal })
      const { tree } = repository
      const [subject, reading] = await Promise.all([tree.subject(), readPipeline(tree, { users: environment.sageUsers })])
      const assembly = await assemble({ environment, tree, observer: output, general: output.general, signal, toolVersion: packageJson.version })
      const scripts = makeStageScripts(
        { reading, nativePlatform: assembly.nativePlatform, platforms: options.platform, release: options.release ?? false, runId: assembly.runId },
        assembly.stages,
      )
      const pipeline = reading.pipeline ?? (options.dockerfileSuffices ? await pipelineWithoutManifest(place, tree, assembly.nativePlatform) : undefined)
      const stages = await runStages({ subject, pipeline, options: planOptions(options), scripts, signal }, assembly.run)
      return await writeReport(subject, pipeline, stages, options, assembly, output)
    } finally {
      await output.close()
    }
  })
  const result: RunOutput = { stages: summaries.map(toStageOutput), bundle: toBundleOutput(bundleOf(summaries)), report }
  if (options.json) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
  else if (!options.quiet) process.stdout.write(describeRun(summaries, result))
  const counted = summaries.filter(({ stage }) => stage !== 'validate' || !options.dockerfileSuffices)
  return EXIT[worstOutcome(counted.map(({ outcome }) => outcome))]
}

function planOptions({ from = 'validate', to = 'report', force = [], keepGoing = false }: RunOptions): PlanOptions {
  return { from, to, keepGoing, force: force === true ? STAGES.slice(STAGES.indexOf(from)) : force }
}

/** The stage report, in every run, whatever the others came to. */
async function writeReport(
  subject: Subject,
  pipeline: Pipeline | undefined,
  stages: readonly StageSummary[],
  options: RunOptions,
  { stages: ports, run, reportsOf }: Assembly,
  output: Output,
): Promise<FinishedRun> {
  const started = run.clock.monotonicMs()
  const name = pipeline === undefined ? 'unnamed' : nameOf(pipeline)
  const input = await gatherReportInput({ subject, pipeline, stages, toolVersion: run.toolVersion }, ports.catalogue)
  const progress = output.stageStarted('report', 'always')
  progress.step('composing the report')
  const loadRenderer = async (): Promise<ChartRenderer> => (await import('../../adapters/charts/vega-charts.ts')).vegaCharts
  const finished = await finishReport(input, { reports: reportsOf(name), loadRenderer, force: planOptions(options).force.includes('report') }).catch(
    (error: unknown) => {
      if (error instanceof Failure) return error
      throw error
    },
  )
  const seconds = (run.clock.monotonicMs() - started) / 1000
  const summary: StageSummary =
    finished instanceof Failure
      ? { stage: 'report', outcome: 'error', ran: true, seconds, key: null, reason: finished.message, problems: [] }
      : { stage: 'report', outcome: 'passed', ran: finished.ran, seconds, key: finished.key, problems: [], ...(!finished.ran && { reason: 'no stage ran' }) }
  output.stageEnded(summary)
  return { summaries: [...stages, summary], report: finished instanceof Failure ? null : { markdown: finished.files.markdown, html: finished.files.html } }
}

function toBundleOutput(bundle: ReportedBundle | undefined): RunOutput['bundle'] {
  return bundle === undefined ? null : { name: bundle.name, version: bundle.version, digest: bundle.digest, index: bundle.index }
}

function toStageOutput({ stage, outcome, ran, seconds, key, reason, problems }: StageSummary): RunOutput['stages'][number] {
  return { stage, outcome, ran, seconds, key, problems: [...problems], ...(reason !== undefined && { reason }) }
}
