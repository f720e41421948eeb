import { escapeMarkdown, markdownCode } from '../report/escape-markdown.ts'
import { clipText, sanitiseLine } from '../report/sanitise-text.ts'
import type { Account } from './world.ts'

const LOGIN_CHARACTERS = 80
const PATH_CHARACTERS = 200
/** Words that mean nothing to Markdown, as most of ours: looking closer costs most of a decision. What could be a commit is looked at. */
const PLAIN = /^(?!.*\b[0-9a-f]{7,}\b)[a-z](?:[a-z0-9,; ]|: )*$/i

/** An account in Markdown, without waking anybody. */
export function sayAccount({ login }: Pick<Account, 'login'>): string {
  return markdownCode(clipText(login, LOGIN_CHARACTERS))
}

/** A commit in Markdown, as Git shortens it. */
export function sayCommit(commit: string): string {
  return markdownCode(commit.slice(0, 7))
}

/** Text of a stranger in a sentence of Markdown, cut. */
export function sayText(text: string, characters: number): string {
  return text.length <= characters && PLAIN.test(text) ? text : escapeMarkdown(clipText(sanitiseLine(text), characters))
}

/** The same where plain text is shown, such as a check's title. */
export function sayPlain(text: string, characters: number): string {
  return clipText(sanitiseLine(text), characters)
}

/** A folder of the repository in Markdown. */
export function sayPath(path: string): string {
  return markdownCode(clipText(path, PATH_CHARACTERS))
}

/** A time as people read it today: `14:32 UTC`. */
export function sayClock(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`
}
