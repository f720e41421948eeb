import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { githubTransport } from '../../adapters/github/transport.ts'
import { ENVIRONMENT_FILE, type AppEnvironment } from '../environment.ts'
import { isEqual, openLinks } from '../links.ts'
import type { Logger } from '../log.ts'
import { readAppManifest, registrationManifest, renderEnvironmentFile, type AppManifest } from '../manifest.ts'
import { parseJson } from '../read-body.ts'
import { isOperator } from '../bearer.ts'
import { page, type Markup } from './layout.ts'

export interface SetupOptions {
  readonly environment: Pick<AppEnvironment, 'publicUrl' | 'operatorToken' | 'stateFolder' | 'github'>
  readonly log: Logger
  readonly now: () => number
  readonly manifest?: AppManifest
}

const STATE_SECONDS = 3600
const ORGANISATION = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/
const CODE = /^[A-Za-z0-9_-]{1,100}$/
const COOKIE = 'ctss-setup'

/**
 * Registers the app at GitHub from app.yml, while there is none: `/setup` posts the manifest, GitHub asks a person and sends him back to `/setup/registered` with
 * a code, for which it gives key and secrets once. They go into a file that only the service's user can read. All of it is for operators.
 */
export function setupRoutes(options: SetupOptions): Hono {
  const { environment, log, now, manifest = readAppManifest() } = options
  const { publicUrl, operatorToken, github } = environment
  const routes = new Hono()
  // A state is a ticket of the same kind as those of uploads: signed, and only for a time.
  const states = openLinks({ publicUrl, linkSecret: operatorToken })
  const isSecure = publicUrl.startsWith('https:')

  routes.use('*', async (context, next) => {
    // What is shown once stays in no cache.
    context.header('cache-control', 'no-store')
    if (!isOperator(context.req.raw, operatorToken))
      return new Response('This page is for operators: any user name, and OPERATOR_TOKEN as the password.\n', {
        status: 401,
        headers: { 'www-authenticate': 'Basic realm="CTSS set-up", charset="UTF-8"' },
      })
    return next()
  })

  routes.get('/', (context) => {
    const organisation = context.req.query('organisation') ?? ''
    if (organisation !== '' && !ORGANISATION.test(organisation))
      return context.html(told('No organisation', 'An organisation at GitHub has letters, digits and hyphens in its name.'), 400)
    const nonce = randomBytes(16).toString('hex')
    const state = `${nonce}.${states.ticket({ run: nonce, digest: 'setup', bytes: 0, until: Math.floor(now() / 1000) + STATE_SECONDS })}`
    context.header('set-cookie', `${COOKIE}=${state}; Path=/setup; Max-Age=${STATE_SECONDS}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`)
    return context.html(
      renderForm(
        registrationManifest(manifest, publicUrl),
        manifest.permissions,
        `${github.web}${organisation === '' ? '' : `/organizations/${organisation}`}/settings/apps/new?state=${state}`,
        organisation,
      ),
    )
  })

  routes.get('/registered', async (context) => {
    const { code = '', state = '' } = context.req.query()
    const cookie = /(?:^|; )ctss-setup=([^;]*)/.exec(context.req.header('cookie') ?? '')?.[1] ?? ''
    const [nonce = '', ...ticket] = state.split('.')
    const isOurs = isEqual(state, cookie) && states.isTicket({ run: nonce, digest: 'setup', bytes: 0 }, ticket.join('.'), now() / 1000)
    if (!isOurs || !CODE.test(code))
      return context.html(told('This was not begun here', 'Open /setup again, and register the app from there within an hour.'), 400)
    const registered = await convert(github.api, code).catch((error: unknown) => {
      log.error({ err: error }, 'the registration could not be fetched')
      return undefined
    })
    if (registered === undefined)
      return context.html(
        told('GitHub gives no key', 'The code was used before, or is too old. Delete the app at GitHub if it was made, and open /setup again.'),
        502,
      )
    const text = renderEnvironmentFile({
      APP_ID: String(registered.id),
      PRIVATE_KEY: registered.pem,
      WEBHOOK_SECRET: registered.webhookSecret,
      LINK_SECRET: randomBytes(32).toString('hex'),
    })
    const path = join(environment.stateFolder, ENVIRONMENT_FILE)
    const isKept = await keep(environment.stateFolder, path, text)
    log.info({ appId: registered.id, isKept }, 'the app was registered')
    context.header('set-cookie', `${COOKIE}=; Path=/setup; Max-Age=0; HttpOnly; SameSite=Lax`)
    return context.html(renderRegistered(registered, isKept ? path : undefined, text))
  })

  return routes
}

