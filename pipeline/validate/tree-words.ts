import type { TreePath } from '../tree.ts'
import { quote } from './words.ts'

/** Why a path of the repository cannot be used. */
export interface PathExplanation {
  readonly message: string
  readonly suggestion?: string
}

/** `subject` is what names the path, `wanted` what should have been there; `hint` helps when nothing is. */
export function explainPath(subject: string, written: string, found: TreePath, wanted: 'file' | 'folder' | 'file or folder', hint?: string): PathExplanation {
  const path = quote(written)
  const hinted = hint === undefined ? {} : { suggestion: hint }
  switch (found.kind) {
    case 'missing':
      return { message: `${subject}: there is no ${wanted} ${path} in the repository.`, ...hinted }
    case 'outside':
      return {
        message: `${subject}: ${path} leaves the repository${found.link === undefined ? '' : ` through the symbolic link ${quote(found.link)}`}.`,
        suggestion: 'Everything that a plugin needs lies in its repository: copy it there.',
      }
    case 'loop':
      return { message: `${subject}: ${path} leads in a circle of symbolic links.`, ...hinted }
    case 'submodule':
      return { message: `${subject}: ${path} lies in the Git submodule ${quote(found.path)}, whose files are not part of the tree.`, ...hinted }
    case 'file':
    case 'folder':
      return { message: `${subject}: ${path} is a ${found.kind}, and must be a ${wanted}.`, ...hinted }
  }
}
