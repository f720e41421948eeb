import type { Problem } from '../../problem.ts'
import type { Edit } from '../../../schemas/generated/types.ts'
import type { Finding, ManifestFile, RuleDocument } from '../rule.ts'
import type { Judgement } from '../sage/judge.ts'
import type { TextFile } from '../text-file.ts'
import { writePath } from '../words.ts'
import type { ConvertedManifest, Dialect } from './dialects.ts'
import { writeManifest } from './manifest-text.ts'
import { writtenValues } from './written-values.ts'

/** Of Virtual Waggle's days, found in a public repository at its last commit. */
const OLD_MANIFEST = `{
  "id": 124,
  "name": "cloud-counter",
  "version": "0.1.0",
  "description": "Counts clouds",
  "sources": [{ "architectures": ["linux/amd64", "linux/arm64"] }]
}
`

export const OLD_DIALECT: RuleDocument = {
  code: 'CTSS-M150',
  name: 'old-dialect',
  severity: 'error',
  title: 'The manifest is written in a dialect that Sage no longer takes.',
  reason:
    'Before 2021 plugins were described by a `sage.json` in one of four shapes, with `architecture`, `sources` or an address as `source`. Sage refuses all of them, and the Portal breaks on them. This tool still builds and tests such a plugin, by what the manifest says when it is converted.',
  source: 'sage-ecr ecr_api.py L403-426 (valid_fields, type of source); the shapes are those of 28 public files, 2020-07 to 2023-02.',
  example: { bad: { 'sage.json': OLD_MANIFEST } },
}

export const DIALECT_CONVERTED: RuleDocument = {
  code: 'CTSS-M151',
  name: 'dialect-converted',
  severity: 'warning',
  title: 'The manifest was read as if it were written in today’s keys.',
  reason:
    'The converted manifest is shown with the problem, and `--fix` writes it. What has no place in it is listed, so that nothing is lost unseen: numbers and owners that nobody reads any more, empty values, and further `sources`.',
  source: 'This tool. What the old keys meant: waggle-sensor/virtual-waggle commands/build.py, and sage-ecr before 2021.',
  example: { bad: { 'sage.json': OLD_MANIFEST } },
}

export const MANIFEST_MISNAMED: RuleDocument = {
  code: 'CTSS-M152',
  name: 'manifest-misnamed',
  severity: 'warning',
  title: 'The manifest is not called sage.yaml.',
  reason:
    'The Portal fetches `sage.yaml` at the root of the chosen branch and nothing else: it cannot register a plugin whose manifest is called `sage.yml`, `sage.json` or `plugin.yaml`. Sage’s server itself takes the same content, as YAML or as JSON.',
  source: 'sage-gui apps/sage/ecr/create-app/CreateApp.tsx L117-122.',
  example: {
    bad: { 'sage.yml': 'name: cloud-counter\nversion: "1.2.3"\ndescription: Counts clouds\nlicense: MIT\nsource:\n  architectures: [linux/amd64]\n' },
  },
}

/** What is said about files that are no `sage.yaml` of today. */
export const DIALECT_RULES: readonly RuleDocument[] = [OLD_DIALECT, DIALECT_CONVERTED, MANIFEST_MISNAMED]

const WORDS: Readonly<Record<Dialect, string>> = {
  A: 'of 2020 (`architecture`, and an address as `source`)',
  B: 'of Virtual Waggle (a list `sources`)',
  C: 'of the first ECR (a list `sources` with addresses)',
  'A+B': 'that mixes two (an address as `source`, and a list `sources`)',
}

/**
 * The findings about a manifest in an old dialect. The fix writes the converted file beside it, or over it when the name is right already; whoever
 * applies it must see to it that a file that the fix creates is not there yet.
 */
export function dialectFindings(text: TextFile, converted: ConvertedManifest, judgement: Judgement): readonly (readonly [RuleDocument, Finding])[] {
  const { dialect, dropped } = converted
  const [first] = judgement.refusals
  const place = { file: text.file, line: 1 }
  const target = targetOf(text.file)
  const refusal: Finding = {
    place,
    message: `This manifest is in a dialect ${WORDS[dialect]} that Sage refuses${first === undefined ? '' : `: ${first.sage.replace(/^portal: /, '').slice(0, 200)}`}.`,
    suggestion: `Write ${target} with today’s keys.`,
  }
  const list = dropped.slice(0, 20).map(({ path, reason }) => `\`${writePath(path).slice(0, 100)}\` (${reason})`)
  const rest = dropped.length > list.length ? ` and ${dropped.length - list.length} more` : ''
  const conversion: Finding = {
    place,
    message: `It was read as the text below.${list.length === 0 ? ' Nothing is lost.' : ` Left out: ${list.join(', ')}${rest}.`}`,
    suggestion: `Save the text as ${target}${target === text.file ? '' : `, and delete ${baseName(text.file)}`}.`,
    detail: converted.text,
    fix: {
      title: `write ${target}`,
      safe: target !== text.file && converted.isCertain && !dropped.some(({ matters }) => matters),
      edits: [writeFile(text, target, converted.text)],
    },
  }
  return [
    [OLD_DIALECT, refusal],
    [DIALECT_CONVERTED, conversion],
  ]
}

/**
 * The findings about the name of a manifest with today's keys. A file of any other name was given by its path, and is meant as it is.
 * `others`: what else is said about it. As long as some of that is mended safely, writing the new file is not safe: it would hold what is not mended yet,
 * and the old file would be changed for nothing.
 */
export function spellingFindings(manifest: ManifestFile, others: readonly Problem[] = []): readonly (readonly [RuleDocument, Finding])[] {
  const name = baseName(manifest.file)
  if (!['sage.yml', 'sage.json', 'plugin.yaml', 'plugin.yml'].includes(name)) return []
  const target = targetOf(manifest.file)
  const finding: Finding = {
    place: { file: manifest.file, line: 1 },
    message: `The Portal reads sage.yaml, not ${name}.`,
    suggestion: name === 'sage.json' ? `Write ${target} with the same keys, and delete ${name}.` : `Rename it to ${target}.`,
  }
  if (name !== 'sage.json') return [[MANIFEST_MISNAMED, finding]]
  const { value, isCertain } = writtenValues(manifest)
  const isMended = !others.some(({ fix, severity }) => fix?.safe === true && severity !== 'hint')
  const title = isMended ? `write ${target}` : `write ${target}, once the rest is mended`
  const fix = { title, safe: isMended && isCertain, edits: [writeFile(manifest.text, target, writeManifest(value))] }
  return [[MANIFEST_MISNAMED, { ...finding, fix }]]
}

/** Beside the old file: `sage.yaml` for one that tools look for by its name, else the same name as YAML. */
function targetOf(file: string): string {
  const name = baseName(file)
  const folder = file.slice(0, file.length - name.length)
  if (/^(?:sage|plugin)\.(?:json|ya?ml)$/.test(name)) return `${folder}sage.yaml`
  return /\.ya?ml$/.test(name) ? file : `${folder}${name.replace(/\.json$/, '')}.yaml`
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1)
}

/** Over the whole text of the file itself, or into a new one. */
function writeFile(source: TextFile, target: string, text: string): Edit {
  if (target === source.file) return source.replace({ start: 0, end: source.text.length }, text)
  return { file: target, line: 1, column: 1, endLine: 1, endColumn: 1, text }
}
