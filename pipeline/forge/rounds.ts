import { Failure } from '../failure.ts'

/** One is the rule. More are needed only when somebody else writes at the same time, or an answer was lost. */
const ROUNDS = 4

/**
 * Looks at the world and acts on it, until acting says how it ended. Where an act fails with `forge-unavailable`, it may have been carried out all the
 * same, so that the world is looked at again before anything is done twice. Undefined: it was not settled after four rounds.
 */
export async function untilSettled<World, Outcome>(
  look: () => Promise<World>,
  act: (world: World) => Promise<Outcome | undefined>,
): Promise<Outcome | undefined> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const world = await look()
    try {
      const outcome = await act(world)
      if (outcome !== undefined) return outcome
    } catch (cause) {
      if (!(cause instanceof Failure) || cause.code !== 'forge-unavailable' || round === ROUNDS) throw cause
    }
  }
  return undefined
}
