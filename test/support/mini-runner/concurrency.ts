/** What has to be done when a run or job arrives in a concurrency group. */
export interface Arrival {
  /** It may start now; else it waits for the one in progress to end. */
  readonly starts: boolean
  /** Those that are cancelled because of it. */
  readonly cancelled: readonly string[]
}

/**
 * Decides as GitHub does: one of a group is in progress and one waits; who arrives takes the place of the one that waits, and with `cancel-in-progress` ends the other as well,
 * for whose end it then waits.
 */
export function decideArrival(group: { readonly inProgress?: string; readonly waiting?: string }, cancelsInProgress: boolean): Arrival {
  const { inProgress, waiting } = group
  const cancelled = [...(waiting === undefined ? [] : [waiting]), ...(inProgress !== undefined && cancelsInProgress ? [inProgress] : [])]
  return { starts: inProgress === undefined, cancelled }
}

interface Member {
  readonly name: string
  readonly cancel: () => void
  readonly start: () => void
}

/** The concurrency groups of one repository. */
export class ConcurrencyGroups {
  readonly #groups = new Map<string, { inProgress?: Member; waiting?: Member }>()

  /**
   * Waits for its turn in the group. Returns what to call when it has ended; undefined when it was cancelled before its turn came. `cancel` is called when another one takes its
   * place while it is in progress.
   */
  async enter(name: string, group: string, cancelsInProgress: boolean, cancel: () => void): Promise<(() => void) | undefined> {
    const places = this.#groups.get(group) ?? {}
    this.#groups.set(group, places)
    const { starts, cancelled } = decideArrival(
      { ...(places.inProgress && { inProgress: places.inProgress.name }), ...(places.waiting && { waiting: places.waiting.name }) },
      cancelsInProgress,
    )
    const replaced = [places.inProgress, places.waiting].filter((member) => member !== undefined && cancelled.includes(member.name))
    const turn = new Promise<boolean>((resolve) => {
      const member: Member = { name, cancel: () => (cancel(), resolve(false)), start: () => resolve(true) }
      if (starts) {
        places.inProgress = member
        resolve(true)
      } else places.waiting = member
    })
    for (const member of replaced) member?.cancel()
    if (!(await turn)) return undefined
    return () => {
      delete places.inProgress
      if (places.waiting === undefined) return
      const { waiting } = places
      delete places.waiting
      places.inProgress = waiting
      waiting.start()
    }
  }
}
