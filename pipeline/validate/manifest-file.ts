import { stringify } from 'yaml'

import manifestSchema from '../../schemas/manifest.schema.json' with { type: 'json' }
import { validateManifest } from '../../schemas/generated/validators.js'
import { error, warning } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { RepositoryTree } from '../ports/repository-tree.ts'
import { resolveTreePath } from '../tree.ts'
import type { TreeIndex } from '../tree.ts'
import { isMapping, valueOf } from './lenient.ts'
import type { RuleFile } from './rule.ts'
import { convertSageJson } from './sage-json.ts'
import { describeSchemaErrors } from './schema-problems.ts'
import { describePath } from './tree-words.ts'
import { closestWord } from './words.ts'
import { MAX_FILE_BYTES, parseYaml } from './yaml-source.ts'
import type { YamlSource } from './yaml-source.ts'

/** The Portal reads the first alone (sage-gui CreateApp.tsx L117-122); the others are what authors have. */
export const MANIFEST_FILES = ['sage.yaml', 'sage.yml', 'sage.json'] as const

export interface ManifestReading {
  /** In today's dialect; undefined: none that can be read. */
  readonly manifest: RuleFile | undefined
  readonly problems: readonly Problem[]
}

/** Finds and parses the manifest, and checks it against its schema. */
export async function readManifest(tree: RepositoryTree, index: TreeIndex): Promise<ManifestReading> {
  const file = MANIFEST_FILES.find((name) => index.entries.has(name) || index.folders.has(name))
  if (file === undefined) return { manifest: undefined, problems: [noManifest(index)] }
  const found = resolveTreePath(index, file)
  const content = found.kind === 'file' ? await tree.read(file, MAX_FILE_BYTES) : undefined
  if (content === undefined) return { manifest: undefined, problems: [describePath('The manifest', file, found, 'file', { file })] }
  const { source, problems } = parseYaml(file, content)
  if (source === undefined) return { manifest: undefined, problems }
  if (!isMapping(source.value)) return { manifest: undefined, problems: [notAMapping(source)] }
  return file === 'sage.json' ? checkSageJson(source) : checkManifest(source, source.value, spellingProblems(file))
}

function noManifest(index: TreeIndex): Problem {
  const meant = [...index.entries.keys()].filter((path) => !path.includes('/')).find((path) => closestWord(path, MANIFEST_FILES) !== undefined)
  const deeper = [...index.entries.keys()].filter((path) => path.endsWith('/sage.yaml')).map((path) => path.slice(0, -'/sage.yaml'.length))
  let suggestion = 'Write one (`ctss init` makes a plugin with all its files); for a trial without one, `ctss test FOLDER` needs only a Dockerfile.'
  if (deeper.length > 0) suggestion = `There is one in ${deeper.slice(0, 5).join(', ')}: give that folder instead.`
  if (meant !== undefined) suggestion = `Rename ${meant} to sage.yaml.`
  return error('no-manifest', 'There is no sage.yaml at the root of the repository.', { place: { file: 'sage.yaml' }, suggestion })
}

function notAMapping({ file, value }: YamlSource): Problem {
  const message = value === null || value === undefined ? `${file} is empty.` : `${file} must be a mapping of keys, such as name: and description:.`
  return error('not-a-mapping', message, { place: { file, line: 1 } })
}

function spellingProblems(file: string): readonly Problem[] {
  return file === 'sage.yaml'
    ? []
    : [warning('manifest-misnamed', `The Portal reads sage.yaml, not ${file}.`, { place: { file }, suggestion: 'Rename it to sage.yaml.' })]
}

function checkManifest(source: YamlSource, value: Readonly<Record<string, unknown>>, problems: readonly Problem[]): ManifestReading {
  const isValid = validateManifest(value)
  const broken = isValid ? [] : describeSchemaErrors(validateManifest.errors ?? [], source, manifestSchema)
  return { manifest: { file: source.file, value, place: source.place }, problems: [...problems, ...broken] }
}

/** The old file is not what its places would be in today's dialect, so problems stand at its keys where those are the same. */
function checkSageJson(source: YamlSource): ManifestReading {
  const converted = convertSageJson(isMapping(source.value) ? source.value : {})
  const isSame = converted === source.value
  const place: YamlSource['place'] = (path, part) =>
    isSame || (path.length > 0 && valueOf(source.value, String(path[0])) !== undefined) ? source.place(path, part) : { file: source.file, line: 1 }
  const old = warning('sage-json', 'Nothing reads sage.json any more: the Portal wants sage.yaml.', {
    place: { file: source.file, line: 1 },
    suggestion: 'Save the text below as sage.yaml, and delete sage.json.',
    detail: stringify(converted, { lineWidth: 0 }),
  })
  return checkManifest({ ...source, value: converted, place }, converted, [old])
}
