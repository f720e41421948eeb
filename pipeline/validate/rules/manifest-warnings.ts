import { limitFindings } from '../limit-findings.ts'
import type { ManifestRule } from '../rule.ts'
import { LICENCE_WARNINGS } from './licence-rules.ts'
import { IDENTITY_WARNINGS } from './manifest-warnings-identity.ts'
import { INPUT_WARNINGS } from './manifest-warnings-inputs.ts'
import { SOURCE_WARNINGS } from './manifest-warnings-source.ts'
import { TEXT_WARNINGS } from './manifest-warnings-text.ts'
import { YAML_WARNINGS } from './manifest-warnings-yaml.ts'

/** What Sage accepts in a manifest, and what will not do what its author thinks. */
export const MANIFEST_RULES: readonly ManifestRule[] = [
  ...IDENTITY_WARNINGS,
  ...TEXT_WARNINGS,
  ...SOURCE_WARNINGS,
  ...INPUT_WARNINGS,
  ...LICENCE_WARNINGS,
  ...YAML_WARNINGS,
].map(limitFindings)
