import { Failure } from '../../pipeline/failure.ts'
import type { Catalogue } from '../../pipeline/ports/catalogue.ts'
import { composeReport } from '../../pipeline/report/compose-report.ts'
import { renderMarkdown, type ChartLink } from '../../pipeline/report/render-markdown.ts'
import { gatherReportInput } from '../../pipeline/report/report-input.ts'
import type { Report, ReportInput, Verdict } from '../../pipeline/report/report.ts'
import type { JudgedPlugin } from './judge-commit.ts'
import type { ActContext } from './services.ts'

/** The report of a plugin at the head, of the records alone. Fails as the catalogue does. */
export async function gatherInput({ services, world }: Pick<ActContext, 'services' | 'world'>, plugin: JudgedPlugin): Promise<ReportInput> {
  const input = await gatherReportInput(
    { subject: plugin.subject, pipeline: plugin.reading?.pipeline, stages: plugin.summaries, toolVersion: services.toolVersion },
    readableCatalogue(services.catalogue),
  )
  const { owner, name } = world.repository
  // Once it is published, the newest release is this one: there is nothing to compare it with.
  const { baseline, ...rest } = { ...input, repositoryUrl: `${services.githubUrl}/${owner}/${name}` }
  return baseline === undefined || baseline.version === plugin.facts.version ? rest : { ...rest, baseline }
}

/** A registry that does not answer keeps nobody from his verdict: nothing is compared then. */
function readableCatalogue(catalogue: Catalogue): Catalogue {
  return {
    ...catalogue,
    newestRelease: async (name) =>
      catalogue.newestRelease(name).catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'registry-unavailable') return undefined
        throw error
      }),
  }
}

/** The report as Markdown of at most `limit` bytes, with pictures where the repository is public and the app serves them. `verdict` takes the place of its own. */
export async function renderReport(
  context: Pick<ActContext, 'services' | 'world'>,
  plugin: JudgedPlugin,
  limit: number,
  verdict: Verdict | undefined,
): Promise<string> {
  const report = composeReport(await gatherInput(context, plugin))
  return renderMarkdown(verdict === undefined ? report : { ...report, verdict }, { limit, chartLinks: linkCharts(context, plugin, report) })
}

function linkCharts({ services: { charts }, world }: Pick<ActContext, 'services' | 'world'>, plugin: JudgedPlugin, report: Report): readonly ChartLink[] {
  const run = world.runs.find(({ commit, path, isDelivered }) => commit === world.head?.commit && path === plugin.facts.path && isDelivered)
  if (charts === undefined || run === undefined || world.repository.isPrivate) return []
  const address = (name: string, scheme: 'light' | 'dark'): string => charts.address(run.id, name, scheme)
  return charts.list(report).map(({ name, section, alt }) => ({ section, alt, light: address(name, 'light'), dark: address(name, 'dark') }))
}
