import type { RepositoryRule } from '../rule.ts'
import { ARGUMENT_RULES } from './python-rules-arguments.ts'
import { NETWORK_RULES } from './python-rules-network.ts'
import { PLUGIN_RULES } from './python-rules-plugin.ts'
import { PUBLISH_RULES } from './python-rules-publish.ts'

/** Rules about the plugin's Python code, which is read and never run. */
export const PYTHON_RULES: readonly RepositoryRule[] = [...PUBLISH_RULES, ...PLUGIN_RULES, ...ARGUMENT_RULES, ...NETWORK_RULES]
