import YAML from 'portal-yaml'

import { PORTAL_BRANCH, PORTAL_URL } from '../../test/oracle/generator.ts'
import type { OracleCase } from '../../test/oracle/generator.ts'
import type { Answer, Question, SageServer } from './sage-server.ts'

let lastId = 0

/** What Sage says to a case, the Portal included. */
export async function ask(server: SageServer, { mode, text, user, describe }: OracleCase, circumstances: Partial<Question> = {}): Promise<Answer> {
  const sent = mode === 'portal' ? throughPortal(text, user) : { body: text }
  if ('refused' in sent) return { accepted: false, status: 0, error: `portal: ${sent.refused}` }
  // `describe` may be empty: the clone has no commit then, and git would fail; Sage's code sees an empty line.
  return server.ask({ id: ++lastId, body: sent.body, user, describe: describe ?? '60c72a2', ...circumstances })
}

/** What the Portal takes for granted. */
interface Form {
  readonly namespace: string
  readonly name?: unknown
  readonly source: { url: string; branch?: unknown }
}

/** sage-gui 389e705, apps/sage/ecr/create-app/CreateApp.tsx L103-140 and L274-276: the statements of the Portal, in their order. */
function throughPortal(text: string, user: string): { readonly body: string } | { readonly refused: string } {
  try {
    const form: Form = { ...(YAML.parse(text) as object), namespace: user } as Form
    form.source.url = PORTAL_URL
    form.source.branch = form.source.branch || PORTAL_BRANCH
    // A browser writes U+FFFD for half a character.
    return form.namespace && form.name ? { body: YAML.stringify(form).toWellFormed() } : { refused: 'no name' }
  } catch (thrown) {
    return { refused: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown) }
  }
}

// The Portal's parser warns about tags that it does not know; thousands of times here.
process.removeAllListeners('warning')
