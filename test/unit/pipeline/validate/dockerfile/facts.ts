import { parse } from 'yaml'

import type { Problem } from '../../../../../pipeline/problem.ts'
import { indexTree, resolveTreePath } from '../../../../../pipeline/tree.ts'
import { parseDockerfile } from '../../../../../pipeline/validate/dockerfile/dockerfile.ts'
import type { Mapping } from '../../../../../pipeline/validate/lenient.ts'
import { mappingOf, textOf } from '../../../../../pipeline/validate/lenient.ts'
import { problemOf } from '../../../../../pipeline/validate/rule.ts'
import type { RepositoryFacts, RepositoryRule } from '../../../../../pipeline/validate/rule.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'
import { memoryTree } from '../../../../support/memory-tree.ts'
import type { MemoryFile } from '../../../../support/memory-tree.ts'

export type Files = Readonly<Record<string, MemoryFile>>

/** What rules about Dockerfiles look at, of files in memory. Places in the manifest are its first line with the last key of the path. */
export async function factsOf(files: Files): Promise<RepositoryFacts> {
  const tree = memoryTree(files)
  const index = indexTree(await tree.entries())
  const text = (path: string): string => (typeof files[path] === 'string' ? files[path] : '')
  const manifest = text('sage.yaml')
  const value = (parse(manifest) ?? {}) as Mapping
  const source = mappingOf(value, 'source')
  const found = resolveTreePath(index, `${textOf(source, 'directory').replace(/^\/+/, '') || '.'}/${textOf(source, 'dockerfile') || 'Dockerfile'}`)
  const pipeline = files['ctss.yaml'] === undefined ? undefined : (parse(text('ctss.yaml')) as Mapping)
  const texts = Object.keys(files).filter((path) => /requirements[^/]*\.txt$|\.dockerignore$/.test(path))
  return {
    manifest: {
      file: 'sage.yaml',
      value,
      text: textFile('sage.yaml', manifest),
      python: { type: 'dict', entries: [], duplicates: [], start: 0, end: 0 },
      span: () => undefined,
      place: (path) => ({ file: 'sage.yaml', line: Math.max(1, manifest.split('\n').findIndex((line) => line.includes(`${path.at(-1)}:`)) + 1) }),
    },
    portal: { user: 'local', url: '', branch: 'main' },
    repository: undefined,
    pipelineFile: pipeline && { file: 'ctss.yaml', value: pipeline, place: () => ({ file: 'ctss.yaml' }) },
    subject: await tree.subject(),
    tree: index,
    dockerfile: found.kind === 'file' ? parseDockerfile(textFile(found.path, text(found.path))) : undefined,
    modules: Object.keys(files)
      .filter((path) => path.endsWith('.py'))
      .map((path) => ({ text: textFile(path, text(path)) }) as RepositoryFacts['modules'][number]),
    texts: new Map(texts.map((path) => [path, textFile(path, text(path))])),
    metadataFiles: new Map(),
  }
}

/** What rules find, in their order. */
export async function check(rules: readonly RepositoryRule[], files: Files): Promise<readonly Problem[]> {
  const facts = await factsOf(files)
  return rules.flatMap((rule) => [...rule.check(facts)].map((finding) => problemOf(rule, finding)))
}

/** Each as `D010 Dockerfile:1:1`. */
export function brief(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, place }) => `${code.replace('CTSS-', '')} ${place?.file}:${place?.line}${place?.column === undefined ? '' : `:${place.column}`}`)
}
