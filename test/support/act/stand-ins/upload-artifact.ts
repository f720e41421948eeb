/**
 * In the place of actions/upload-artifact v7: hidden files and empty folders stay behind, links are followed, file modes are lost, a name is taken once per run.
 * Patterns in `path` are not there: one folder, one file, or several paths, whose common ancestor is the artifact's root.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, chmodSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { listArtifacts, runFolder } from './artifact-store.ts'
import { readFlag, readInput, readVariable, runAction, say, setOutput } from './runner-protocol.ts'

function findFiles(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || (basename(path).startsWith('.') && !readFlag('include-hidden-files'))) return []
  return found.isDirectory()
    ? readdirSync(path)
        .toSorted()
        .flatMap((name) => findFiles(join(path, name)))
    : [path]
}

function commonAncestor(paths: readonly string[]): string {
  const parts = paths.map((path) => path.split('/'))
  const [first = []] = parts
  const differs = first.findIndex((part, at) => parts.some((other) => other[at] !== part))
  return first.slice(0, differs === -1 ? first.length : differs).join('/') || '/'
}

runAction(() => {
  const name = readInput('name')
  if (/["<>:|*?\r\n\\/]/.test(name)) throw new Error(`The artifact name is not valid: ${name}.`)
  const paths = readInput('path')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (paths.length === 0) throw new Error('Input required and not supplied: path')
  const pattern = paths.find((path) => /[*?[\]!]/.test(path))
  if (pattern !== undefined) throw new Error(`This stand-in knows no patterns: ${pattern}`)
  const roots = paths.map((path) => resolve(readVariable('GITHUB_WORKSPACE'), path))
  const files = roots.flatMap(findFiles)
  if (files.length === 0) {
    const message = `No files were found with the provided path: ${paths.join(', ')}. No artifacts will be uploaded.`
    const behaviour = readInput('if-no-files-found')
    if (behaviour === 'error') throw new Error(message)
    say(behaviour === 'warn' ? `::warning::${message}` : message)
    return
  }
  const target = join(runFolder(), name)
  if (listArtifacts().includes(name)) {
    if (!readFlag('overwrite'))
      throw new Error('Failed to CreateArtifact: Received non-retryable error: (409) Conflict: an artifact with this name already exists on the workflow run')
    rmSync(target, { recursive: true })
  }

  const [only = ''] = files
  const root = roots.length === 1 && files.length === 1 && only === roots[0] ? dirname(only) : commonAncestor(roots)
  const half = join(runFolder(), `.${name}.${process.pid}`)
  const sum = createHash('sha256')
  for (const file of files) {
    const path = relative(root, file)
    mkdirSync(dirname(join(half, path)), { recursive: true })
    copyFileSync(file, join(half, path))
    chmodSync(join(half, path), 0o644)
    sum.update(path).update('\0').update(readFileSync(file))
  }
  renameSync(half, target)
  setOutput('artifact-id', String(listArtifacts().length))
  setOutput('artifact-digest', sum.digest('hex'))
  setOutput(
    'artifact-url',
    `${readVariable('GITHUB_SERVER_URL')}/${readVariable('GITHUB_REPOSITORY')}/actions/runs/${readVariable('GITHUB_RUN_ID')}/artifacts/${listArtifacts().length}`,
  )
  say(`artifact ${name}: ${files.length} file(s)`)
})
