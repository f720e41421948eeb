import { html, raw } from 'hono/html'
import { REPORT_STYLE } from '../../pipeline/report/report-style.ts'

/** A piece of a page: every value in it was escaped. */
export type Markup = ReturnType<typeof html>

const OWN_STYLE = `
header { max-width: 1000px; margin: 0 auto; padding: 16px 20px 0; font-weight: 600; }
header a { color: var(--soft); text-decoration: none; }
form { display: grid; gap: 10px; max-width: 480px; justify-items: start; } label { display: grid; gap: 4px; width: 100%; }
input { font: inherit; padding: 6px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: var(--ink); }
button { font: inherit; font-weight: 600; padding: 7px 14px; border: 1px solid var(--line); border-radius: 7px; background: var(--wash); color: var(--ink); cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
form + dl, form + details, dl + details { margin-top: 18px; }
`

/** What pages look like; served under an address of its own, as no style stands in a page. */
export const STYLE = `${REPORT_STYLE}${OWN_STYLE}`

/** Replaces the part of a run's page that changes, whenever the service tells that something did; at the end the page is loaded once more, with its figures. */
export const LIVE_SCRIPT = `const live = document.querySelector('[data-events]')
if (live) {
  const events = new EventSource(live.dataset.events)
  events.addEventListener('run', (event) => { live.innerHTML = JSON.parse(event.data) })
  events.addEventListener('end', () => { events.close(); location.reload() })
}
`

/** A whole page. Nothing in it comes from elsewhere, and no script stands in it. */
export function page(title: string, body: Markup, options: { readonly isLive?: boolean } = {}): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · CTSS</title>
        <link rel="stylesheet" href="/assets/style.css" />
        ${options.isLive === true ? raw('<script src="/assets/live.js" defer></script>') : ''}
      </head>
      <body>
        <header><a href="/">CTSS</a></header>
        <main>${body}</main>
      </body>
    </html> `
}
