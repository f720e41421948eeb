import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { VARIABLES } from './variables.ts'

/** What app.yml says. */
export interface AppManifest {
  readonly name: string
  readonly description: string
  readonly url: string
  readonly public: boolean
  readonly permissions: Readonly<Record<string, string>>
  readonly events: readonly string[]
}

/** Reads app.yml, which lies beside the folder of this module, bundled or not. */
export function readAppManifest(text: string = readFileSync(new URL('../app.yml', import.meta.url), 'utf8')): AppManifest {
  const value: unknown = parse(text)
  if (!isRecord(value)) throw new TypeError('app.yml is no mapping')
  const { name, description, url, default_permissions: permissions, default_events: events } = value
  if (typeof name !== 'string' || typeof description !== 'string' || typeof url !== 'string' || !isRecord(permissions) || !Array.isArray(events))
    throw new TypeError('app.yml lacks something')
  return {
    name,
    description,
    url,
    public: value['public'] === true,
    permissions: Object.fromEntries(Object.entries(permissions).map(([permission, access]) => [permission, String(access)])),
    events: events.map(String),
  }
}

/** The manifest as GitHub takes it (docs.github.com, "Registering a GitHub App from a manifest"). `name`: app names are unique at GitHub. */
export function registrationManifest(
  { name, description, url, public: isPublic, permissions, events }: AppManifest,
  publicUrl: string,
): Readonly<Record<string, unknown>> {
  return {
    name,
    description,
    url,
    public: isPublic,
    hook_attributes: { url: `${publicUrl}${WEBHOOK_PATH}`, active: true },
    redirect_url: `${publicUrl}/setup/registered`,
    default_permissions: permissions,
    default_events: events,
  }
}

/** Where GitHub delivers to; Probot's usual path. */
export const WEBHOOK_PATH = '/api/github/webhooks'

/** What the set-up keeps, as a file of environment variables. */
export function renderEnvironmentFile(values: Readonly<Partial<Record<(typeof VARIABLES)[number]['name'], string>>>): string {
  return VARIABLES.flatMap(({ name }) => {
    const value = values[name]
    return value === undefined ? [] : [`${name}="${value.replaceAll('\n', String.raw`\n`)}"\n`]
  }).join('')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
