import { v7 as uuidv7 } from 'uuid'
import { Failure } from '../../pipeline/failure.ts'
import type { Action } from '../../pipeline/service/action.ts'
import { answerWish } from './answer-wish.ts'
import { dispatchRun } from './dispatch-run.ts'
import { cancelRun, endRun } from './end-run.ts'
import { fetchRecords } from './fetch-records.ts'
import { propose } from './propose.ts'
import { putCheck } from './put-check.ts'
import { putComment } from './put-comment.ts'
import { releaseTag } from './release-tag.ts'
import type { ActContext, ActOutcome } from './services.ts'
import { suggestFixes } from './suggest-fixes.ts'

/** Makes one action so: wanted against present, so that the same again changes nothing. Fails as the forge and the state do. */
export async function execute(context: ActContext, action: Action): Promise<ActOutcome> {
  switch (action.kind) {
    case 'put-check':
      return putCheck({ ...context, isPrivate: context.world.repository.isPrivate }, action.check)
    case 'create-run':
      return createRun(context, action)
    case 'dispatch':
      return dispatchRun(context, action)
    case 'cancel-run':
      return cancelRun(context, action)
    case 'end-run':
      return endRun(context, action)
    case 'fetch-records':
      return fetchRecords(context, action)
    case 'approve':
      return approve(context, action)
    case 'put-comment':
      return putComment(context, action)
    case 'suggest':
      return suggestFixes(context, action)
    case 'answer':
      return answerWish(context, action)
    case 'propose':
      return propose(context, action)
    case 'complete-release':
      return releaseTag(context, action)
  }
}

async function createRun({ services, address, repository }: ActContext, action: Extract<Action, { kind: 'create-run' }>): Promise<ActOutcome> {
  const { path, commit, trust, plan, wish } = action
  const id = uuidv7()
  const run = await services.state.createRun({
    id,
    repository: repository.id,
    ref: address.ref,
    commit,
    path,
    trust,
    release: plan.release,
    plan,
    cause: wish ?? 'push',
    now: services.clock.now(),
  })
  return { changed: run.id === id }
}

async function approve({ services, repository }: ActContext, action: Extract<Action, { kind: 'approve' }>): Promise<ActOutcome> {
  const { pullRequest, commit, by } = action
  await services.state.putApproval(repository.id, { pullRequest, commit, by, at: services.clock.now() })
  return { changed: true }
}

/** Whether the forge does not let us, which another try does not change. */
export function isRefused(error: unknown): error is Failure {
  return error instanceof Failure && error.code === 'forge-refused'
}
