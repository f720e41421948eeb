import { error } from '../problem.ts'
import type { Place, Problem } from '../problem.ts'
import type { TreePath } from '../tree.ts'
import { quote } from './words.ts'

/** Why a path of the repository cannot be used, as a problem. `subject` is what names it, `wanted` what should have been there. */
export function describePath(
  subject: string,
  written: string,
  found: TreePath,
  wanted: 'file' | 'folder' | 'file or folder',
  place: Place,
  hint?: string,
): Problem {
  const path = quote(written)
  const details = { place, ...(hint !== undefined && { suggestion: hint }) }
  switch (found.kind) {
    case 'missing':
      return error('path-missing', `${subject}: there is no ${wanted} ${path} in the repository.`, details)
    case 'outside':
      return error(
        'path-outside',
        `${subject}: ${path} leaves the repository${found.link === undefined ? '' : ` through the symbolic link ${quote(found.link)}`}.`,
        { place, suggestion: 'Everything that a plugin needs lies in its repository: copy it there.' },
      )
    case 'loop':
      return error('path-outside', `${subject}: ${path} leads in a circle of symbolic links.`, details)
    case 'submodule':
      return error('path-in-submodule', `${subject}: ${path} lies in the Git submodule ${quote(found.path)}, whose files are not part of the tree.`, details)
    case 'file':
    case 'folder':
      return error('path-of-other-kind', `${subject}: ${path} is a ${found.kind}, and must be a ${wanted}.`, details)
  }
}
