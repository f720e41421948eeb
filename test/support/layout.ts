import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MemoryFile } from './memory-tree.ts'

/** Lays files out in a folder. */
export function layOut(folder: string, files: Readonly<Record<string, MemoryFile>>): void {
  for (const [path, file] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    if (typeof file === 'string' || Buffer.isBuffer(file)) writeFileSync(join(folder, path), file)
    else if ('link' in file) symlinkSync(file.link, join(folder, path))
    else if ('program' in file) writeFileSync(join(folder, path), file.program, { mode: 0o755 })
    else throw new TypeError('a submodule needs a repository')
  }
}

const WITHOUT_PEOPLE = [
  '-c',
  'user.name=Test',
  '-c',
  'user.email=test@example.org',
  '-c',
  'commit.gpgSign=false',
  '-c',
  'init.defaultBranch=main',
  '-c',
  'protocol.file.allow=always',
]

/** Runs Git for a test's own repository. */
export function git(folder: string, ...args: readonly string[]): string {
  return execFileSync('git', [...WITHOUT_PEOPLE, ...args], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** A Git repository of one commit. */
export function makeRepository(folder: string, files: Readonly<Record<string, MemoryFile>>): void {
  layOut(folder, files)
  git(folder, 'init', '-q')
  git(folder, 'add', '-A')
  git(folder, 'commit', '-q', '--allow-empty', '-m', 'first')
}
