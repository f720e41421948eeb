import pipelineFileSchema from '../../schemas/pipeline-file.schema.json' with { type: 'json' }
import { validatePipelineFile } from '../../schemas/generated/validators.js'
import type { PipelineFile } from '../../schemas/generated/types.ts'
import { error, warning } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { RepositoryTree } from '../ports/repository-tree.ts'
import { resolveTreePath } from '../tree.ts'
import type { TreeIndex } from '../tree.ts'
import { isMapping } from './lenient.ts'
import type { Mapping } from './lenient.ts'
import type { RuleFile } from './rule.ts'
import { describeSchemaErrors } from './schema-problems.ts'
import { explainPath } from './tree-words.ts'
import { MAX_FILE_BYTES, parseYaml } from './yaml-source.ts'

const PIPELINE_FILES = ['ctss.yaml', 'ctss.yml'] as const

export interface PipelineFileReading {
  /** Undefined: there is none, or none that can be read. */
  readonly file: RuleFile | undefined
  /** The sections that satisfy the schema. */
  readonly sections: PipelineFile
  readonly problems: readonly Problem[]
}

/** Finds and parses ctss.yaml, and checks it against its schema. Without one, every default holds. */
export async function readPipelineFile(tree: RepositoryTree, index: TreeIndex): Promise<PipelineFileReading> {
  const name = PIPELINE_FILES.find((candidate) => index.entries.has(candidate))
  if (name === undefined) return { file: undefined, sections: {}, problems: [] }
  const content = await tree.read(name, MAX_FILE_BYTES)
  if (content === undefined) return { file: undefined, sections: {}, problems: [unreadable(name, index)] }
  const misnamed =
    name === 'ctss.yaml'
      ? []
      : [warning('CTSS-C010', `The pipeline file is called ctss.yaml, not ${name}.`, { place: { file: name }, suggestion: 'Rename it.' })]
  const { source, problems } = parseYaml(name, content)
  if (source === undefined) return { file: undefined, sections: {}, problems: [...misnamed, ...problems] }
  if (source.value === null) return { file: undefined, sections: {}, problems: misnamed }
  if (!isMapping(source.value))
    return {
      file: undefined,
      sections: {},
      problems: [error('CTSS-C004', `${name} must be a mapping of sections, such as training: and test:.`, { place: { file: name, line: 1 } })],
    }
  const errors = validatePipelineFile(source.value) ? [] : (validatePipelineFile.errors ?? [])
  const broken = new Set(errors.map((item) => item.instancePath.split('/')[1]))
  return {
    file: { file: name, value: source.value, place: source.place },
    sections: keepSections(source.value, broken),
    problems: [...misnamed, ...describeSchemaErrors(errors, source, pipelineFileSchema)],
  }
}

function unreadable(name: string, index: TreeIndex): Problem {
  const { message, suggestion } = explainPath('The pipeline file', name, resolveTreePath(index, name), 'file')
  return error('CTSS-C020', message, { place: { file: name }, ...(suggestion !== undefined && { suggestion }) })
}

function keepSections(value: Mapping, broken: ReadonlySet<string | undefined>): PipelineFile {
  const known = Object.keys(pipelineFileSchema.properties)
  const kept = Object.fromEntries(Object.entries(value).filter(([key]) => known.includes(key) && !broken.has(key)))
  // Who may read a plugin is never guessed: a section that cannot be read lets nobody in.
  const access = broken.has('access') ? { access: { restricted: {} } } : {}
  const sections = { ...kept, ...access }
  if (!validatePipelineFile(sections)) throw new TypeError('sections without errors break the schema')
  return sections
}
