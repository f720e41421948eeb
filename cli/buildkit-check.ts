import { join, relative } from 'node:path'

import { checkDockerfile } from '../adapters/buildx/dockerfile-check.ts'
import { makeWorkFolder } from '../adapters/machine/work-folders.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'
import type { Problem } from '../pipeline/problem.ts'
import { indexTree, resolveTreePath } from '../pipeline/tree.ts'
import { directoryOf, dockerfileOf, resolveDockerfile } from '../pipeline/validate/build-location.ts'
import { parseDockerfile } from '../pipeline/validate/dockerfile/dockerfile.ts'
import { judgeManifest } from '../pipeline/validate/judge-manifest.ts'
import { buildkitProblems } from '../pipeline/validate/rules/buildkit-rule.ts'
import { textFile } from '../pipeline/validate/text-file.ts'
import { MAX_FILE_BYTES } from '../pipeline/validate/yaml-source.ts'
import { printable } from '../pipeline/printable.ts'

export interface BuildkitOptions {
  readonly workParent: string
  readonly signal: AbortSignal
  /** BuildKit's own without it. */
  readonly check?: typeof checkDockerfile
  /** Takes a line about a Dockerfile that BuildKit is not asked about; stderr without it. */
  readonly tell?: (line: string) => void
}

/**
 * BuildKit's findings in the Dockerfile of a manifest; none where there is no such file in its context. Fails as `checkDockerfile`.
 * BuildKit fetches and runs the image that `# syntax=` names, so it is not asked about Dockerfiles for a frontend that is not Docker's, nor about
 * those that are too large for us to tell.
 */
export async function checkWithBuildkit(tree: RepositoryTree, manifest: string, options: BuildkitOptions): Promise<readonly Problem[]> {
  const { workParent, signal, check = checkDockerfile, tell = (line) => process.stderr.write(`${line}\n`) } = options
  const content = await tree.read(manifest, MAX_FILE_BYTES)
  const value = (content && judgeManifest(manifest, content).manifest?.value) ?? {}
  const [subject, entries] = await Promise.all([tree.subject(), tree.entries()])
  const index = indexTree(entries)
  const directory = directoryOf(value, subject)
  const context = resolveTreePath(index, directory)
  if (context.kind !== 'folder') return []
  const dockerfile = resolveDockerfile(index, directory, dockerfileOf(value))
  if (dockerfile.kind !== 'file' || relative(context.path, dockerfile.path).startsWith('..')) return []
  const reason = reasonAgainst(dockerfile.path, await tree.read(dockerfile.path, MAX_FILE_BYTES))
  if (reason !== undefined) {
    tell(`ctss: BuildKit is not asked about ${printable(dockerfile.path)}: ${reason}.`)
    return []
  }
  const ignored = join(context.path, '.dockerignore')
  await using work = await makeWorkFolder(workParent, 'check')
  await tree.materialise([dockerfile.path, ...(index.entries.get(ignored)?.mode.startsWith('100') ? [ignored] : [])], work.path, signal)
  const warnings = await check({ context: join(work.path, context.path), dockerfile: relative(context.path, dockerfile.path), signal })
  return buildkitProblems(dockerfile.path, warnings)
}

function reasonAgainst(file: string, content: Buffer | undefined): string | undefined {
  if (content === undefined || content.length > MAX_FILE_BYTES) return 'it is too large'
  const { isTooLarge, isForeign } = parseDockerfile(textFile(file, content.toString('utf8')))
  if (isTooLarge) return 'it is too large'
  return isForeign ? 'its `# syntax=` names an image that is not Docker\u2019s, which BuildKit would fetch and run' : undefined
}
