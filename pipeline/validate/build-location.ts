import type { Subject } from '../../schemas/generated/types.ts'
import { resolveTreePath } from '../tree.ts'
import type { TreeIndex, TreePath } from '../tree.ts'
import { mappingOf, textOf } from './lenient.ts'
import type { Mapping } from './lenient.ts'

/**
 * `source.directory`, the build context; slashes before it mean nothing (sage-ecr jenkins_server.py L104 puts it behind the workspace's path).
 * It counts from the root of the Git repository: where only a folder of that is looked at, from that folder when it begins with its name.
 */
export function directoryOf(manifest: Mapping, { prefix }: Pick<Subject, 'prefix'>): string {
  const directory = textOf(mappingOf(manifest, 'source'), 'directory').replace(/^\/+/, '') || '.'
  if (prefix === undefined || !`${directory}/`.startsWith(`${prefix}/`)) return directory
  return directory.slice(prefix.length).replace(/^\/+/, '') || '.'
}

/** `source.dockerfile`, relative to the directory. */
export function dockerfileOf(manifest: Mapping): string {
  return textOf(mappingOf(manifest, 'source'), 'dockerfile').replace(/^\/+/, '') || 'Dockerfile'
}

/** Where a Dockerfile of the build context lies; where there is no `Dockerfile`, BuildKit takes a `dockerfile` (moby/buildkit, dockerui/config.go). */
export function resolveDockerfile(tree: TreeIndex, directory: string, dockerfile: string): TreePath {
  const path = directory === '.' ? dockerfile : `${directory}/${dockerfile}`
  const found = resolveTreePath(tree, path)
  if (found.kind !== 'missing' || !/(?:^|\/)Dockerfile$/.test(dockerfile)) return found
  const lower = resolveTreePath(tree, path.replace(/Dockerfile$/, 'dockerfile'))
  return lower.kind === 'file' ? lower : found
}
