import type { Edit } from '../../../../../schemas/generated/types.ts'
import type { Problem } from '../../../../../pipeline/problem.ts'
import { indexTree, resolveTreePath } from '../../../../../pipeline/tree.ts'
import { parseDockerfile } from '../../../../../pipeline/validate/dockerfile/dockerfile.ts'
import { applyEdits } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import { mappingOf, textOf } from '../../../../../pipeline/validate/lenient.ts'
import { makeManifest } from '../../../../../pipeline/validate/manifest-spans.ts'
import { readPythonModule } from '../../../../../pipeline/validate/python/module.ts'
import type { PythonModule } from '../../../../../pipeline/validate/python/module.ts'
import { problemOf } from '../../../../../pipeline/validate/rule.ts'
import type { RepositoryFacts, RepositoryRule } from '../../../../../pipeline/validate/rule.ts'
import { readBody } from '../../../../../pipeline/validate/sage/body.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'
import { HEALTHY_PLUGIN } from '../../../../support/healthy-plugin.ts'
import { memoryTree } from '../../../../support/memory-tree.ts'

export type Files = Readonly<Record<string, string>>

/** A module of a text. */
export function moduleOf(text: string, file = 'main.py'): PythonModule {
  return readPythonModule(textFile(file, text))
}

/** The facts of a repository that has these files only. */
export async function factsOf(files: Files): Promise<RepositoryFacts> {
  const tree = memoryTree(files)
  const index = indexTree(await tree.entries())
  const text = textFile('sage.yaml', files['sage.yaml'] ?? '{}')
  const read = readBody(text.text)
  if (!('value' in read) || read.value.type !== 'dict') throw new TypeError('the manifest of a test is a mapping')
  const manifest = makeManifest(text, read.value)
  const source = mappingOf(manifest.value, 'source')
  const folder = textOf(source, 'directory') || '.'
  const found = resolveTreePath(index, `${folder}/${textOf(source, 'dockerfile') || 'Dockerfile'}`)
  const paths = Object.keys(files)
  const texts = paths.filter((path) => /requirements[^/]*\.txt$|pyproject\.toml$|setup\.(?:py|cfg)$/.test(path))
  return {
    manifest,
    portal: { user: 'local', url: '', branch: 'main' },
    repository: undefined,
    pipelineFile: undefined,
    subject: await tree.subject(),
    tree: index,
    dockerfile: found.kind === 'file' ? parseDockerfile(textFile(found.path, files[found.path] ?? '')) : undefined,
    modules: paths.filter((path) => path.endsWith('.py') && !texts.includes(path)).map((path) => moduleOf(files[path] ?? '', path)),
    texts: new Map(texts.map((path) => [path, textFile(path, files[path] ?? '')])),
    metadataFiles: new Map(),
  }
}

/** The facts of the healthy plugin with these files laid over it. */
export async function healthyFacts(files: Files): Promise<RepositoryFacts> {
  return factsOf({ ...(HEALTHY_PLUGIN as Files), ...files })
}

/** What rules find in the healthy plugin with these files laid over it. */
export async function check(rules: readonly RepositoryRule[], files: Files): Promise<readonly Problem[]> {
  const facts = await healthyFacts(files)
  return rules.flatMap((rule) => [...rule.check(facts)].map((finding) => problemOf(rule, finding)))
}

/** Each as `P001 main.py:4:20`. */
export function brief(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, place }) => `${code.replace('CTSS-', '')} ${place?.file}:${place?.line}${place?.column === undefined ? '' : `:${place.column}`}`)
}

/** A file after all fixes. */
export function mended(problems: readonly Problem[], file: string, text: string): string {
  const edits = problems.flatMap(({ fix }) => fix?.edits ?? []).filter((edit: Edit) => edit.file === file)
  return applyEdits(text, edits).text
}

/** A program that is handed a plugin: its first line is line 4. */
export function inPlugin(...lines: readonly string[]): string {
  return ['from waggle.plugin import Plugin', '', 'with Plugin() as plugin:', ...lines.map((line) => `    ${line}`), ''].join('\n')
}
