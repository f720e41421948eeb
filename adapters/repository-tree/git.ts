import { execFile } from 'node:child_process'

import { Failure } from '../../pipeline/failure.ts'

export interface GitOptions {
  readonly cwd: string
  /** Protocols that this call may speak; none without it. */
  readonly protocols?: readonly string[]
  readonly signal?: AbortSignal
  /** Written to Git's standard input. */
  readonly input?: string
  /** 60 s without it. */
  readonly timeoutMs?: number
}

export type GitResult = { readonly kind: 'ok'; readonly stdout: Buffer } | { readonly kind: 'refused'; readonly stderr: string } | { readonly kind: 'no-git' }

/** Enough for 50,000 long paths; a repository that prints more is refused as too large. */
const OUTPUT_BYTES = 64 * 2 ** 20

/**
 * A stranger's repository may name programs in its own configuration: nothing in it is run.
 * `safe.directory`: a folder of another user (root in a container, say) is read all the same, which these settings make harmless.
 */
const HARMLESS = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.untrackedCache', 'false'],
  ['core.quotePath', 'false'],
  ['safe.directory', '*'],
  ['safe.bareRepository', 'explicit'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
].flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** Variables that would point Git at another repository than the one in `cwd`, as `git rev-parse --local-env-vars` lists them: a hook that calls us sets them. */
const LOCAL_VARIABLES =
  /^GIT_(ALTERNATE_OBJECT_DIRECTORIES|CEILING_DIRECTORIES|CONFIG|CONFIG_(PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)|OBJECT_DIRECTORY|DIR|WORK_TREE|IMPLICIT_WORK_TREE|GRAFT_FILE|INDEX_FILE|NO_REPLACE_OBJECTS|REPLACE_REF_BASE|PREFIX|SHALLOW_FILE|COMMON_DIR|NAMESPACE|TRACE.*|EXTERNAL_DIFF|PAGER|EDITOR)$/

/** Runs Git on a repository that may be hostile. An exit code other than 0 is an answer. Fails with `cancelled`, `timed-out`, `storage-unavailable` (endless output). */
export function runGit(args: readonly string[], { cwd, protocols = [], signal, input, timeoutMs = 60_000 }: GitOptions): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const settings = {
      cwd,
      env: environment(protocols),
      encoding: 'buffer',
      maxBuffer: OUTPUT_BYTES,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(signal && { signal }),
    } as const
    const child = execFile('git', [...HARMLESS, ...args], settings, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'ok', stdout })
      else if (signal?.aborted) reject(new Failure('cancelled', `git ${args[0]} was cancelled`, { cause: error }))
      else if (error.code === 'ENOENT') resolve({ kind: 'no-git' })
      else if (String(error.code) === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
        reject(new Failure('storage-unavailable', `git ${args[0]} lists more than a plugin repository may hold`, { cause: error }))
      else if (error.killed === true) reject(new Failure('timed-out', `git ${args[0]} took more than ${timeoutMs / 1000} s`, { cause: error }))
      else resolve({ kind: 'refused', stderr: stderr.toString('utf8').slice(-4096) })
    })
    // EPIPE: Git ended without reading all; its exit code tells why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

function environment(protocols: readonly string[]): NodeJS.ProcessEnv {
  // oxlint-disable-next-line no-restricted-properties -- git needs its caller's environment (PATH, HOME, proxies, SSH agent), but for what would lead it astray.
  const inherited = Object.entries(process.env).filter(([name]) => !LOCAL_VARIABLES.test(name))
  return {
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    ...Object.fromEntries(inherited),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    // Overrides every protocol.allow of the repository's own configuration; `none` is no protocol.
    GIT_ALLOW_PROTOCOL: protocols.length === 0 ? 'none' : protocols.join(':'),
  }
}
