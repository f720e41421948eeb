import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import { MAX_ENTRIES, splitZero } from './folder-listing.ts'
import { runGit } from './git.ts'

/** `ext::` and remote helpers would run programs; these only move data. */
const PROTOCOLS = ['https', 'http', 'ssh', 'git', 'file']
const URL_FORM = /^(?:(?:https?|ssh|git|file):\/\/|[\w.-]+@[\w.-]+:)[^\s\0]+$/
const COMMIT = /^[0-9a-f]{40}$/
const TIMEOUT_MS = 10 * 60_000
const WATCH_MS = 250

export interface CloneOptions {
  /** Exists and is empty. */
  readonly folder: string
  readonly ref: string | undefined
  readonly limitBytes: number
  readonly signal?: AbortSignal
}

interface Remote {
  readonly url: string
  readonly folder: string
  readonly limitBytes: number
  readonly signal: AbortSignal
}

/** Fetches one commit, checks how much it would unpack to, and checks it out. */
export async function cloneRemote(url: string, { folder, ref, limitBytes, signal }: CloneOptions): Promise<void> {
  if (!URL_FORM.test(url))
    throw new Failure('download-failed', `${withoutCredentials(url)} is not the URL of a Git repository`, {
      suggestion: 'Use https://…, ssh://…, git@host:… or file:///…',
    })
  const tooLarge = new AbortController()
  const remote: Remote = { url, folder, limitBytes, signal: AbortSignal.any([tooLarge.signal, ...(signal ? [signal] : [])]) }
  const watch = setInterval(() => void abortWhenLarge(join(folder, '.git/objects/pack'), limitBytes, tooLarge), WATCH_MS)
  try {
    const wanted = await findRef(remote, ref)
    await git(remote, ['init', '--quiet', '--template='])
    await git(remote, ['remote', 'add', 'origin', url])
    await git(remote, ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', 'origin', ...wanted.refspecs])
    await checkSize(remote, wanted.commit)
    await git(remote, ['checkout', '--quiet', '--detach', wanted.commit])
  } catch (error) {
    throw tooLarge.signal.aborted ? sizeFailure(url, limitBytes, error) : error
  } finally {
    clearInterval(watch)
  }
}

/** The commit of a ref, and what to fetch so that the tags at it are known too. */
async function findRef(remote: Remote, ref: string | undefined): Promise<{ commit: string; refspecs: readonly string[] }> {
  const listing = await git(remote, ['ls-remote', '--quiet', '--', remote.url])
  const refs = new Map(
    listing
      .toString('utf8')
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([id = '', name = '']) => [name, id]),
  )
  const names = ref === undefined ? ['HEAD'] : [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`]
  const commit = names.map((name) => refs.get(name)).find((id) => id !== undefined) ?? (ref !== undefined && COMMIT.test(ref) ? ref : undefined)
  if (commit === undefined) {
    const message =
      ref === undefined ? `${withoutCredentials(remote.url)} is empty` : `${withoutCredentials(remote.url)} has no branch or tag ${JSON.stringify(ref)}`
    throw new Failure('download-failed', message, { suggestion: 'Name a branch, a tag or a full commit id.' })
  }
  const tags = [...refs].filter(([name, id]) => name.startsWith('refs/tags/') && id === commit).map(([name]) => name.replace(/\^\{\}$/, ''))
  // A tag's own refspec makes it known here; a commit that nothing points at is asked for by its id.
  return { commit, refspecs: [commit, ...tags.map((tag) => `${tag}:${tag}`)] }
}

/** A few kilobytes of pack can unpack to millions of files, so sizes are asked before anything is written. */
async function checkSize(remote: Remote, commit: string): Promise<void> {
  const listing = await git(remote, ['ls-tree', '-r', '-l', '-z', commit])
  let [files, bytes] = [0, 0]
  for (const line of splitZero(listing)) {
    files += 1
    bytes += Number(line.subarray(0, line.indexOf('\t')).toString('latin1').trim().split(/\s+/)[3]) || 0
  }
  if (files > MAX_ENTRIES) throw new Failure('download-failed', `${withoutCredentials(remote.url)} holds more than ${MAX_ENTRIES.toLocaleString('en')} files`)
  if (bytes > remote.limitBytes) throw sizeFailure(remote.url, remote.limitBytes)
}

async function git({ url, folder, signal }: Remote, args: readonly string[]): Promise<Buffer> {
  const answer = await runGit(args, { cwd: folder, protocols: PROTOCOLS, signal, timeoutMs: TIMEOUT_MS })
  if (answer.kind === 'ok') return answer.stdout
  if (answer.kind === 'no-git') throw new Failure('missing-tool', 'git is not installed, so nothing can be cloned', { suggestion: 'apt-get install git' })
  // The reason stands in front; what follows it is advice about SSH keys.
  const lines = answer.stderr.trim().split('\n')
  const reason = (lines.find((line) => line.startsWith('fatal: ')) ?? lines.at(-1) ?? '').replaceAll(url, withoutCredentials(url))
  throw new Failure('download-failed', `${withoutCredentials(url)} cannot be cloned: ${withoutCredentials(reason)}`, {
    suggestion: 'Check the URL, and that `git ls-remote` can read it.',
  })
}

async function abortWhenLarge(folder: string, limitBytes: number, controller: AbortController): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0))
  if (sizes.reduce((sum, size) => sum + size, 0) > limitBytes) controller.abort()
}

function sizeFailure(url: string, limitBytes: number, cause?: unknown): Failure {
  return new Failure('download-failed', `${withoutCredentials(url)} is larger than ${Math.round(limitBytes / 2 ** 20)} MiB`, {
    cause,
    suggestion: 'Keep data and models out of Git: name them in ctss.yaml by address and sha256.',
  })
}

/** Any `user:password@` in a text is left out: it may go into logs. */
function withoutCredentials(text: string): string {
  return text.replaceAll(/\/\/[^/@\s]*@/g, '//').slice(0, 500)
}
