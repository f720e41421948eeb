import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { git, makeRepository } from '../layout.ts'
import type { MemoryFile } from '../memory-tree.ts'

/** Files of a repository by path. */
export type Files = Readonly<Record<string, MemoryFile>>

/** Writes and commits a repository at `folder/repositories/owner/name`, anew; returns the commit. */
export function hostFiles(folder: string, name: string, files: Files): string {
  const target = join(folder, 'repositories', name)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  makeRepository(target, files)
  return git(target, 'rev-parse', 'HEAD')
}

/** Every file below a folder. */
export function readFiles(folder: string): Readonly<Record<string, Buffer>> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile())
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path))]))
}
