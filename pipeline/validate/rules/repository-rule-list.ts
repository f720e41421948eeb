import type { RepositoryRule } from '../rule.ts'
import { DOCKERFILE_RULES } from './dockerfile-rules.ts'
import { PYTHON_RULES } from './python-rules.ts'
import { REPOSITORY_RULES } from './repository-rules.ts'
import { REQUIREMENTS_RULES } from './requirements-rules.ts'

/** Every rule about a manifest together with the files around it. */
export const REPOSITORY_RULE_LIST: readonly RepositoryRule[] = [...REPOSITORY_RULES, ...DOCKERFILE_RULES, ...PYTHON_RULES, ...REQUIREMENTS_RULES]
