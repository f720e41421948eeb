import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Links } from '../links.ts'
import type { Logger } from '../log.ts'
import { LIVE_SCRIPT, page, STYLE, type Markup } from './layout.ts'
import type { RunCharts } from './run-charts.ts'
import { runEvents } from './run-events.ts'
import { renderRunPage } from './run-page.ts'
import type { RunWatch } from './watch-runs.ts'

export interface PagePorts {
  readonly runs: RunWatch
  readonly charts: RunCharts
  readonly links: Links
  /** Where the app is installed, at GitHub. Undefined: GitHub cannot say. */
  readonly installUrl: () => Promise<string | undefined>
  readonly now: () => number
  readonly log: Logger
  /** Fires when the service is stopped. */
  readonly signal: AbortSignal
}

const PICTURES_MS = 2000
const RUN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const PICTURE = /^([a-z0-9-]{1,60})-(light|dark)\.png$/

/** Pages for people: what this is, and how a run goes. What there is not and what one may not see look the same. */
export function pageRoutes({ runs, charts, links, installUrl, now, log, signal }: PagePorts): Hono {
  const routes = new Hono()
  const tellRun = runEvents({ runs, now, log, signal })

  const maySee = async (run: StoredRun, key: string): Promise<boolean> => links.isRunKey(run.id, key) || runs.isPublic(run)

  /** The run, if this request may see it. */
  const findRun = async (id: string, key: string): ReturnType<RunWatch['find']> => {
    const found = RUN.test(id) ? await runs.find(id) : undefined
    return found !== undefined && (await maySee(found.run, key)) ? found : undefined
  }

  routes.get('/', async (context) => context.html(renderHome(await installUrl())))

  routes.get('/runs/:id', async (context) => {
    const [id, key] = [context.req.param('id'), context.req.query('key') ?? '']
    const found = await findRun(id, key)
    if (found === undefined) return context.notFound()
    const isPublic = await runs.isPublic(found.run)
    // Addresses of pictures carry no key of their own that could be taken back: for public repositories alone.
    const drawn = isPublic ? await inTime(charts.of(found.run)) : []
    const pictures = drawn?.map(({ name }) => links.chart(id, name, 'light'))
    context.header('cache-control', 'no-store')
    return context.html(renderRunPage(found.view, `/runs/${id}/events${key === '' ? '' : `?key=${encodeURIComponent(key)}`}`, pictures))
  })

  routes.get('/runs/:id/events', async (context) => {
    const [id, key] = [context.req.param('id'), context.req.query('key') ?? '']
    if ((await findRun(id, key)) === undefined) return context.notFound()
    context.header('cache-control', 'no-store')
    // Proxies keep a stream back until it is whole, unless they are told.
    context.header('x-accel-buffering', 'no')
    return tellRun(context, id, async (run) => maySee(run, key))
  })

  routes.get('/charts/:key/:file', async (context) => {
    const run = links.readChartKey(context.req.param('key'))
    const [, name, scheme] = PICTURE.exec(context.req.param('file')) ?? []
    const found = run === undefined || name === undefined ? undefined : await runs.find(run)
    if (found === undefined || !(await runs.isPublic(found.run))) return context.notFound()
    const chart = (await charts.of(found.run)).find((one) => one.name === name)
    const png = scheme === 'dark' ? chart?.dark.png : chart?.light.png
    if (png === undefined) return context.notFound()
    return new Response(new Uint8Array(png), {
      headers: { 'content-type': 'image/png', 'cache-control': 'public, max-age=31536000, immutable', 'cross-origin-resource-policy': 'cross-origin' },
    })
  })

  routes.route('/', assetRoutes())
  return routes
}

/** The page does not wait for its pictures, nor fail with them. Undefined: who opens it again has them. */
async function inTime<Item>(pictures: Promise<readonly Item[]>): Promise<readonly Item[] | undefined> {
  return Promise.race([pictures.catch(() => []), sleep(PICTURES_MS, undefined, { ref: false })])
}

/** Style and script of the pages. */
export function assetRoutes(): Hono {
  const routes = new Hono()
  const headers = (type: string): Record<string, string> => ({ 'content-type': `${type}; charset=utf-8`, 'cache-control': 'public, max-age=3600' })
  routes.get('/assets/style.css', () => new Response(STYLE, { headers: headers('text/css') }))
  routes.get('/assets/live.js', () => new Response(LIVE_SCRIPT, { headers: headers('text/javascript') }))
  return routes
}

function renderHome(installUrl: string | undefined): Markup {
  return page(
    'Edge plugins, tested',
    html`<section>
      <h2>From a plugin's repository to an edge plugin that is tested, trained, built and published</h2>
      <p>
        Install the app in the repository of a Sage/Waggle plugin, and push: the manifest is judged in seconds, the stages run, and checks, one comment and the
        release carry the result. No workflow file, no secret.
      </p>
      ${installUrl === undefined ? '' : html`<p><a href="${installUrl}">Install the app</a></p>`}
    </section>`,
  )
}

/** What is answered where there is nothing that the reader may see. */
export function renderMissing(): Markup {
  return page(
    'Not found',
    html`<section>
      <h2>There is nothing here</h2>
      <p class="note">Or it is of a private repository: open it from the check or the comment at GitHub.</p>
    </section>`,
  )
}
