import { isMap, type Template } from './template.ts'

export type Access = 'none' | 'read' | 'write'

/** What the token of a job may do; a scope that is not named: nothing. */
export type Permissions = Readonly<Record<string, Access>>

const ORDER: readonly Access[] = ['none', 'read', 'write']

/** As workflow-v1.0.json of @actions/workflow-parser lists them. */
const SCOPES =
  'actions artifact-metadata attestations checks code-quality contents deployments discussions id-token issues models packages pages pull-requests repository-projects security-events statuses'

/** What GitHub gives a workflow that says nothing, in repositories made since February 2023. */
export const RESTRICTED: Permissions = { contents: 'read', packages: 'read' }

/** What `permissions:` says; undefined where it is not written. */
export function readPermissions(template: Template | undefined): Permissions | undefined {
  if (template === undefined) return undefined
  if (template === 'read-all' || template === 'write-all') {
    const access = template === 'read-all' ? 'read' : 'write'
    return Object.fromEntries(SCOPES.split(' ').map((scope) => [scope, access]))
  }
  return isMap(template) ? (Object.fromEntries(Object.entries(template).filter(([, access]) => access !== 'none')) as Permissions) : {}
}

/** Whether these hold at least that. */
export function covers(permissions: Permissions, scope: string, access: Access): boolean {
  return ORDER.indexOf(permissions[scope] ?? 'none') >= ORDER.indexOf(access)
}

/** What is asked for beyond what is allowed, each as GitHub words it; a called workflow can only take away. */
export function findExcess(asked: Permissions, allowed: Permissions): readonly string[] {
  return Object.entries(asked)
    .filter(([scope, access]) => !covers(allowed, scope, access))
    .map(([scope, access]) => `'${scope}: ${access}', but is only allowed '${scope}: ${allowed[scope] ?? 'none'}'`)
}

/** What is left of them for a pull request from a fork: nothing can be written, and no OIDC token be asked for. */
export function restrictToReading(permissions: Permissions): Permissions {
  return Object.fromEntries(
    Object.keys(permissions)
      .filter((scope) => scope !== 'id-token')
      .map((scope) => [scope, 'read']),
  )
}
