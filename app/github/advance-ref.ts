import type { Failure } from '../../pipeline/failure.ts'
import type { Action, WantedCheck } from '../../pipeline/service/action.ts'
import { stageOfCheck } from '../../pipeline/service/check-identity.ts'
import { decideRef } from '../../pipeline/service/decide-ref.ts'
import { sayText } from '../../pipeline/service/say.ts'
import type { RefAddress, Refusal } from '../../pipeline/service/world.ts'
import { withLogContext } from '../log.ts'
import { execute, isRefused } from './execute.ts'
import { githubMemory, lookAtGithub, type GithubMemory } from './look-at-github.ts'
import { observeRef, type Observation } from './observe.ts'
import type { ActContext, AppServices } from './services.ts'

/** Acting changes what is decided next: a run that is made is dispatched, what was fetched is reported. Nothing needs more. */
const MOST_ROUNDS = 5

/** Brings refs to what they should be. */
export type AdvanceRef = (address: RefAddress, signal: AbortSignal) => Promise<void>

/** The worker: observes, decides, acts, until nothing changes any more, then sleeps until something happens or a time comes. */
export function refAdvancer(services: AppServices): AdvanceRef {
  const memory = githubMemory()
  const refused: Refused = new Map()
  return async (address, signal) =>
    withLogContext({ repository: address.repository, ref: address.ref }, async () =>
      advanceRef(address, services, { memory, refused }, signal).catch((error: unknown) => {
        // A right that was there a moment ago may be gone: the next attempt looks again.
        if (isRefused(error)) memory.forget()
        throw error
      }),
    )
}

/** What GitHub has refused of a ref, until it does no more. */
type Refused = Map<string, readonly Refusal[]>

async function advanceRef(
  address: RefAddress,
  services: AppServices,
  { memory, refused }: { readonly memory: GithubMemory; readonly refused: Refused },
  signal: AbortSignal,
): Promise<void> {
  const place = `${address.repository} ${address.ref}`
  const { state, inbox } = services
  const known = await state.repository(address.repository)
  if (known === undefined) return
  const look = lookAtGithub(services, { id: known.id, owner: known.owner, name: known.name, installation: known.installation ?? 0 }, signal)
  const wakeTimes: string[] = []
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    signal.throwIfAborted()
    const observation = await observeRef({ services, memory, look, address, known, signal })
    if (observation.kind === 'branch') return moveWishes(address, observation.branch, services)
    const world = { ...observation.world, refused: refused.get(place) ?? [] }
    const decision = decideRef(world)
    const context: ActContext = { services, address, signal, forge: look.forge, control: look.control, ...observation, world }
    const { isChanged, wakeAt, refusals, untold } = await actAll(context, decision.actions)
    // A release that was completed is another one now.
    look.forget('releases')
    wakeTimes.push(...wakeAt)
    if (untold !== undefined) throw untold
    // What was refused is said in the next round.
    const isNews = refusals !== undefined && JSON.stringify(refusals) !== JSON.stringify(world.refused)
    if (isNews && refusals.length > 0) refused.set(place, refusals)
    if (isNews && refusals.length === 0) refused.delete(place)
    if ((isChanged || isNews) && round < MOST_ROUNDS) continue
    // Whatever is left over goes on in a while.
    wakeTimes.push(
      ...(isChanged || isNews ? [services.clock.now()] : []),
      ...(decision.wakeAt === undefined ? [] : [decision.wakeAt]),
      ...(await lookAgain(context)),
    )
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
  /** By the plugin's repository, each once; undefined: not everything was tried. */
  readonly refusals: readonly Refusal[] | undefined
  /** The first that no check says: of one that would, or by the control repository, which its operator has to mend. The ref waits for a person. */
  readonly untold: Failure | undefined
}

/** What is done in the control repository. */
const CONTROL: ReadonlySet<Action['kind']> = new Set(['dispatch', 'cancel-run', 'fetch-records'])

/** What only the service itself writes down: done first, so that GitHub is told of it once, and not before and after. */
const OWN: ReadonlySet<Action['kind']> = new Set(['approve', 'create-run'])

/** Without them nothing has passed; what is only said besides is not what a merge waits for. */
const GRAVE: ReadonlySet<Action['kind']> = new Set(['put-check', 'complete-release'])

/** One refusal (a permission that is missing, say) keeps nothing else from being done. */
async function actAll(context: ActContext, actions: readonly Action[]): Promise<Acted> {
  const { services, signal } = context
  let isChanged = false
  let isWhole = true
  const wakeAt: string[] = []
  const refusals = new Map<string, Refusal>()
  /** Why a wish that was granted could not be done, by its id. */
  const undone = new Map<string, string>()
  let untold: Failure | undefined
  const own = actions.filter(({ kind }) => OWN.has(kind))
  for (const action of [...own, ...actions.filter(({ kind }) => !OWN.has(kind))]) {
    if (isChanged && !OWN.has(action.kind) && own.length > 0) {
      isWhole = false
      break
    }
    signal.throwIfAborted()
    try {
      const outcome = await execute(context, action.kind === 'answer' ? withReason(action, undone) : action)
      if (action.kind === 'propose' && outcome.undone !== undefined) undone.set(action.wish, outcome.undone)
      services.log.debug({ action: action.kind, reason: action.reason, isChanged: outcome.changed }, 'acted')
      isChanged ||= outcome.changed
      if (outcome.wakeAt !== undefined) wakeAt.push(outcome.wakeAt)
    } catch (error) {
      if (!isRefused(error)) throw error
      services.log.warn({ action: action.kind, err: error }, 'GitHub refused an action')
      const sentence = [error.message, error.suggestion].filter((part) => part !== undefined).join('. ')
      if (CONTROL.has(action.kind) || (action.kind === 'put-check' && saysRefusals(action.check))) untold ??= error
      else if (action.kind === 'propose') undone.set(action.wish, sayText(sentence, 1000))
      else refusals.set(sentence, { sentence, isGrave: GRAVE.has(action.kind) })
    }
  }
  return { isChanged, wakeAt, refusals: isWhole ? [...refusals.values()] : undefined, untold }
}

/** Checks in which a refusal stands: the one that sums up, and that of a release. */
function saysRefusals({ name }: WantedCheck): boolean {
  return [undefined, 'release'].includes(stageOfCheck(name))
}

/** The answer to a wish that could not be done. */
function withReason(answer: Extract<Action, { kind: 'answer' }>, undone: ReadonlyMap<string, string>): Action {
  const text = undone.get(answer.wish)
  return text === undefined ? answer : { ...answer, reaction: '-1', text }
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
