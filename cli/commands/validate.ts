import { Failure } from '../../pipeline/failure.ts'
import type { JudgeOptions } from '../../pipeline/validate/judge-manifest.ts'
import type { ManifestReport } from '../../pipeline/validate/judge-repository.ts'
import { MAX_FILE_BYTES } from '../../pipeline/validate/yaml-source.ts'
import { readEnvironment, wantsColor, workParentOf } from '../environment.ts'
import type { CliEnvironment } from '../environment.ts'
import { EXIT, explainError, type ExitCode } from '../../pipeline/exit-code.ts'
import { interruptible } from '../../adapters/process/interruptible.ts'
import { judgedPlace, loadJudge } from '../judge-place.ts'
import type { Judge, JudgedPlace } from '../judge-place.ts'
import { mend } from '../mend.ts'
import type { Mending } from '../mend.ts'
import { openPlace } from '../open-place.ts'
import type { OpenPlace } from '../open-place.ts'
import type { ValidateOptions } from '../options.ts'
import { printable } from '../../pipeline/printable.ts'
import { describeMending } from '../output/validate/mending.ts'
import { openWriter } from '../output/validate/open-writer.ts'
import type { ReportWriter } from '../output/validate/report-writer.ts'
import { patchNote, patchPath, showReport } from '../output/validate/show-report.ts'
import type { ReportOrigin } from '../output/validate/show-report.ts'
import { writeOut } from '../output/validate/write-out.ts'

/** What the places of one call share. */
interface Validation {
  readonly options: ValidateOptions
  readonly environment: CliEnvironment
  readonly judge: Judge
  readonly writer: ReportWriter
  readonly totals: { manifests: number; failed: number; unreadable: number }
  readonly signal: AbortSignal
}

/**
 * `ctss validate`: every problem of every manifest of the places, each as soon as its place is judged. Needs nothing installed, and leaves no record.
 * A place that cannot be read is said on stderr; the others are judged all the same.
 */
export async function validateCommand(places: readonly string[], options: ValidateOptions, given?: Judge): Promise<ExitCode> {
  const environment = readEnvironment()
  const color = wantsColor(environment, process.stdout)
  return interruptible(async (signal) => {
    const judge = given ?? (await loadJudge())
    const writer = await openWriter(options, { color, documents: judge.documents, isOnlyPlace: places.length === 1 })
    const totals = { manifests: 0, failed: 0, unreadable: 0 }
    const shared = { options, environment, judge, writer, totals, signal }
    await writeOut(process.stdout, writer.begin())
    for (const place of places) await validatePlace(place, shared)
    await writeOut(process.stdout, writer.end(totals))
    if (totals.unreadable > 0) return EXIT.error
    return totals.failed > 0 ? EXIT.failed : EXIT.passed
  })
}

async function validatePlace(place: string, validation: Validation): Promise<void> {
  const { options, writer, totals, signal } = validation
  signal.throwIfAborted()
  try {
    if (options.fix) await fixPlace(place, validation)
    await using opened = await open(place, validation)
    const judged = await prepare(opened, validation)
    const origin = originOf(place, opened)
    for (const report of await judged.reports()) {
      const shown = await showReport(await withBuildkit(report, opened, validation), origin, {
        strict: options.strict ?? false,
        showsLines: writer.showsLines,
        source: judged,
      })
      totals.manifests += 1
      if (shown.failed) totals.failed += 1
      await writeOut(process.stdout, await writer.report(shown))
    }
    if (options.diff) await printPatch(await mend(judged), origin, options)
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error
    totals.unreadable += 1
    tell(error)
    await writeOut(process.stdout, writer.failure?.(place, error.message) ?? '')
  }
}

/** The report, with what BuildKit finds where it was asked for; that it cannot be asked is no reason to fail. */
async function withBuildkit(report: ManifestReport, opened: OpenPlace, { options, environment, signal }: Validation): Promise<ManifestReport> {
  if (!options.buildkit || opened.kind !== 'repository') return report
  const { checkWithBuildkit } = await import('../buildkit-check.ts')
  try {
    const found = await checkWithBuildkit(opened.tree, report.path, { workParent: workParentOf(environment), signal })
    return { ...report, problems: [...report.problems, ...found] }
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error
    tell(error)
    return report
  }
}

/** What a stranger's texts in it say is made harmless. */
function tell(error: Failure): void {
  process.stderr.write(`ctss: ${explainError(error).text.split('\n').map(printable).join('\n')}\n`)
}

async function open(place: string, { options, environment, signal }: Validation): Promise<OpenPlace> {
  return openPlace(place, { ref: options.ref, workParent: workParentOf(environment), signal, limitBytes: MAX_FILE_BYTES })
}

async function prepare(opened: OpenPlace, { options, environment, judge }: Validation): Promise<JudgedPlace> {
  const { user, repository, asSubmitted = false } = options
  const branch = options.branch ?? (opened.kind === 'repository' && opened.folder === undefined ? options.ref : undefined)
  const facts: JudgeOptions = {
    mode: asSubmitted ? 'submitted' : 'portal',
    users: environment.sageUsers,
    ...(user !== undefined && { user }),
    ...(repository !== undefined && { repository }),
    ...(branch !== undefined && { branch }),
  }
  return judgedPlace(opened, facts, judge)
}

function originOf(place: string, opened: OpenPlace): ReportOrigin {
  if (opened.kind === 'file') return { place, kind: 'file' }
  return { place, kind: opened.folder === undefined ? 'url' : 'folder' }
}

/** Writes every safe fix; what is left is judged afterwards, from what lies there then. */
async function fixPlace(place: string, validation: Validation): Promise<void> {
  await using opened = await open(place, validation)
  const judged = await prepare(opened, validation)
  if (typeof judged.write === 'string') throw new Failure('storage-unavailable', `${place}: ${judged.write}.`)
  const mending = await mend(judged)
  validation.signal.throwIfAborted()
  await judged.write(mending.files)
  if (!validation.options.quiet) process.stderr.write(describeMending(mending, originOf(place, opened), 'fixed'))
}

async function printPatch(mending: Mending, origin: ReportOrigin, { quiet = false }: ValidateOptions): Promise<void> {
  const { writePatch } = await import('../output/validate/diff.ts')
  const changes = mending.files.map(({ file, before, after }) => ({
    path: patchPath(file, origin, before === undefined),
    before: before?.toString('utf8'),
    after: after.toString('utf8'),
  }))
  const note = patchNote(
    mending.files.map(({ file }) => file),
    origin,
  )
  await writeOut(process.stdout, note + writePatch(changes))
  if (!quiet) process.stderr.write(describeMending(mending, origin, 'would be fixed'))
}
