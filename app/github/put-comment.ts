import { digestOf } from '../../pipeline/digest.ts'
import { decideComment } from '../../pipeline/forge/comment-decision.ts'
import { COMMENT_TEXT_BYTES, commentMarker, composeComment } from '../../pipeline/forge/comment-text.ts'
import type { Action } from '../../pipeline/service/action.ts'
import type { JudgedPlugin } from './judge-commit.ts'
import { ensureEffect } from './effect.ts'
import { renderReport } from './report-text.ts'
import { renderRunningTable } from './running-table.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/** Progress alone is told this often. */
const PROGRESS_MS = 30_000

/** Brings the one comment of a plugin on a pull request to what it is to say; while stages run at most every 30 seconds. */
export async function putComment(context: ActContext, action: Extract<Action, { kind: 'put-comment' }>): Promise<ActOutcome> {
  const { services, repository, plugins, forge, signal } = context
  const { pullRequest, path, state } = action
  const plugin = plugins.find(({ facts }) => facts.path === path)
  if (plugin === undefined) return DONE
  const marker = commentMarker(path)
  const body = composeComment(marker, await textOf(context, plugin, action))
  const key = `comment:${repository.id}:${pullRequest}:${path}`
  const content = digestOf(body)
  const find = async (): Promise<string | undefined> => {
    const { login: author } = await services.forge.self()
    const decision = decideComment(await forge.comments(pullRequest), { marker, body, author })
    for (const { id } of decision.duplicates) await forge.deleteComment(id)
    return decision.kind === 'create' ? undefined : String(decision.comment.id)
  }
  const change = async (id: string): Promise<boolean> => forge.updateComment(Number(id), body)
  const make = async (): Promise<string> => {
    // An app that lost its state finds what it has written before.
    const known = await find()
    return known !== undefined && (await change(known)) ? known : String((await forge.createComment(pullRequest, body)).id)
  }
  const { waitsUntil } = await ensureEffect(services, { key, content, find, change, make, ...(state === 'running' && { everyMs: PROGRESS_MS }) }, signal)
  return waitsUntil === undefined ? DONE : { changed: false, wakeAt: waitsUntil }
}

async function textOf(context: ActContext, plugin: JudgedPlugin, action: Extract<Action, { kind: 'put-comment' }>): Promise<string> {
  if (action.state === 'final') return renderReport(context, plugin, COMMENT_TEXT_BYTES, action.verdict)
  const { services, world } = context
  const run = world.runs.find(({ path, commit, state }) => path === action.path && commit === world.head?.commit && state !== 'ended')
  const page = run === undefined ? '' : `\n[How it goes](${services.runUrl(run.id, world.repository.isPrivate)})\n`
  return `${action.headline}\n\n${renderRunningTable(plugin.facts, run)}\n${page}`
}
