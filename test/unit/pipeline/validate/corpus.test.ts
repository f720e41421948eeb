import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { mend } from '../../../../cli/mend.ts'
import { validateManifestText, validateRepository } from '../../../../pipeline/validate/judge-repository.ts'
import { NO_CORPUS, readCorpus, type CorpusFile } from '../../../support/corpus.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const ROOT = new URL('../../../../', import.meta.url)

/** What the words of `test/corpus/expectations.tsv` are in codes. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  name: ['CTSS-M017'],
  'input-type': ['CTSS-M037'],
  version: ['CTSS-M100'],
  'no-version': ['CTSS-M102'],
  underscore: ['CTSS-M105'],
  'other-url': ['CTSS-M106'],
  template: ['CTSS-M107'],
  'dropped-key': ['CTSS-M111'],
  'build-args': ['CTSS-M112'],
  'source-key': ['CTSS-M113'],
  armv7: ['CTSS-M114'],
  twice: ['CTSS-M116'],
  dashes: ['CTSS-M117'],
  'no-licence': ['CTSS-M120'],
  licence: ['CTSS-M121', 'CTSS-M123'],
  semicolons: ['CTSS-M122'],
  dialect: ['CTSS-M150'],
  converted: ['CTSS-M151'],
  'base-architecture': ['CTSS-D020'],
  'board-base': ['CTSS-D021'],
  'moving-base': ['CTSS-D024'],
  'no-entrypoint': ['CTSS-D040'],
  'shell-redirect': ['CTSS-D054'],
  sklearn: ['CTSS-P056'],
}

/** About files that were not collected, so that nothing can be said. */
const ABOUT_OTHER_FILES = new Set(['CTSS-D044', 'CTSS-D060', 'CTSS-P057'])