interface Registered {
  readonly id: number
  readonly url: string
  readonly pem: string
  readonly webhookSecret: string
}

async function convert(api: string, code: string): Promise<Registered> {
  const send = githubTransport({})
  const answer = await send(`${api}/app-manifests/${code}/conversions`, {
    method: 'POST',
    headers: { accept: 'application/vnd.github+json', 'user-agent': 'ctss' },
  })
  const value = parseJson(await answer.text())
  const isWhole =
    answer.status === 201 && typeof value === 'object' && value !== null && 'id' in value && 'pem' in value && 'webhook_secret' in value && 'html_url' in value
  if (
    !isWhole ||
    typeof value.id !== 'number' ||
    typeof value.pem !== 'string' ||
    typeof value.webhook_secret !== 'string' ||
    typeof value.html_url !== 'string'
  )
    throw new TypeError(`GitHub answered ${answer.status}, or not with what it documents`)
  return { id: value.id, url: value.html_url, pem: value.pem, webhookSecret: value.webhook_secret }
}

/** False: it could not be written, or there is one already, which is never overwritten. */
async function keep(folder: string, path: string, text: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(path, text, { mode: 0o600, flag: 'wx', flush: true })
    return true
  } catch {
    return false
  }
}

function told(title: string, text: string): Markup {
  return page(
    title,
    html`<section>
      <h2>${title}</h2>
      <p>${text}</p>
    </section>`,
  )
}

function renderPermissions(permissions: AppManifest['permissions']): Markup {
  return html`<dl>
    ${Object.entries(permissions).map(
      ([name, level]) =>
        html`<dt><code>${name}</code></dt>
          <dd>${level}</dd>`,
    )}
  </dl>`
}

function renderForm(manifest: Readonly<Record<string, unknown>>, permissions: AppManifest['permissions'], action: string, organisation: string): Markup {
  return page(
    'Set-up',
    html`<section>
        <h2>1. Who owns the app</h2>
        <form method="get" action="/setup">
          <label>Organisation at GitHub; empty: your own account <input name="organisation" value="${organisation}" maxlength="39" /></label>
          <button>Choose</button>
        </form>
      </section>
      <section>
        <h2>2. Register it${organisation === '' ? '' : html` for <code>${organisation}</code>`}</h2>
        <p>GitHub shows what the app may do and what it is told, and asks you. Then it sends you back here.</p>
        <form method="post" action="${action}">
          <input type="hidden" name="manifest" value="${JSON.stringify(manifest)}" />
          <button>Register at GitHub</button>
        </form>
        ${renderPermissions(permissions)}
        <details>
          <summary>All that is registered</summary>
          <pre>${JSON.stringify(manifest, undefined, 2)}</pre>
        </details>
      </section>`,
  )
}

function renderRegistered({ url, id }: Registered, path: string | undefined, text: string): Markup {
  const stored =
    path === undefined
      ? html`<p>The service could not store them. They are shown once, here: put them into its environment.</p>
          <pre>${text}</pre>`
      : html`<p>Key and secrets are in <code>${path}</code>, which only the service's user can read; it reads them when it starts. Nothing else has them.</p>`
  return page(
    'Registered',
    html`<section>
      <h2>The app is registered: ${id}</h2>
      ${stored}
      <p>
        Next: set <code>CONTROL_REPOSITORY</code>, <code>DISPATCH_WORKFLOW</code> and <code>REGISTRY</code>, restart the service, and
        <a href="${url}/installations/new">install the app</a> in the control repository.
      </p>
    </section>`,
  )
}
