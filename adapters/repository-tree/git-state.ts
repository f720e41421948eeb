import { basename } from 'node:path'

import { normaliseRepositoryUrl } from '../../pipeline/repository-url.ts'
import { readableName, splitZero } from './folder-listing.ts'
import { runGit } from './git.ts'

/** What Git says about a folder besides its files. */
export interface GitState {
  /** Of the remote `origin`, without credentials; of a remote on this machine, its folder's name only. */
  readonly repository: string | undefined
  readonly commit: string | null
  /** Sorted. */
  readonly tags: readonly string[]
  /** Where the folder lies in its repository, without a slash at the end; undefined at the root. */
  readonly prefix: string | undefined
  /** Undefined on a detached head. */
  readonly branch: string | undefined
  /** `git describe --always --tags --long`; undefined where the history is cut off, as tags further back are not known. */
  readonly described: string | undefined
  /** Path relative to the folder → `<mode> <blob id>` at the commit. */
  readonly committed: ReadonlyMap<string, string>
}

/** Remote, commit, branch, tags at it and its tree; all of it empty when there is no Git or no repository. */
export async function readGitState(folder: string, signal?: AbortSignal): Promise<GitState> {
  const ask = async (args: readonly string[]): Promise<Buffer | undefined> => {
    const answer = await runGit(args, { cwd: folder, ...(signal && { signal }) })
    return answer.kind === 'ok' ? answer.stdout : undefined
  }
  const [commit, tags, remote, tree, branch, described, shallow, prefix] = await Promise.all([
    ask(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']),
    ask(['for-each-ref', '--points-at=HEAD', '--format=%(refname:strip=2)', 'refs/tags']),
    ask(['config', '--get', 'remote.origin.url']),
    ask(['ls-tree', '-r', '-z', 'HEAD']),
    ask(['symbolic-ref', '--quiet', '--short', 'HEAD']),
    ask(['describe', '--always', '--tags', '--long']),
    ask(['rev-parse', '--is-shallow-repository']),
    ask(['rev-parse', '--show-prefix']),
  ])
  return {
    repository: nameRemote(remote?.toString().trim() ?? ''),
    commit: commit?.toString().trim() ?? null,
    tags: (tags?.toString() ?? '').split('\n').filter((tag) => tag !== ''),
    prefix: prefix?.toString().replace(/\/?\n$/, '') || undefined,
    branch: line(branch),
    described: line(shallow) === 'true' ? undefined : line(described),
    committed: parseTree(tree ?? Buffer.alloc(0)),
  }
}

function line(output: Buffer | undefined): string | undefined {
  return output?.toString().trim() || undefined
}

function nameRemote(remote: string): string | undefined {
  return normaliseRepositoryUrl(remote) ?? (basename(remote).replace(/\.git$/, '') || undefined)
}

/** `<mode> <type> <id>\t<path>` each. */
function parseTree(output: Buffer): ReadonlyMap<string, string> {
  const committed = new Map<string, string>()
  for (const line of splitZero(output)) {
    const tab = line.indexOf('\t')
    const [mode, , id] = line.subarray(0, tab).toString('latin1').split(' ')
    committed.set(readableName(line.subarray(tab + 1)), `${mode} ${id}`)
  }
  return committed
}
