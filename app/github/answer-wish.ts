import { Failure } from '../../pipeline/failure.ts'
import type { Action } from '../../pipeline/service/action.ts'
import { ensureEffect } from './effect.ts'
import type { ActContext, ActOutcome } from './services.ts'

/** Answers a wish with a reaction to its comment, and at most one comment of our own; then it is granted or refused for good. */
export async function answerWish(context: ActContext, { wish: id, reaction, text }: Extract<Action, { kind: 'answer' }>): Promise<ActOutcome> {
  const { services, world, forge } = context
  const place = world.wishes.find(({ wish }) => wish.id === id)?.wish.comment
  if (place !== undefined) {
    if (reaction !== undefined) await unlessGone(() => forge.react(place.id, reaction))
    if (text !== undefined) await unlessGone(() => reply(context, id, place.issue, text))
  }
  await services.state.answerWish(id, services.clock.now())
  return { changed: true }
}

/** Begins with a marker of the answer, so that it is found where nobody knows whether it was written. */
async function reply({ services, forge, signal }: ActContext, wish: string, issue: number, text: string): Promise<void> {
  const marker = `<!-- ctss:answer:v1 ${encodeURIComponent(wish).replaceAll('--', '-%2D')} -->`
  const find = async (): Promise<string | undefined> => {
    const { login } = await services.forge.self()
    const found = (await forge.comments(issue)).find(({ author, body }) => author === login && body.startsWith(marker))
    return found && String(found.id)
  }
  const make = async (): Promise<string> => String((await forge.createComment(issue, `${marker}\n${text}`)).id)
  await ensureEffect(services, { key: `answer:${wish}`, content: 'answered', find, make }, signal)
}

/** Whoever deletes his comment, or locks the conversation, wants no answer. */
async function unlessGone(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'forge-refused') throw error
  }
}
