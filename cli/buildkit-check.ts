import { join, relative } from 'node:path'

import { checkDockerfile } from '../adapters/buildx/dockerfile-check.ts'
import { makeWorkFolder } from '../adapters/machine/work-folders.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'
import type { Problem } from '../pipeline/problem.ts'
import { indexTree, resolveTreePath } from '../pipeline/tree.ts'
import { judgeManifest } from '../pipeline/validate/judge-manifest.ts'
import { mappingOf, textOf } from '../pipeline/validate/lenient.ts'
import { buildkitProblems } from '../pipeline/validate/rules/buildkit-rule.ts'
import { MAX_FILE_BYTES } from '../pipeline/validate/yaml-source.ts'

export interface BuildkitOptions {
  readonly workParent: string
  readonly signal: AbortSignal
  /** BuildKit's own without it. */
  readonly check?: typeof checkDockerfile
}

/** BuildKit's findings in the Dockerfile of a manifest; none where there is no such file in its context. Fails as `checkDockerfile`. */
export async function checkWithBuildkit(
  tree: RepositoryTree,
  manifest: string,
  { workParent, signal, check = checkDockerfile }: BuildkitOptions,
): Promise<readonly Problem[]> {
  const content = await tree.read(manifest, MAX_FILE_BYTES)
  const source = mappingOf(content && judgeManifest(manifest, content).manifest?.value, 'source')
  const index = indexTree(await tree.entries())
  const context = resolveTreePath(index, textOf(source, 'directory') || '.')
  if (context.kind !== 'folder') return []
  const inContext = (name: string): string => join(context.path, name)
  const dockerfile = resolveTreePath(index, inContext(textOf(source, 'dockerfile') || 'Dockerfile'))
  if (dockerfile.kind !== 'file' || relative(context.path, dockerfile.path).startsWith('..')) return []
  const ignored = inContext('.dockerignore')
  await using work = await makeWorkFolder(workParent, 'check')
  await tree.materialise([dockerfile.path, ...(index.entries.get(ignored)?.mode.startsWith('100') ? [ignored] : [])], work.path, signal)
  const warnings = await check({ context: join(work.path, context.path), dockerfile: relative(context.path, dockerfile.path), signal })
  return buildkitProblems(dockerfile.path, warnings)
}
