import { judgeAsSubmitted, judgeThroughPortal } from '../../pipeline/validate/sage/judge.ts'
import type { Judgement } from '../../pipeline/validate/sage/judge.ts'
import { PORTAL_BRANCH, PORTAL_URL } from './generator.ts'
import type { OracleCase } from './generator.ts'

/** A verdict in comparable form: `accepted ID VERSION`, or what the answer says. */
export type Comparable = string

/** MySQL's numbers whose texts name the server or quote the statement; MariaDB says 4078 where MySQL says 1241. */
const SERVER_WORDS = /\((1054|1064|1241|1366|4078), [^]*$/

/** What Sage said. */
export function comparableAnswer(answer: {
  readonly accepted: boolean
  readonly status: number
  readonly error: string
  readonly html?: true
  readonly stored?: { readonly id: string; readonly version: string }
}): Comparable {
  if (answer.accepted) return `accepted ${answer.stored?.id} ${answer.stored?.version}`
  const error = answer.error.replace(SERVER_WORDS, (_, code: string) => `(${code === '4078' ? '1241' : code})`)
  return `${answer.status}${answer.html === true ? ' HTML' : ''} ${error}`
}

/** What our judge says. */
export function comparableJudgement({ refusals, stored }: Judgement): Comparable {
  const [first] = refusals
  if (first === undefined) return comparableAnswer({ accepted: true, status: 200, error: '', ...(stored && { stored }) })
  return comparableAnswer({ accepted: false, status: first.status, error: first.sage, ...(first.html && { html: first.html }) })
}

/** Sage's stand-in for a commit, where a case names no other. */
const SHORT_COMMIT = '60c72a2'

export function judge({ mode, text, user, describe = SHORT_COMMIT }: OracleCase): Judgement {
  const facts = { user, url: PORTAL_URL, branch: PORTAL_BRANCH, describe }
  return mode === 'portal' ? judgeThroughPortal(text, facts) : judgeAsSubmitted(text, facts)
}
