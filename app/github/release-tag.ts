import { completeRelease } from '../../pipeline/forge/complete-release.ts'
import type { Chart } from '../../pipeline/ports/charts.ts'
import { releaseAssets } from '../../pipeline/publish/release-assets.ts'
import { GITHUB_LIMIT, renderMarkdown } from '../../pipeline/report/render-markdown.ts'
import { runReport } from '../../pipeline/report/report-stage.ts'
import type { Report } from '../../pipeline/report/report.ts'
import type { Action } from '../../pipeline/service/action.ts'
import { gatherInput } from './report-text.ts'
import { DONE, type ActContext, type ActOutcome, type AppServices } from './services.ts'

/** For the marker that ends the text. */
const RESERVED_BYTES = 256

/** Completes the release of a tag: draft, every asset, then published, with what has changed since the version before. Each look finds what is there already. */
export async function releaseTag(context: ActContext, { path, tag, commit }: Extract<Action, { kind: 'complete-release' }>): Promise<ActOutcome> {
  const { services, plugins, forge, repository } = context
  const plugin = plugins.find(({ facts }) => facts.path === path)
  const recordOf = (stage: string) => plugin?.summaries.find((summary) => summary.stage === stage && summary.outcome === 'passed')?.record
  const publish = recordOf('publish')
  const { name, version } = plugin?.facts ?? {}
  if (plugin === undefined || publish === undefined || name === undefined || version === undefined) return DONE
  // Compared with the version before it, also where a newer one is out already.
  const { baseline: _, ...input } = await gatherInput(context, plugin)
  const before = await services.releaseBefore(name, version)
  const document = await runReport({ ...input, ...(before && { baseline: before }) }, { render: async (report) => drawCharts(services, report) })
  const outcome = await completeRelease(
    forge,
    {
      tag,
      commit,
      version,
      title: `${name} ${version}`,
      text: renderMarkdown(document.report, { limit: GITHUB_LIMIT - RESERVED_BYTES }),
      assets: releaseAssets({ publish, train: recordOf('train'), virtual: recordOf('virtual'), report: document }, services.blobs),
    },
    { step: (line) => services.log.debug({ tag }, line), output: () => undefined },
  )
  for (const problem of outcome.problems) services.log.warn({ repository: repository.id, tag, code: problem.code }, problem.message)
  return { changed: outcome.kind === 'published' }
}

/** A release without its pictures is better than none. */
async function drawCharts({ charts, log }: AppServices, report: Report): Promise<readonly Chart[]> {
  try {
    return (await charts?.renderer.render(report)) ?? []
  } catch (error) {
    log.warn({ err: error }, 'the charts of a release could not be drawn')
    return []
  }
}
