import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { routePath } from 'hono/route'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { isOperator } from './bearer.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { refuse, refuseError } from './problem-details.ts'
import { renderMissing } from './web/pages.ts'

export interface RouteOptions {
  readonly log: Logger
  /** Pages of GitHub, to which the set-up sends a form. */
  readonly githubUrl: string
  /** Undefined before the app is registered. */
  readonly metrics: Metrics | undefined
  readonly operatorToken: string
  /** Whether the service can do its work. */
  readonly isReady: () => Promise<boolean>
  /** What else there is, by the path that it is mounted at. */
  readonly mounts: readonly (readonly [path: string, routes: Hono])[]
}

/** Neither logged nor counted: they are asked for all the time. */
const QUIET = ['/healthz', '/readyz', '/metrics']

/** Everything that the service answers: safe headers, one line of log for each request, no error told to strangers. */
export function serviceRoutes({ log, githubUrl, metrics, operatorToken, isReady, mounts }: RouteOptions): Hono {
  const routes = new Hono()
  routes.use(async (context, next) => {
    const started = performance.now()
    await next()
    if (QUIET.includes(context.req.path)) return
    const [seconds, route, { status }] = [(performance.now() - started) / 1000, routePath(context, -1), context.res]
    metrics?.observeRequest(route, status, seconds)
    log.debug({ method: context.req.method, route, status, ms: Math.round(seconds * 1000) }, 'a request was answered')
  })
  routes.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'", githubUrl],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'no-referrer',
      xFrameOptions: 'DENY',
      crossOriginResourcePolicy: false,
    }),
  )
  routes.get('/healthz', () => new Response('ok\n'))
  routes.get('/readyz', async () => ((await isReady()) ? new Response('ready\n') : new Response('not ready\n', { status: 503 })))
  routes.get('/metrics', async ({ req }) => {
    if (!isOperator(req.raw, operatorToken)) return refuse(401, 'this is for operators: Authorization: Bearer OPERATOR_TOKEN', { 'www-authenticate': 'Bearer' })
    const { contentType, text } = (await metrics?.render()) ?? { contentType: 'text/plain', text: '' }
    return new Response(text, { headers: { 'content-type': contentType } })
  })
  for (const [path, mounted] of mounts) routes.route(path, mounted)
  routes.notFound((context) =>
    context.req.path.startsWith('/api/') ? refuse(404, 'there is nothing here') : context.html(renderMissing(), 404 satisfies ContentfulStatusCode),
  )
  routes.onError((error, context) => {
    log.error({ err: error, method: context.req.method, route: routePath(context, -1) }, 'a request failed')
    return refuseError(error)
  })
  return routes
}
