import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StageRecord } from '../../../schemas/generated/types.ts'
import type { Workplace } from '../ctss-process.ts'
import { git, layOut } from '../layout.ts'
import { readFiles, type Files } from '../mini-runner/hosted-files.ts'
import type { Permissions } from '../mini-runner/permissions.ts'
import type { Trigger } from '../mini-runner/trigger.ts'
import { writeTinyPlugin } from '../tiny-plugin.ts'
import { layOutRelease } from './lay-out-release.ts'
import { makeStandIns } from './stand-ins/make-stand-ins.ts'

/** One run of a plugin's workflow, the same to look at wherever it ran. */
export interface StoryRun {
  readonly passed: boolean
  /** How each job ended, by its id and, in a matrix, its platform; those that were skipped are left out. */
  readonly jobs: Readonly<Record<string, string>>
  readonly annotations: readonly { readonly level: string; readonly message: string; readonly properties: Readonly<Record<string, string>> }[]
  readonly summaries: readonly string[]
  readonly artifacts: string
  /** By the artifact's name without `ctss-`. */
  readonly records: Readonly<Record<string, StageRecord>>
  readonly log: readonly string[]
  readonly seconds: number
  /** Ids of the programs of its steps; of act's none are known. */
  readonly processes: readonly number[]
}

/** Where workflows run: a GitHub with our release, stand-ins for third-party actions, and a namespace of its own in the registry of this machine. */
export interface Stage extends AsyncDisposable {
  readonly folder: string
  /** What the callers give as `registry`; nothing else is below it. */
  readonly registry: string
  /** `onLine` hears the log as it comes; act is not listened to. */
  run(trigger: Trigger, options?: { readonly onLine?: (line: string) => void }): Promise<StoryRun>
}

/** Settings of a stage. */
export interface StageOptions {
  /** Set in every job. */
  readonly environment?: Readonly<Record<string, string>>
  /** The token of a job with these rights; without it, a made-up one. */
  readonly issueToken?: (permissions: Permissions) => Promise<string>
  /** Where a job asks for its OIDC token; act gives none. */
  readonly tokenService?: { readonly url: string; readonly token: string }
}

export const WORKFLOW = '.github/workflows/ci.yml'
/** The variable of the repository that names the registry, so that the same commit can run on several stages. */
export const REGISTRY_VARIABLE = 'REGISTRY'

/** The lines with which the example calls the pipeline, on this machine's registry. */
export function callerLines(): string {
  const example = readFileSync('examples/smoke-detector/.github/workflows/ci.yml', 'utf8')
  return `${example.trimEnd()}\n    with: { registry: '\${{ vars.${REGISTRY_VARIABLE} }}' }\n`
}

/** A repository at the GitHub of a stage, changed commit by commit. */
export interface Plugin {
  readonly name: string
  readonly folder: string
  /** Writes files, null takes one away, and commits; returns the commit. */
  commit(files: Readonly<Record<string, Files[string] | null>>): Promise<string>
}

/** A new repository with the caller's lines and nothing else. */
export async function makePlugin(stage: Stage, name: string): Promise<Plugin> {
  const folder = join(stage.folder, 'repositories', name)
  mkdirSync(folder, { recursive: true })
  git(folder, 'init', '-q')
  git(folder, 'remote', 'add', 'origin', `https://github.com/${name}`)
  const commit: Plugin['commit'] = async (files) => {
    for (const [path, file] of Object.entries(files)) {
      if (file === null) await rm(join(folder, path))
      else layOut(folder, { [path]: file })
    }
    git(folder, 'add', '-A')
    git(folder, 'commit', '-q', '--allow-empty', '-m', 'Change')
    return git(folder, 'rev-parse', 'HEAD')
  }
  await commit({ [WORKFLOW]: callerLines() })
  return { name, folder, commit }
}

/** The same repository, commits and all, at the GitHub of another stage. */
export async function copyPlugin({ name, folder }: Plugin, stage: Stage): Promise<void> {
  await cp(folder, join(stage.folder, 'repositories', name), { recursive: true })
}

/** The tiny plugin under a name of its own, changed by `files`; null takes one away. */
export async function tinyFiles(name: string, files: Readonly<Record<string, Files[string] | null>> = {}): Promise<Files> {
  const place = { folder: mkdtempSync(join(tmpdir(), 'ctss-tiny-')) } as Workplace
  try {
    const written = readFiles(await writeTinyPlugin(place, files))
    return { ...written, 'sage.yaml': (written['sage.yaml']?.toString('utf8') ?? '').replace('tiny-plugin', name) }
  } finally {
    await rm(place.folder, { recursive: true })
  }
}

const REGISTRY_HOST = '127.0.0.1:5055'

/** What every stage needs. */
export interface Ground {
  readonly folder: string
  readonly registry: string
  /** A release of ours, as its commit would be. */
  readonly release: string
  /** By `owner/name`. */
  readonly standIns: Readonly<Record<string, string>>
}

/** Lays the ground of a stage in a folder of its own. */
export async function makeGround(): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-story-'))
  const release = join(folder, 'release')
  await layOutRelease(release)
  const standIns = await makeStandIns(join(folder, 'stand-ins'))
  return { folder, registry: `${REGISTRY_HOST}/story${randomBytes(4).toString('hex')}`, release, standIns }
}

/** The third-party actions of workflows, at the commits that they name: `owner/name@commit` → folder. */
export function pinnedStandIns(workflows: string, standIns: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const texts = readdirSync(workflows).map((name) => readFileSync(join(workflows, name), 'utf8'))
  const pinned = [...texts.join('\n').matchAll(/uses: (?<name>[\w.-]+\/[\w.-]+)@(?<commit>[0-9a-f]{40})/g)]
  return Object.fromEntries(
    pinned.flatMap(({ groups }) => {
      const [name, folder] = [groups?.['name'] ?? '', standIns[groups?.['name'] ?? '']]
      return folder === undefined ? [] : [[`${name}@${groups?.['commit']}`, folder]]
    }),
  )
}

/** Name of a job in a story. */
export function storyJobName(id: string, matrix: Readonly<Record<string, unknown>>): string {
  return typeof matrix['platform'] === 'string' ? `${id} ${matrix['platform']}` : id
}
