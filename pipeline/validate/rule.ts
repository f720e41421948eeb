import type { Place, Problem } from '../problem.ts'
import type { TreeIndex } from '../tree.ts'
import type { Subject } from '../../schemas/generated/types.ts'
import type { Mapping } from './lenient.ts'
import type { DocumentPath } from './yaml-source.ts'

/** A file that the rules look into: its value, which may break the schema, and where things stand in it. */
export interface RuleFile {
  readonly file: string
  readonly value: Mapping
  place(path: DocumentPath, part?: 'key' | 'value'): Place
}

/** Everything that a rule may look at. */
export interface RuleFacts {
  /** Today's dialect, whatever the file's own. */
  readonly manifest: RuleFile
  readonly pipelineFile: RuleFile | undefined
  readonly subject: Subject
  readonly tree: TreeIndex
  /** The Dockerfile's text, at most 256 KiB; undefined when there is none. */
  readonly dockerfile: string | undefined
}

/**
 * One thing that can be wrong beyond the schema. Pure; looks at values that may be of any type (the schema has complained about those already),
 * and yields a problem for each finding. Its docstring names the source of the rule.
 */
export type Rule = (facts: RuleFacts) => Iterable<Problem>
