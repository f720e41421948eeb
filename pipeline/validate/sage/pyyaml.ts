import { composeDocument } from './pyyaml-composer.ts'
import { constructDocument } from './pyyaml-constructor.ts'
import { caught } from './python-failure.ts'
import type { Parsed } from './python-value.ts'

/**
 * `yaml.safe_load(text)` of PyYAML 6.0: the same value, or the same first error with the same words. Time and memory grow with the text's length.
 *
 * Aliases share their value, which may even contain itself: what walks a value has to bound its depth (see `python-words.ts`) and must not copy it
 * for each place where it stands. Spans of collections end with their last child, those of scalars leave out tag and anchor.
 *
 * Two errors are ours: RecursionError comes at a fixed depth (Python's depends on its caller by a few levels), and MemoryError where merge keys
 * multiply to more than 200,000 pairs (Python works on until its memory ends).
 */
export function loadPyYaml(text: string): Parsed {
  return caught(() => {
    const root = composeDocument(text)
    return { value: root === undefined ? { type: 'NoneType', start: 0, end: 0 } : constructDocument(root, text) }
  })
}
