import { Hono } from 'hono'
import type { Inbox } from '../../pipeline/ports/inbox.ts'
import { isOperator } from '../bearer.ts'
import { withoutTokens } from '../log.ts'
import { refuse } from '../problem-details.ts'
import { parseJson, readBody } from '../read-body.ts'

const MOST_SHOWN = 500
const REQUEST_BYTES = 16_384

/** What operators ask for: `GET inbox` (counts, what is parked, and what failed and is tried again), `POST inbox/replay` with `{"repository": 1, "ref": "refs/heads/main"}`. */
export function inboxRoutes(inbox: Pick<Inbox, 'counts' | 'parked' | 'retrying' | 'replay'>, operatorToken: string): Hono {
  const routes = new Hono()
  routes.use('/inbox/*', async ({ req }, next) => {
    if (!isOperator(req.raw, operatorToken)) return refuse(401, 'this is for operators: Authorization: Bearer OPERATOR_TOKEN', { 'www-authenticate': 'Bearer' })
    return next()
  })
  routes.get('/inbox', async () => {
    const [counts, parked, retrying] = await Promise.all([inbox.counts(), inbox.parked(MOST_SHOWN), inbox.retrying(MOST_SHOWN)])
    const shown = {
      counts,
      parked: parked.map(({ address, cause, attempts, error, at }) => ({ address, cause, attempts, error: withoutTokens(error), at })),
      retrying: retrying.map(({ address, cause, error, at }) => ({ address, cause, error: withoutTokens(error), at })),
    }
    return Response.json(shown, { headers: { 'cache-control': 'no-store' } })
  })
  routes.post('/inbox/replay', async ({ req }) => {
    const address: unknown = parseJson(((await readBody(req.raw, REQUEST_BYTES)) ?? Buffer.of()).toString('utf8'))
    const isAddress = typeof address === 'object' && address !== null && 'repository' in address && 'ref' in address
    if (!isAddress || !Number.isSafeInteger(address.repository) || typeof address.ref !== 'string' || !/^refs\/[^\0]+$/.test(address.ref))
      return refuse(400, 'the body is not {"repository": 1, "ref": "refs/heads/main"}')
    const isWoken = await inbox.replay({ repository: Number(address.repository), ref: address.ref })
    return isWoken ? Response.json({ replayed: true }) : refuse(404, 'this ref is not parked')
  })
  return routes
}
