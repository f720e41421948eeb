import type { Failure } from '../../pipeline/failure.ts'
import type { Action, WantedCheck } from '../../pipeline/service/action.ts'
import { externalIdOf, SUMMARY_CHECK } from '../../pipeline/service/check-identity.ts'
import { decideRef } from '../../pipeline/service/decide-ref.ts'
import { sayText } from '../../pipeline/service/say.ts'
import type { RefAddress } from '../../pipeline/service/world.ts'
import { withLogContext } from '../log.ts'
import { execute, isRefused } from './execute.ts'
import { githubMemory, lookAtGithub, type GithubMemory } from './look-at-github.ts'
import { observeRef, type Observation } from './observe.ts'
import { putCheck } from './put-check.ts'
import type { ActContext, AppServices } from './services.ts'

/** Acting changes what is decided next: a run that is made is dispatched, what was fetched is reported. Nothing needs more. */
const MOST_ROUNDS = 5

/** Brings refs to what they should be. */
export type AdvanceRef = (address: RefAddress, signal: AbortSignal) => Promise<void>

/** The worker: observes, decides, acts, until nothing changes any more, then sleeps until something happens or a time comes. */
export function refAdvancer(services: AppServices): AdvanceRef {
  const memory = githubMemory()
  return async (address, signal) =>
    withLogContext({ repository: address.repository, ref: address.ref }, async () =>
      advanceRef(address, services, memory, signal).catch((error: unknown) => {
        // A right that was there a moment ago may be gone: the next attempt looks again.
        if (isRefused(error)) memory.forget()
        throw error
      }),
    )
}

async function advanceRef(address: RefAddress, services: AppServices, memory: GithubMemory, signal: AbortSignal): Promise<void> {
  const { state, inbox } = services
  const known = await state.repository(address.repository)
  if (known === undefined) return
  const look = lookAtGithub(services, { id: known.id, owner: known.owner, name: known.name, installation: known.installation ?? 0 }, signal)
  const wakeTimes: string[] = []
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    signal.throwIfAborted()
    const observation = await observeRef({ services, memory, look, address, known, signal })
    if (observation.kind === 'branch') return moveWishes(address, observation.branch, services)
    const decision = decideRef(observation.world)
    const context: ActContext = { services, address, signal, forge: look.forge, control: look.control, ...observation }
    const { isChanged, wakeAt, refusals, operatorRefusal } = await actAll(context, decision.actions)
    // A release that was completed is another one now.
    look.forget('releases')
    wakeTimes.push(...wakeAt)
    if (refusals.length > 0) await tellRefusals(context, refusals)
    // That the control repository takes nothing is no matter of the plugin's authors: the ref waits until its operator has mended it.
    if (operatorRefusal !== undefined) throw operatorRefusal
    if (isChanged && round < MOST_ROUNDS) continue
    // Whatever is left over goes on in a while.
    wakeTimes.push(...(isChanged ? [services.clock.now()] : []), ...(decision.wakeAt === undefined ? [] : [decision.wakeAt]), ...(await lookAgain(context)))
    break
  }
  const [earliest] = wakeTimes.toSorted((one, other) => Date.parse(one) - Date.parse(other))
  if (earliest !== undefined) await inbox.wakeAt(address, earliest)
}

/** For so long after a push GitHub may still show what was there before. */
const LAG_MS = 60_000
const LAG_LOOK_MS = 15_000

/** A push was told of a moment ago, and is not to be seen yet. */
async function lookAgain({ services: { state, clock }, address, world }: ActContext): Promise<readonly string[]> {
  const push = await state.lastPush(address)
  const nowMs = Date.parse(clock.now())
  if (push === undefined || push.commit === world.head?.commit || nowMs - Date.parse(push.at) > LAG_MS) return []
  return [new Date(nowMs + LAG_LOOK_MS).toISOString()]
}

interface Acted {
  readonly isChanged: boolean
  readonly wakeAt: readonly string[]
  /** By the plugin's repository. */
  readonly refusals: readonly Failure[]
  /** By the control repository, the first. */
  readonly operatorRefusal: Failure | undefined
}

/** What is done in the control repository. */
const CONTROL: ReadonlySet<Action['kind']> = new Set(['dispatch', 'cancel-run', 'fetch-records'])

/** What only the service itself writes down: done first, so that GitHub is told of it once, and not before and after. */
const OWN: ReadonlySet<Action['kind']> = new Set(['approve', 'create-run'])

/** One refusal (a permission that is missing, say) keeps nothing else from being done. */
async function actAll(context: ActContext, actions: readonly Action[]): Promise<Acted> {
  const { services, signal } = context
  let isChanged = false
  const wakeAt: string[] = []
  const refusals: Failure[] = []
  let operatorRefusal: Failure | undefined
  const own = actions.filter(({ kind }) => OWN.has(kind))
  for (const action of [...own, ...actions.filter(({ kind }) => !OWN.has(kind))]) {
    if (isChanged && !OWN.has(action.kind) && own.length > 0) break
    signal.throwIfAborted()
    try {
      const outcome = await execute(context, action)
      services.log.debug({ action: action.kind, reason: action.reason, isChanged: outcome.changed }, 'acted')
      isChanged ||= outcome.changed
      if (outcome.wakeAt !== undefined) wakeAt.push(outcome.wakeAt)
    } catch (error) {
      if (!isRefused(error)) throw error
      services.log.warn({ action: action.kind, err: error }, 'GitHub refused an action')
      if (CONTROL.has(action.kind)) operatorRefusal ??= error
      else refusals.push(error)
    }
  }
  return { isChanged, wakeAt, refusals, operatorRefusal }
}

/** Says in the summary check what GitHub did not let us do; where even that is refused, the ref is left for a person. */
async function tellRefusals(context: ActContext, refusals: readonly Failure[]): Promise<void> {
  const { head } = context.world
  const [first] = refusals
  if (head === undefined || first === undefined) return
  const sentences = [...new Set(refusals.map(({ message, suggestion = '' }) => `${message}. ${suggestion}`))]
  const check: WantedCheck = {
    name: SUMMARY_CHECK,
    commit: head.commit,
    externalId: externalIdOf(context.address.ref, ''),
    state: { status: 'completed', conclusion: 'action_required' },
    title: 'GitHub refused something that ctss has to do here',
    summary: `${sentences.map((sentence) => `- ${sayText(sentence, 1000)}`).join('\n')}\n\nGrant the app what it asks for (Settings → GitHub Apps → Configure), then push, or press *Re-run*.`,
    annotations: [],
    buttons: [],
    isProgress: false,
  }
  await putCheck({ ...context, isPrivate: context.world.repository.isPrivate }, check).catch((error: unknown) => {
    throw isRefused(error) ? first : error
  })
}

/** What people ask of a pull request from the repository itself is about its branch. */
async function moveWishes(
  address: RefAddress,
  branch: Extract<Observation, { kind: 'branch' }>['branch'],
  { state, inbox, clock }: AppServices,
): Promise<void> {
  for (const wish of await state.openWishes(address)) {
    const id = `${wish.id}/branch`
    await inbox.put({ id: `moved/${wish.id}`, address: { repository: address.repository, ref: branch }, cause: 'wish', wish: { ...wish, id } })
    await state.answerWish(wish.id, clock.now())
  }
}
