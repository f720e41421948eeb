import { html } from 'hono/html'
import { formatSeconds, formatTime } from '../../pipeline/report/format-figures.ts'
import { clipText, sanitiseLine, sanitiseText } from '../../pipeline/report/sanitise-text.ts'
import type { Problem } from '../../pipeline/problem.ts'
import { page, type Markup } from './layout.ts'
import type { JobView, RunView, StageView } from './run-view.ts'

const MOST_PROBLEMS = 200
const LONGEST_LINE = 1000

/** Each in a word, with the class of the style and a sign for those who see no colours. */
const STATES: Readonly<Record<StageView['state'], { readonly tone: string; readonly mark: string; readonly word: string }>> = {
  waiting: { tone: 'skipped', mark: '…', word: 'waiting' },
  running: { tone: 'warning', mark: '▸', word: 'running' },
  done: { tone: 'skipped', mark: '✓', word: 'done, not told yet' },
  passed: { tone: 'passed', mark: '✓', word: 'passed' },
  failed: { tone: 'failed', mark: '✗', word: 'failed' },
  error: { tone: 'error', mark: '!', word: 'ended in an error' },
  skipped: { tone: 'skipped', mark: '–', word: 'skipped' },
  reused: { tone: 'passed', mark: '=', word: 'reused' },
  unknown: { tone: 'skipped', mark: '?', word: 'left no record' },
}

/** The page of a run; it goes on by itself while the run does. `pictures`: undefined while they are drawn. */
export function renderRunPage(view: RunView, eventsUrl: string, pictures: readonly string[] | undefined): Markup {
  const isLive = view.state !== 'ended'
  const live = isLive ? html`<div data-events="${eventsUrl}">${renderRun(view)}</div>` : renderRun(view)
  const charts =
    pictures?.length === 0
      ? ''
      : html`<section>
          <h2>Figures</h2>
          ${pictures === undefined ? html`<p class="note">They are being drawn: load the page again in a moment.</p>` : pictures.map((url) => html`<figure><img src="${url}" alt="" width="700" /></figure>`)}
        </section>`
  return page(show(view.title), html`${live}${charts}`, { isLive })
}

/** The part that changes. */
export function renderRun(view: RunView): Markup {
  const { tone, word } = verdictOf(view)
  return html`<div class="verdict ${tone}">
      <p class="name">${show(view.title)}</p>
      <h1>The run ${word}</h1>
      ${view.reason === undefined ? '' : html`<p class="next">${show(view.reason)}</p>`}
      <p class="about">${renderPlace(view)}</p>
    </div>
    <ol class="track">
      ${view.stages.map(({ stage, state, seconds }) => html`<li class="${STATES[state].tone}"><span class="mark">${STATES[state].mark}</span><b>${stage}</b><span class="muted">${seconds === undefined ? STATES[state].word : formatSeconds(seconds)}</span></li>`)}
    </ol>
    ${view.stages.filter(isWorthTelling).map(renderStage)}`
}

function verdictOf({ state, outcome }: RunView): { readonly tone: string; readonly word: string } {
  switch (state) {
    case 'queued':
      return { tone: 'skipped', word: 'waits for its turn' }
    case 'dispatched':
      return { tone: 'warning', word: 'waits for a machine' }
    case 'running':
      return { tone: 'warning', word: 'is under way' }
    case 'ended':
      return ENDINGS[outcome ?? 'error']
  }
}

const ENDINGS = {
  passed: { tone: 'passed', word: 'passed' },
  failed: { tone: 'failed', word: 'failed' },
  error: { tone: 'error', word: 'ended in an error' },
  cancelled: { tone: 'skipped', word: 'was cancelled' },
}

function renderPlace(view: RunView): Markup {
  const commit = html`<a href="${view.repositoryUrl}/commit/${view.commit}" rel="nofollow"><code>${view.commit.slice(0, 7)}</code></a>`
  const workflow = view.workflowUrl === undefined ? '' : html` · <a href="${view.workflowUrl}" rel="nofollow">jobs</a>`
  return html`<a href="${view.repositoryUrl}" rel="nofollow">${show(view.repositoryUrl.replace(/^https?:\/\/[^/]+\//, ''))}</a> at ${commit} of
    ${show(view.ref.replace(/^refs\/(?:heads|tags)\//, ''))} · ${view.trust} ·
    ${formatTime(view.created)}${view.dispatches > 1 ? ` · started ${view.dispatches} times` : ''}${workflow}`
}

/** What passed says no more than its place in the row above. */
function isWorthTelling({ state, problems, jobs }: StageView): boolean {
  return problems.length > 0 || jobs.length > 0 || ['failed', 'error', 'skipped', 'reused', 'unknown'].includes(state)
}

function renderStage({ stage, state, reason, jobs, problems }: StageView): Markup {
  const { tone, mark, word } = STATES[state]
  return html`<section class="${tone}">
    <h2><span class="mark">${mark}</span> ${stage} ${word}</h2>
    ${reason === '' ? '' : html`<p class="note">${show(reason)}</p>`}
    ${
      jobs.length === 0
        ? ''
        : html`<ul class="items">
            ${jobs.map(renderJob)}
          </ul>`
    }
    ${
      problems.length === 0
        ? ''
        : html`<ul class="items">
            ${problems.slice(0, MOST_PROBLEMS).map(renderProblem)}
          </ul>`
    }
    ${problems.length > MOST_PROBLEMS ? html`<p class="note">and ${problems.length - MOST_PROBLEMS} more</p>` : ''}
  </section>`
}

function renderJob({ name, machine, step, started }: JobView): Markup {
  return html`<li>
    <div>
      <b>${show(name)}</b> ${machine === undefined ? '' : html`on <code>${show(machine)}</code>`} ${step === undefined ? '' : html`· ${show(step)}`}
      ${started === undefined ? '' : html`<span class="muted">since ${formatTime(started)}</span>`}
    </div>
  </li>`
}

function renderProblem({ severity, code, message, place, suggestion, detail }: Problem): Markup {
  const where = place === undefined ? '' : html`<code>${show(place.file)}${place.line === undefined ? '' : `:${place.line}`}</code> `
  return html`<li class="${severity === 'error' ? 'failed' : 'warning'}">
    <span class="mark">${severity === 'error' ? '✗' : '!'}</span>
    <div>
      ${where}${show(message)}
      <span class="muted">${show(code)}</span>
      ${suggestion === undefined ? '' : html`<p class="note">${show(suggestion)}</p>`}${detail === undefined ? '' : html`<pre>${sanitiseText(detail)}</pre>`}
    </div>
  </li>`
}

/** Text of strangers: escaped by `html`, and here without what could reorder or hide what stands around it. */
function show(text: string): string {
  return clipText(sanitiseLine(text), LONGEST_LINE)
}
