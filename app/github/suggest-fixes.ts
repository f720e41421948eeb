import { digestOf } from '../../pipeline/digest.ts'
import type { Action } from '../../pipeline/service/action.ts'
import type { SuggestedFix } from '../../pipeline/service/world.ts'
import { lookFor } from './effect.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/**
 * Suggests fixes at their lines, each once for as long as the pull request is open, whatever commits follow. Lines outside its changes take no suggestion:
 * the forge refuses them, and they are not tried again.
 */
export async function suggestFixes(
  { services, repository, forge, signal }: ActContext,
  { pullRequest, commit, fixes }: Extract<Action, { kind: 'suggest' }>,
): Promise<ActOutcome> {
  const { state, clock } = services
  const begun = await beginEach(services, `suggest:${repository.id}:${pullRequest}`, fixes)
  const doubtful = begun.filter(({ since }) => since !== undefined)
  const since = doubtful
    .flatMap((fix) => fix.since ?? [])
    .toSorted()
    .at(-1)
  let bodies: readonly string[] = []
  const isThere = (fix: BegunFix): boolean => bodies.some((body) => body.includes(markerOf(fix)))
  const findAll = async (): Promise<true | undefined> => {
    bodies = await forge.reviewComments(pullRequest)
    return doubtful.every(isThere) ? true : undefined
  }
  if (since !== undefined) await lookFor(services, since, findAll, signal)
  for (const fix of doubtful) await (isThere(fix) ? state.effects.finish(fix.key, 'suggested', '', clock.now()) : state.effects.restart(fix.key, clock.now()))
  const fresh = begun.filter((fix) => !isThere(fix))
  if (fresh.length === 0) return DONE
  const suggest = async (some: readonly BegunFix[]): Promise<boolean> => forge.suggest(pullRequest, commit, some.map(commentOf))
  const isTaken = await suggest(fresh)
  // One line outside of the changes has the whole review refused.
  for (const fix of fresh)
    await state.effects.finish(fix.key, isTaken || (fresh.length > 1 && (await suggest([fix]))) ? 'suggested' : 'refused', '', clock.now())
  return DONE
}

interface BegunFix extends SuggestedFix {
  readonly id: string
  readonly key: string
  /** Somebody has begun it then, and nobody knows how it ended. */
  readonly since: string | undefined
}

/** Those that nobody has finished. */
async function beginEach({ state, clock }: ActContext['services'], prefix: string, fixes: readonly SuggestedFix[]): Promise<readonly BegunFix[]> {
  const begun: BegunFix[] = []
  for (const fix of identify(fixes)) {
    const key = `${prefix}:${fix.id}`
    const effect = await state.effects.begin(key, clock.now())
    if (effect.kind !== 'done') begun.push({ ...fix, key, since: effect.kind === 'in-doubt' ? effect.since : undefined })
  }
  return begun
}

/** The same problem of the next commit is the same fix, wherever its line has moved; of several that are equal, each is told by how many come before it. */
function identify(fixes: readonly SuggestedFix[]): readonly (SuggestedFix & { readonly id: string })[] {
  const equal = new Map<string, number>()
  return fixes.map((fix) => {
    const { code, file, replacement, message } = fix
    const what = JSON.stringify([code, file, replacement, message])
    const before = equal.get(what) ?? 0
    equal.set(what, before + 1)
    return { ...fix, id: digestOf(before === 0 ? what : `${what} ${before}`).slice('sha256:'.length, 'sha256:'.length + 16) }
  })
}

function markerOf({ id }: BegunFix): string {
  return `<!-- ctss:suggestion:v1 ${id} -->`
}

function commentOf(fix: BegunFix): { readonly path: string; readonly startLine: number; readonly line: number; readonly body: string } {
  const { file, startLine, endLine, code, message, replacement } = fix
  const longest = Math.max(2, ...(replacement.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const body = `${markerOf(fix)}\n**${code}** ${message}\n\n${fence}suggestion\n${replacement === '' ? '' : `${replacement}\n`}${fence}`
  return { path: file, startLine, line: endLine, body }
}
