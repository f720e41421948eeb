import type { ControlForge, InstalledRepository, RepositoryForge } from '../../pipeline/ports/app-forge.ts'
import type { Access, RepositoryFacts, WorkflowRunFacts } from '../../pipeline/service/world.ts'
import type { AppServices } from './services.ts'

/** What changes seldom. */
const FACTS_MS = 600_000
/** What keeps us from working is mended by somebody who waits for it. */
const TROUBLE_MS = 30_000
/** Somebody who may write may do so for this long after his right was taken away. */
const ACCESS_MS = 60_000
const REMEMBERED = 5000

/** Answers of GitHub that need not be asked for again in a while, over all that this process works on. */
export interface GithubMemory {
  facts(services: AppServices, repository: InstalledRepository, forge: RepositoryForge): Promise<Omit<RepositoryFacts, 'installation'> | undefined>
  /** Permissions that app.yml asks for, and that the installation has not granted; `undefined`: it is gone or suspended. */
  lacking(services: AppServices, installation: number): Promise<readonly string[] | undefined>
  /** Only the right to write is remembered: who was given it just now has it at once. */
  access(services: AppServices, repository: number, forge: RepositoryForge, login: string): Promise<Access>
  /** What was remembered holds no longer: GitHub has refused something. */
  forget(): void
}

/** An empty memory. */
export function githubMemory(): GithubMemory {
  const kept = new Map<string, { readonly value: unknown; readonly until: number }>()
  /** `keepMs`: for how long an answer holds; 0: it is not kept. */
  async function remember<Value>(key: string, nowMs: number, ask: () => Promise<Value>, keepMs: (value: Value) => number): Promise<Value> {
    const known = kept.get(key)
    // Each key belongs to one kind of value: it begins with its name.
    if (known !== undefined && known.until > nowMs) return known.value as Value
    const value = await ask()
    kept.delete(key)
    if (keepMs(value) > 0) kept.set(key, { value, until: nowMs + keepMs(value) })
    const [oldest] = kept.keys()
    if (kept.size > REMEMBERED && oldest !== undefined) kept.delete(oldest)
    return value
  }
  const nowOf = ({ clock }: AppServices): number => Date.parse(clock.now())
  return {
    facts: async (services, { id, owner, name }, forge) =>
      remember(
        `facts ${id} ${owner}/${name}`,
        nowOf(services),
        async () => forge.facts(),
        (facts) => (facts === undefined ? 0 : facts.isArchived ? TROUBLE_MS : FACTS_MS),
      ),
    lacking: async (services, installation) =>
      remember(
        `lacking ${installation}`,
        nowOf(services),
        async () => lackingPermissions(services, installation),
        (lacking) => (lacking?.length === 0 ? FACTS_MS : TROUBLE_MS),
      ),
    access: async (services, repository, forge, login) =>
      remember(
        `access ${repository} ${login}`,
        nowOf(services),
        async () => forge.access(login),
        (access) => (access === 'write' ? ACCESS_MS : 0),
      ),
    forget: () => kept.clear(),
  }
}

async function lackingPermissions({ forge, permissions }: AppServices, installation: number): Promise<readonly string[] | undefined> {
  const found = await forge.installation(installation)
  if (found === undefined || found.isSuspended) return undefined
  return Object.entries(permissions).flatMap(([name, level]) => (isGranted(found.permissions[name], level) ? [] : [`${name}: ${level}`]))
}

const LEVELS = ['read', 'write', 'admin']

function isGranted(granted: string | undefined, wanted: string): boolean {
  return granted !== undefined && LEVELS.indexOf(granted) >= LEVELS.indexOf(wanted)
}

/** The forge as one piece of work sees it: what was asked once is not asked again, while it is worked on. */
export interface GithubLook {
  readonly forge: RepositoryForge
  readonly control: ControlForge
  /** Asked once, until it is forgotten. */
  once<Value>(name: string, ask: () => Promise<Value>): Promise<Value>
  workflow(run: number): Promise<WorkflowRunFacts>
  forget(name: string): void
}

/** Begins a piece of work on one repository. */
export function lookAtGithub({ forge }: AppServices, repository: InstalledRepository, signal: AbortSignal): GithubLook {
  const asked = new Map<string, Promise<unknown>>()
  const control = forge.openControl(signal)
  async function once<Value>(name: string, ask: () => Promise<Value>): Promise<Value> {
    const answer = asked.get(name) ?? ask()
    asked.set(name, answer)
    // Each name belongs to one question.
    return (await answer) as Value
  }
  return {
    forge: forge.open(repository, signal),
    control,
    once,
    workflow: async (run) => once(`workflow ${run}`, async () => control.run(run)),
    forget: (name) => void asked.delete(name),
  }
}
