import { Failure } from '../pipeline/failure.ts'

/** Where GitHub answers, and the repository that the workflow runs in. */
export interface RunRepository {
  readonly baseUrl: string
  readonly owner: string
  readonly repository: string
}

/** Asks the toolkit, which reads the event when it is loaded. Fails with `workstation-unsupported` where that is no JSON. */
export async function repositoryOfRun(): Promise<RunRepository> {
  const { context } = await import('@actions/github').catch((cause: unknown) => {
    throw new Failure('workstation-unsupported', 'the event of this run cannot be read', { cause })
  })
  return { baseUrl: context.apiUrl, owner: context.repo.owner, repository: context.repo.repo }
}