const EXPECTATIONS = new Map(
  readFileSync(new URL('test/corpus/expectations.tsv', ROOT), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(([name = '', manifest = '', dockerfile = '']) => [name, { manifest: words(manifest), dockerfile: words(dockerfile) }] as const),
)

function words(cell: string): readonly string[] {
  return cell === '-' ? [] : cell.split(' ')
}

interface Row {
  readonly name: string
  readonly submitted: string
  readonly portal: string
  readonly manifest: readonly string[]
  readonly dockerfile: readonly string[]
}

async function judge(file: CorpusFile): Promise<Row> {
  const options = { user: 'testuser', repository: file.repository, branch: 'main' }
  const { verdict, problems } = validateManifestText(file.name, file.content, options)
  return { name: file.name, ...verdict, manifest: distinct(problems.map(({ code }) => code)), dockerfile: await judgeDockerfile(file, options) }
}

async function judgeDockerfile({ name, content, dockerfile, repository }: CorpusFile, options: object): Promise<readonly string[]> {
  if (dockerfile === undefined || !name.endsWith('.yaml')) return []
  const folder = /^ {2}directory: "?(\w[\w/]*)/m.exec(content.toString())?.[1]
  const tree = memoryTree({ 'sage.yaml': content, [folder === undefined ? 'Dockerfile' : `${folder}/Dockerfile`]: dockerfile }, { repository })
  const [report] = await validateRepository(tree, options)
  return distinct(
    (report?.problems ?? []).filter(({ code, severity }) => severity !== 'hint' && /-[DP]/.test(code) && !ABOUT_OTHER_FILES.has(code)).map(({ code }) => code),
  )
}

function distinct(codes: readonly string[]): readonly string[] {
  return [...new Set(codes)].toSorted()
}

function describeTable(rows: readonly Row[]): string {
  const cell = (codes: readonly string[]): string => codes.join(' ')
  const refused = (mode: 'submitted' | 'portal'): number => rows.filter((row) => row[mode] === 'refused').length
  return `# What is said about public manifests

${rows.length} manifests and Dockerfiles of public plugin repositories, as they were in November 2026. \`submitted\` is what Sage's server answers to the file as it is: it refuses ${refused('submitted')}.
\`portal\` is what it answers to what the Portal makes of it: it refuses ${refused('portal')}. The other columns are the codes of [rules.md](rules.md) for the manifest alone, and the errors and warnings for its Dockerfile.
A test writes this table (\`CTSS_CORPUS\` names the folder of the files, which belong to their authors), and compares it with what a person expected and with what Sage's own server said.

| file | submitted | portal | manifest | Dockerfile |
|---|---|---|---|---|
${rows.map(({ name, submitted, portal, manifest, dockerfile }) => `| ${name} | ${submitted} | ${portal} | ${cell(manifest)} | ${cell(dockerfile)} |`).join('\n')}
`
}

/** Lines of a text, with how often each stands in it. */
function countLines(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}

/** What every safe fix makes of a file, and how many lines of it are no longer there. */
async function mendAlone(file: CorpusFile): Promise<{ readonly portal: string; readonly touched: number }> {
  const options = { user: 'testuser', repository: file.repository, branch: 'main' }
  const contentOf = (files: ReadonlyMap<string, Buffer>): Buffer => files.get(file.name) ?? file.content
  const { files } = await mend({
    judge: async (changed) => validateManifestText(file.name, contentOf(changed), options).problems,
    read: async (path) => (path === file.name ? file.content : undefined),
    refusal: () => undefined,
  })
  const written = new Map(files.map((mended) => [mended.file, mended.after]))
  const [target, text] = [...written].find(([name]) => name !== file.name) ?? [file.name, written.get(file.name)?.toString() ?? file.content.toString()]
  const left = countLines(text.toString())
  const touched = target === file.name ? [...countLines(file.content.toString())].filter(([line, count]) => (left.get(line) ?? 0) < count).length : 0
  return { portal: validateManifestText(target, Buffer.from(text), options).verdict.portal, touched }
}

/** Its input types are placeholders: what was meant is in nobody's head. */
const CANNOT_BE_MENDED = ['waggle-sensor__plugin-generic-template.yaml']

const corpus = readCorpus()

function fileOf(name: string): CorpusFile {
  const file = corpus?.find((candidate) => candidate.name === name)
  if (file === undefined) throw new Error(`the corpus lacks ${name}`)
  return file
}

describe('the corpus of public manifests', () => {
  it('is listed in docs/corpus.md, with an expectation for each file', () => {
    const listed = readFileSync(new URL('docs/corpus.md', ROOT), 'utf8').match(/(?<=^\| )\S+\.(?:yaml|json)(?= \|)/gm)
    expect(listed).toStrictEqual([...EXPECTATIONS.keys()])
  })

  it('is judged as the table in docs/corpus.md says', async (context) => {
    context.skip(corpus === undefined, NO_CORPUS)
    await expect(describeTable(await Promise.all((corpus ?? []).map(judge)))).toMatchFileSnapshot(new URL('docs/corpus.md', ROOT).pathname)
  })

  it.for([...EXPECTATIONS.keys()])('%s is accepted once its safe fixes are applied, which touch few lines', async (name, context) => {
    context.skip(corpus === undefined, NO_CORPUS)
    const file = fileOf(name)
    const { portal, touched } = await mendAlone(file)
    expect(portal).toBe(CANNOT_BE_MENDED.includes(file.name) ? 'refused' : 'accepted')
    expect(touched).toBeLessThanOrEqual(1)
  })

  it.for([...EXPECTATIONS])('%s is told what a person expected', async ([name, expected], context) => {
    context.skip(corpus === undefined, NO_CORPUS)
    const row = await judge(fileOf(name))
    for (const part of ['manifest', 'dockerfile'] as const) {
      const known = expected[part].flatMap((word) => CODES[word] ?? [word])
      expect(row[part].filter((code) => !known.includes(code))).toStrictEqual([])
      expect(expected[part].filter((word) => !(CODES[word] ?? []).some((code) => row[part].includes(code)))).toStrictEqual([])
    }
  })
})
