import { Failure } from '../../pipeline/failure.ts'
import type { AppForge } from '../../pipeline/ports/app-forge.ts'
import type { Delivery } from '../../pipeline/ports/inbox.ts'
import type { AppServices } from '../github/services.ts'
import { listParked } from '../list-parked.ts'

type SweepPorts = Pick<AppServices, 'forge' | 'state' | 'inbox' | 'clock' | 'log'>
type Listed = Awaited<ReturnType<AppForge['repositoriesOf']>>[number]

const CAUSE = 'sweep'
const DAY_CHARACTERS = 10
const HOUR_CHARACTERS = 13

/**
 * Compares the forge with what the service knows, and wakes what nobody has told of: repositories that were installed, removed or renamed, heads of open pull
 * requests and of default branches, runs that have not ended; and what is parked, since GitHub may have been down. A head and what is parked is woken once a day,
 * a run once an hour, so that a sweep that was cut off goes on where it was. What fails for one installation or repository is logged, and keeps no other from its
 * turn. Answers how many refs were woken.
 */
export async function compareWorld(ports: SweepPorts, signal: AbortSignal): Promise<number> {
  const { state, inbox, clock, log } = ports
  const now = clock.now()
  const day = now.slice(0, DAY_CHARACTERS)
  let woken = 0
  for (const { id, repository, ref } of await state.openRuns()) {
    if (await inbox.put({ id: `sweep/${now.slice(0, HOUR_CHARACTERS)}/run/${id}`, address: { repository, ref }, cause: CAUSE })) woken += 1
  }
  const installed = await compareInstallations(ports, signal)
  woken += await inbox.putAll(
    (await listParked(inbox)).map(({ address }) => ({ id: `sweep/${day}/parked/${address.repository}/${address.ref}`, address, cause: CAUSE })),
  )
  for (const listed of installed) {
    signal.throwIfAborted()
    if (listed.isArchived) continue
    try {
      woken += await inbox.putAll(await listHeads(ports, listed, day, signal))
    } catch (error) {
      if (!isPassing(error)) throw error
      log.warn({ repository: listed.id, err: error }, 'a repository could not be compared')
    }
  }
  return woken
}

/** Of one installation or repository. */
function isPassing(error: unknown): boolean {
  return error instanceof Failure && error.code !== 'cancelled'
}

/** Where the app is installed; what the service knows otherwise is mended, but for installations that do not let it look (an IP allow list). */
async function compareInstallations({ forge, state, log }: SweepPorts, signal: AbortSignal): Promise<readonly Listed[]> {
  // Read first: what is told of while the forge lists is newer than its list.
  const known = new Map((await state.repositories()).map((repository) => [repository.id, repository]))
  const listed: Listed[] = []
  const [suspended, unseen] = [new Set<number>(), new Set<number>()]
  for (const { id, isSuspended } of await forge.installations()) {
    signal.throwIfAborted()
    if (isSuspended) {
      suspended.add(id)
      continue
    }
    try {
      listed.push(...(await forge.repositoriesOf(id)))
    } catch (error) {
      if (!isPassing(error)) throw error
      unseen.add(id)
      log.warn({ installation: id, err: error }, 'an installation could not be compared')
    }
  }
  for (const { id, owner, name, installation } of listed) {
    const before = known.get(id)
    known.delete(id)
    if (before?.owner === owner && before.name === name && before.installation === installation && !before.isSuspended) continue
    await state.putRepository({ id, owner, name, installation, isSuspended: false })
  }
  for (const repository of known.values()) {
    if (repository.installation === undefined || unseen.has(repository.installation)) continue
    const isSuspended = suspended.has(repository.installation)
    await state.putRepository({ ...repository, isSuspended, ...(!isSuspended && { installation: undefined }) })
  }
  return listed
}

async function listHeads({ forge, state }: SweepPorts, repository: Listed, day: string, signal: AbortSignal): Promise<readonly Delivery[]> {
  const open = forge.open(repository, signal)
  const main = `refs/heads/${repository.defaultBranch}`
  // An installation alone makes nothing run: a branch counts from the first push on that was told of it.
  const isPushed = (await state.lastPush({ repository: repository.id, ref: main })) !== undefined
  const [commit, pulls] = await Promise.all([isPushed ? open.refCommit(main) : undefined, open.openPulls()])
  const heads = [
    ...(commit === undefined ? [] : [{ ref: main, commit }]),
    ...pulls.map(({ number, isFork, head, headBranch }) => ({
      ref: isFork || headBranch === undefined ? `refs/pull/${number}/head` : `refs/heads/${headBranch}`,
      commit: head,
    })),
  ]
  return heads.map((head) => ({
    id: `sweep/${day}/${repository.id}/${head.ref}/${head.commit}`,
    address: { repository: repository.id, ref: head.ref },
    cause: CAUSE,
  }))
}
