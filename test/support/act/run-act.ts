import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Trigger } from '../mini-runner/trigger.ts'

/** A GitHub in a folder, as act sees it. */
export interface ActGitHub {
  /** The program. */
  readonly act: string
  /** Scratch folder. */
  readonly folder: string
  /** Folders with whole clones, `owner/name` each, for the checkout. */
  readonly repositories: string
  /** What `owner/name@version` means in any `uses:`, as folders. */
  readonly references: Readonly<Record<string, string>>
  /** The token of every job; without it, a made-up one. */
  readonly token?: string
  readonly secrets?: Readonly<Record<string, string>>
  readonly variables?: Readonly<Record<string, string>>
  /** Set in every step, as far as act does not set it itself. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface ActJob {
  /** Ids of a job in its workflow; act does not say which job has called that. */
  readonly id: string
  readonly matrix: Readonly<Record<string, unknown>>
  readonly conclusion: string
  /** From its first line to its last. */
  readonly seconds: number
}

export interface ActRun {
  /** 0; 1 when a job failed or act could not start. */
  readonly status: number
  /** Jobs that ran: act says nothing of those that are skipped. */
  readonly jobs: readonly ActJob[]
  readonly annotations: readonly { readonly level: string; readonly message: string; readonly properties: Readonly<Record<string, string>> }[]
  /** The summaries of the steps, in their order. */
  readonly summaries: readonly string[]
  /** What was printed, secrets masked. */
  readonly log: readonly string[]
  /** The artifacts, one folder each. */
  readonly artifacts: string
  readonly seconds: number
}

/** Labels of machines that jobs may ask for: each is this machine. */
const LABELS = ['ubuntu-latest', 'ubuntu-24.04', 'ubuntu-24.04-arm', 'self-hosted']

/** Runs a workflow in a clone of the repository in which something happened; the clone is at the commit, and stays as it is. */
export async function runAct(github: ActGitHub, trigger: Trigger, workflow: string): Promise<ActRun> {
  const runId = String(randomInt(1_000_000, 9_999_999_999))
  const scratch = join(github.folder, `act-${runId}`)
  const artifacts = join(github.folder, 'artifacts')
  await mkdir(join(artifacts, runId), { recursive: true })
  await mkdir(scratch, { recursive: true })
  await writeFile(join(scratch, 'event.json'), JSON.stringify(trigger.payload))
  const token = github.token ?? `ghs_act${runId}`
  const environment = {
    ...github.environment,
    CTSS_STAND_IN_REPOSITORIES: github.repositories,
    CTSS_STAND_IN_ARTIFACTS: artifacts,
    GITHUB_ACTOR: trigger.actor,
    GITHUB_REPOSITORY: trigger.repository,
    GITHUB_REPOSITORY_OWNER: trigger.repository.split('/')[0] ?? '',
    GITHUB_REF: trigger.ref,
    GITHUB_RUN_ID: runId,
    // Git would open a pager: steps have a terminal.
    PAGER: 'cat',
    SHA_REF: trigger.commit,
  }
  const args = [
    trigger.event,
    '--json',
    `--eventpath=${join(scratch, 'event.json')}`,
    `--directory=${join(github.repositories, trigger.repository)}`,
    `--workflows=${workflow}`,
    ...Object.entries(github.references).map(([reference, folder]) => `--local-repository=${reference}=${folder}`),
    ...LABELS.map((label) => `--platform=${label}=-self-hosted`),
    // Without a token of its own act looks for a person's.
    ...Object.entries({ GITHUB_TOKEN: token, ...(trigger.fork ? {} : github.secrets) }).map(([name, value]) => `--secret=${name}=${value}`),
    ...Object.entries(github.variables ?? {}).map(([name, value]) => `--var=${name}=${value}`),
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
    '--concurrent-jobs=1',
    '--rm',
    '--no-skip-checkout',
    '--no-cache-server',
    `--action-cache-path=${join(scratch, 'cache')}`,
    // Files that a person may have beside a repository.
    '--secret-file=',
    '--env-file=',
    '--var-file=',
  ]
  const started = performance.now()
  const heard = makeListener()
  const child = spawn(github.act, args, {
    // Nothing else of this process is seen by act and by the jobs.
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: process.env['HOME'] ?? '',
      ...(process.env['DOCKER_HOST'] !== undefined && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
      XDG_CONFIG_HOME: join(scratch, 'config'),
      XDG_STATE_HOME: join(scratch, 'state'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  createInterface({ input: child.stdout }).on('line', heard.line)
  createInterface({ input: child.stderr }).on('line', heard.line)
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? -1))
  })
  await rm(scratch, { recursive: true, force: true })
  return { ...heard.result(), status, artifacts: join(artifacts, runId), seconds: (performance.now() - started) / 1000 }
}

/** One line of `act --json`, as far as it is used. */
interface Line {
  readonly msg?: string
  readonly job?: string
  readonly jobID?: string
  readonly matrix?: Readonly<Record<string, unknown>>
  readonly jobResult?: string
  readonly command?: string
  readonly arg?: string
  readonly kvPairs?: Readonly<Record<string, string>>
  readonly content?: string
}

function makeListener(): { line(text: string): void; result(): Omit<ActRun, 'status' | 'artifacts' | 'seconds'> } {
  const jobs = new Map<string, ActJob>()
  const begun = new Map<string, number>()
  const annotations: ActRun['annotations'][number][] = []
  const summaries: string[] = []
  const log: string[] = []
  return {
    line(text) {
      const line = readLine(text)
      const { job = '', jobID: id, matrix = {}, command, arg = '', kvPairs = {}, msg = '' } = line
      log.push(`${job === '' ? '' : `${job.trim()} | `}${msg.trimEnd()}`)
      if (id !== undefined && !begun.has(job)) begun.set(job, performance.now())
      if (id !== undefined && line.jobResult !== undefined)
        jobs.set(job, { id, matrix, conclusion: line.jobResult, seconds: (performance.now() - (begun.get(job) ?? performance.now())) / 1000 })
      if (command === 'error' || command === 'warning' || command === 'notice') annotations.push({ level: command, message: arg, properties: kvPairs })
      if (command === 'summary') summaries.push(line.content ?? '')
    },
    result: () => ({ jobs: [...jobs.values()], annotations, summaries, log }),
  }
}

function readLine(text: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch {
    return { msg: text }
  }
}
