import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import { runGit } from './git.ts'

/** What may become an entry: its path as bytes and, for submodules, the commit that they are at. */
export interface Candidate {
  readonly name: Buffer
  readonly submodule?: string
}

/** GitHub's own answer for a tree stops at 100,000 entries; a plugin with half as many has data in Git that belongs elsewhere. */
export const MAX_ENTRIES = 50_000

const SLASH = 0x2f

/** Files that Git knows of or would add: tracked ones and untracked ones that are not ignored, relative to the folder. Undefined: no Git, no repository, or a folder that it ignores. */
export async function listWithGit(folder: string, signal?: AbortSignal): Promise<readonly Candidate[] | undefined> {
  const answer = await runGit(['ls-files', '-z', '-t', '--stage', '--cached', '--others', '--exclude-standard'], { cwd: folder, ...(signal && { signal }) })
  if (answer.kind !== 'ok') return undefined
  const candidates = new Map<string, Candidate>()
  for (const line of splitZero(answer.stdout)) {
    const candidate = parseLine(line)
    if (candidate !== undefined) candidates.set(candidate.name.toString('latin1'), candidate)
    if (candidates.size > MAX_ENTRIES) throw tooMany(folder)
  }
  return candidates.size === 0 ? undefined : [...candidates.values()]
}

/** `? name` of an untracked file, or `H mode id stage\tname` of a tracked one. An untracked folder that is a repository of its own ends in a slash: a clone would not have it. */
function parseLine(line: Buffer): Candidate | undefined {
  if (line[0] === 0x3f) {
    const name = line.subarray(2)
    return name.at(-1) === SLASH ? undefined : { name }
  }
  const tab = line.indexOf('\t')
  const [, mode, id] = line.subarray(0, tab).toString('latin1').split(' ')
  const name = line.subarray(tab + 1)
  return mode === '160000' && id !== undefined ? { name, submodule: id } : { name }
}

/** Every file below a folder, but for what lies in a `.git`. Links are not followed. */
export async function listByWalking(
  folder: string,
  { signal, limit = MAX_ENTRIES }: { readonly signal?: AbortSignal; readonly limit?: number } = {},
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = []
  const pending: Buffer[] = [Buffer.alloc(0)]
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    signal?.throwIfAborted()
    const location = parent.length === 0 ? Buffer.from(folder) : Buffer.concat([Buffer.from(join(folder, '/')), parent])
    for (const item of await readdir(location, { withFileTypes: true, encoding: 'buffer' })) {
      if (item.name.equals(Buffer.from('.git'))) continue
      const name = parent.length === 0 ? item.name : Buffer.concat([parent, Buffer.from('/'), item.name])
      if (item.isDirectory()) pending.push(name)
      else if (item.isFile() || item.isSymbolicLink()) candidates.push({ name })
      if (candidates.length + pending.length > limit) throw tooMany(folder)
    }
  }
  return candidates
}

/** A name as text; bytes that are not UTF-8 as `\xNN`. */
export function readableName(name: Buffer): string {
  const text = name.toString('utf8')
  return Buffer.from(text).equals(name)
    ? text
    : name.toString('latin1').replace(/[\u0080-\u00ff]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`)
}

/** The pieces of what Git prints with `-z`. */
export function* splitZero(output: Buffer): Generator<Buffer> {
  let start = 0
  for (let end = output.indexOf(0); end !== -1; end = output.indexOf(0, start)) {
    yield output.subarray(start, end)
    start = end + 1
  }
}

function tooMany(folder: string): Failure {
  return new Failure('storage-unavailable', `${folder} holds more than ${MAX_ENTRIES.toLocaleString('en')} files`, {
    suggestion: 'name what does not belong to the plugin in .gitignore, or give the folder of the plugin itself',
  })
}
