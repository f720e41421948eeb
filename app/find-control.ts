import { Failure } from '../pipeline/failure.ts'
import type { AppForge } from '../pipeline/ports/app-forge.ts'

/** GitHub's number of the control repository, asked for once: tokens of jobs name it, as a name may change hands. Fails with `forge-refused` where the app is not installed there. */
export function controlFinder(
  forge: Pick<AppForge, 'installations' | 'repositoriesOf'>,
  control: { readonly owner: string; readonly name: string },
): () => Promise<number> {
  let found: Promise<number> | undefined
  const find = async (): Promise<number> => {
    for (const { id } of (await forge.installations()).filter(({ owner }) => isSame(owner, control.owner))) {
      const repository = (await forge.repositoriesOf(id)).find(({ name }) => isSame(name, control.name))
      if (repository !== undefined) return repository.id
    }
    throw new Failure('forge-refused', `the app is not installed in the control repository ${control.owner}/${control.name}`, {
      suggestion: 'Install it there, or mend CONTROL_REPOSITORY.',
    })
  }
  return async () => {
    found ??= find()
    return found.catch((cause: unknown) => {
      found = undefined
      throw cause
    })
  }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
