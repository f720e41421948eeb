import { digestOf } from '../../pipeline/digest.ts'
import type { CheckContent } from '../../pipeline/ports/app-forge.ts'
import type { CheckAnnotation, WantedCheck } from '../../pipeline/service/action.ts'
import { lookFor } from './effect.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/** "The Checks API limits the number of annotations to a maximum of 50 per API request" (docs.github.com, Update a check run). */
const BATCH = 50
/** Progress alone is told this often. */
const PROGRESS_MS = 30_000
/** What the effect of a check run begins with that a newer one has taken the place of; its id follows. */
const SUPERSEDED = 'superseded '
/** Times that a stage of one commit is run again; nobody gets there. */
const MOST_GENERATIONS = 1000

/** A check run of ours, and the annotations that it has. */
interface SentCheck {
  readonly id: number
  /** It told of progress: of a verdict that somebody waits to see change, as by his approval, the change is told at once. */
  readonly isProgress: boolean
  readonly count: number
  readonly digest: string
}

/** What a check is written with. */
export interface CheckContext extends Pick<ActContext, 'services' | 'repository' | 'forge' | 'signal'> {
  readonly isPrivate: boolean
}

/**
 * Makes a check run be as it should: made once, changed only when it would say something else. GitHub adds annotations and takes none away: where others are
 * wanted than those that were sent (a stage ran again), a new check run of the same name takes its place, as for GitHub's own re-runs.
 */
export async function putCheck(context: CheckContext, check: WantedCheck): Promise<ActOutcome> {
  const base = `check:${context.repository.id}:${check.commit}:${check.name}`
  const former: number[] = []
  for (let generation = 0; generation < MOST_GENERATIONS; generation += 1) {
    const outcome = await putGeneration(context, check, generation === 0 ? base : `${base}#${generation}`, former)
    if (typeof outcome !== 'number') return outcome
    former.push(outcome)
  }
  throw new RangeError(`${base} was made ${MOST_GENERATIONS} times`)
}

/** A number: a newer check run takes the place of this one. `former`: those of which this one has taken the place. */
async function putGeneration(context: CheckContext, check: WantedCheck, key: string, former: readonly number[]): Promise<ActOutcome | number> {
  const { services, forge, signal } = context
  const { effects } = services.state
  // Two refs at one commit have one check run; it names the one that wrote first, or changed it last.
  const content = digestOf(JSON.stringify({ ...check, isProgress: undefined, externalId: undefined }))
  const state = await effects.begin(key, services.clock.now())
  let sent: SentCheck | undefined
  if (state.kind === 'done') {
    if (state.external.startsWith(SUPERSEDED)) return Number(state.external.slice(SUPERSEDED.length))
    if (state.content === content) return DONE
    sent = readSent(state.external)
    const waitsUntil = Date.parse(state.at) + PROGRESS_MS
    if (sent.isProgress && check.isProgress && Date.parse(services.clock.now()) < waitsUntil)
      return { changed: false, wakeAt: new Date(waitsUntil).toISOString() }
  } else if (state.kind === 'in-doubt') {
    const find = async (): Promise<SentCheck | undefined> => {
      const found = (await forge.checks(check.commit))
        .filter(({ id, name }) => name === check.name && !former.includes(id))
        .toSorted((one, other) => other.id - one.id)[0]
      return (
        found && {
          id: found.id,
          isProgress: check.isProgress,
          count: found.annotationCount,
          digest: digestAnnotations(check.annotations.slice(0, found.annotationCount)),
        }
      )
    }
    sent = await lookFor(services, state.since, find, signal)
    if (sent === undefined) await effects.restart(key, services.clock.now())
  }
  const isMade = sent === undefined
  if (sent === undefined) {
    const first = check.annotations.slice(0, BATCH)
    const id = await forge.createCheck(check.commit, contentOf(context, check, first))
    sent = { id, isProgress: check.isProgress, count: first.length, digest: digestAnnotations(first) }
  }
  const isContinued = sent.count <= check.annotations.length && digestAnnotations(check.annotations.slice(0, sent.count)) === sent.digest
  const isWritten = isContinued && (await writeRest(context, check, key, sent, isMade))
  if (!isWritten) {
    await effects.finish(key, `${SUPERSEDED}${sent.id}`, '', services.clock.now())
    return sent.id
  }
  await effects.finish(
    key,
    writeSent({ ...sent, isProgress: check.isProgress, count: check.annotations.length, digest: digestAnnotations(check.annotations) }),
    content,
    services.clock.now(),
  )
  return DONE
}

/** Sends the annotations that it has not got, and what else has changed. False: it is gone. */
async function writeRest(context: CheckContext, check: WantedCheck, key: string, sent: SentCheck, isMade: boolean): Promise<boolean> {
  const { services, forge, signal } = context
  const { effects } = services.state
  const update = async (annotations: readonly CheckAnnotation[]): Promise<boolean> => forge.updateCheck(sent.id, contentOf(context, check, annotations))
  let isCurrent = isMade
  for (let from = sent.count; from < check.annotations.length; from += BATCH) {
    const batch = check.annotations.slice(from, from + BATCH)
    // Sent again, they would stand there twice.
    const batchKey = `${key}/annotations/${from}`
    const state = await effects.begin(batchKey, services.clock.now())
    const hasArrived = async (): Promise<true | undefined> => {
      const found = (await forge.checks(check.commit)).find(({ id }) => id === sent.id)
      return found !== undefined && found.annotationCount >= from + batch.length ? true : undefined
    }
    isCurrent = state.kind === 'begun' || (state.kind === 'in-doubt' && (await lookFor(services, state.since, hasArrived, signal)) === undefined)
    if (isCurrent && !(await update(batch))) return false
    await effects.finish(batchKey, String(sent.id), digestAnnotations(batch), services.clock.now())
  }
  return isCurrent || update([])
}

function contentOf({ services, isPrivate }: CheckContext, check: WantedCheck, annotations: readonly CheckAnnotation[]): CheckContent {
  const { name, state, title, summary, buttons, run, externalId } = check
  return { name, state, title, summary, buttons, annotations, externalId, detailsUrl: run && services.runUrl(run, isPrivate) }
}

function digestAnnotations(annotations: readonly CheckAnnotation[]): string {
  return digestOf(JSON.stringify(annotations)).slice('sha256:'.length, 'sha256:'.length + 16)
}

function writeSent({ id, isProgress, count, digest }: SentCheck): string {
  return `${id} ${count} ${digest}${isProgress ? ' progress' : ''}`
}

function readSent(external: string): SentCheck {
  const [id, count, digest = '', progress] = external.split(' ')
  return { id: Number(id), isProgress: progress !== undefined, count: Number(count), digest }
}
