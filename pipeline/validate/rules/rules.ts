import { DIALECT_RULES } from '../dialects/dialect-rules.ts'
import type { RuleDocument } from '../rule.ts'
import { BUILDKIT_CHECK } from './buildkit-rule.ts'
import { MANIFEST_RULES } from './manifest-warnings.ts'
import { PIPELINE_FILE_DOCUMENTS } from './pipeline-file-documents.ts'
import { READING_RULES } from './reading-rules.ts'
import { REPOSITORY_RULE_LIST } from './repository-rule-list.ts'
import { SAGE_REFUSALS } from './sage-refusals.ts'

/** Every rule, sorted by code: what `docs/rules.md` and `ctss explain` are made of. */
export const RULE_DOCUMENTS: readonly RuleDocument[] = [
  ...READING_RULES,
  ...SAGE_REFUSALS,
  ...MANIFEST_RULES,
  ...DIALECT_RULES,
  ...REPOSITORY_RULE_LIST,
  BUILDKIT_CHECK,
  ...PIPELINE_FILE_DOCUMENTS,
].toSorted((a, b) => (a.code < b.code ? -1 : 1))
