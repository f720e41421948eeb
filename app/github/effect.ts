import type { AppServices } from './services.ts'

/** What effects are made with. */
export type EffectPorts = Pick<AppServices, 'clock' | 'settleMs' | 'pause'> & { readonly state: Pick<AppServices['state'], 'effects'> }

/** Something that is to be there once, and to say what is wanted. */
export interface Effect {
  readonly key: string
  /** Digest of what it is to say; where another one was written last, `change` is called. */
  readonly content: string
  /** What the world calls it, if it is there: asked only when nobody knows whether it was made. */
  find(): Promise<string | undefined>
  /** Makes it, and answers what the world calls it. */
  make(): Promise<string>
  /** Writes over it; the same again does no harm. False: it is gone. Absent: what is made never changes. */
  readonly change?: (external: string) => Promise<boolean>
  /** It is written over at most once in this time. */
  readonly everyMs?: number
}

/** What came of an effect. */
export interface EffectOutcome {
  readonly external: string
  readonly isChanged: boolean
  /** It was written a moment ago, and waits until then, RFC 3339. */
  readonly waitsUntil?: string
}

/**
 * Makes something once, whatever died or was lost before: what was begun and not finished is looked for, as long as the world may take to show it, and is
 * made only when it is not there. What says already what it should costs no call. Fails as its calls do.
 */
export async function ensureEffect(ports: EffectPorts, effect: Effect, signal: AbortSignal): Promise<EffectOutcome> {
  const { effects } = ports.state
  const { key, content, change, everyMs = 0 } = effect
  const state = await effects.begin(key, ports.clock.now())
  if (state.kind === 'done' && (state.content === content || change === undefined)) return { external: state.external, isChanged: false }
  if (state.kind === 'done' && Date.parse(state.at) + everyMs > Date.parse(ports.clock.now()))
    return { external: state.external, isChanged: false, waitsUntil: new Date(Date.parse(state.at) + everyMs).toISOString() }
  const known = state.kind === 'begun' ? undefined : state.kind === 'done' ? state.external : await lookFor(ports, state.since, effect.find, signal)
  if (known !== undefined && (change === undefined || (await change(known)))) {
    await effects.finish(key, known, content, ports.clock.now())
    return { external: known, isChanged: true }
  }
  if (state.kind !== 'begun') await effects.restart(key, ports.clock.now())
  const external = await effect.make()
  await effects.finish(key, external, content, ports.clock.now())
  return { external, isChanged: true }
}

/** Looks for something that may have been made at a time, until it is found or the world has had the time to show it. */
export async function lookFor<Found>(
  { clock, settleMs, pause }: Pick<EffectPorts, 'clock' | 'settleMs' | 'pause'>,
  since: string,
  find: () => Promise<Found | undefined>,
  signal: AbortSignal,
): Promise<Found | undefined> {
  for (;;) {
    const leftMs = Date.parse(since) + settleMs - Date.parse(clock.now())
    const found = await find()
    if (found !== undefined || leftMs <= 0) return found
    await pause(Math.min(leftMs, LOOK_MS), signal)
  }
}

/** Between two looks. */
const LOOK_MS = 2500
