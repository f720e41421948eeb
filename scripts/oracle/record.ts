/**
 * `node scripts/oracle/record.ts [--source DIR] [--count 10500] [--seed N] [--edge-cases FILE] [--corpus DIR]`: asks Sage's own server and writes
 * what it says to `test/oracle/*.ndjson.br`, which `npm test` compares with.
 * Edge cases are those recorded before, unless a file names others: a JSON object a line with id, manifest, mode, user, describe, group, force, clone.
 * Of the corpus (`--corpus`), only the files' names are kept.
 */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { comparableAnswer } from '../../test/oracle/compare.ts'
import { generateCase } from '../../test/oracle/generator.ts'
import type { OracleCase } from '../../test/oracle/generator.ts'
import { readRecording, writeRecording } from '../../test/oracle/recorded.ts'
import type { Circumstances, RecordedCase, RecordedFile } from '../../test/oracle/recorded.ts'
import { ask } from './ask.ts'
import { startSageServer } from './sage-server.ts'

const { values } = parseArgs({
  options: {
    source: { type: 'string' },
    count: { type: 'string', default: '10500' },
    seed: { type: 'string', default: '20260501' },
    'edge-cases': { type: 'string' },
    corpus: { type: 'string' },
  },
})

/** Generated texts of this length are recorded only now and then: they are many bytes for one limit. */
const LONG_TEXT = 8192

interface EdgeCase extends Circumstances {
  readonly id: string
  readonly manifest: string
  readonly mode?: OracleCase['mode']
  readonly user?: string
  readonly describe?: string
}

async function edgeCases(file: string | undefined): Promise<readonly Omit<RecordedCase, 'sage'>[]> {
  if (file === undefined) return readRecording<RecordedCase>('edge-cases')
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => {
    const { id, manifest, mode = 'submitted', user = 'testuser', describe, group, force, clone } = JSON.parse(line) as EdgeCase
    const circumstances = {
      ...(describe !== undefined && { describe }),
      ...(group !== undefined && { group }),
      ...(force && { force }),
      ...(clone && { clone }),
    }
    return { name: id, mode, user, text: manifest, ...circumstances }
  })
}

const server = await startSageServer(values.source ?? process.env['SAGE_ECR_SOURCE'])

async function record<Item extends OracleCase & Circumstances>(item: Item): Promise<Item & { readonly sage: string }> {
  const { group, force, clone } = item
  const answer = await ask(server, item, { ...(group !== undefined && { group }), ...(force && { force }), ...(clone && { clone }) })
  return { ...item, sage: comparableAnswer(answer) }
}

/** In this order: consecutive lines of a group depend on each other. */
async function recordAll<Item extends OracleCase & Circumstances>(items: readonly Item[]): Promise<(Item & { readonly sage: string })[]> {
  return Promise.all(items.map(async (item) => record(item)))
}

function report(what: string, lines: readonly unknown[], bytes: number): void {
  process.stdout.write(`${what}: ${lines.length} lines, ${bytes} bytes\n`)
}

try {
  const edges = await recordAll(await edgeCases(values['edge-cases']))
  report('edge cases', edges, await writeRecording('edge-cases', edges))

  if (values.corpus !== undefined) {
    const folder = values.corpus
    const names = (await readdir(folder)).filter((name) => /\.(?:ya?ml|json)$/.test(name)).toSorted()
    const files: RecordedFile[] = []
    for (const file of names) {
      const text = await readFile(join(folder, file), 'utf8')
      for (const mode of ['submitted', 'portal'] as const) files.push({ file, mode, sage: (await record({ mode, text, user: 'testuser' })).sage })
    }
    report('corpus', files, await writeRecording('corpus', files))
  }

  const generated = []
  for (let index = 0; generated.length < Number(values.count); index++) {
    const item = generateCase(Number(values.seed), index)
    if (item.text.length <= LONG_TEXT || index % 16 === 0) generated.push({ name: String(index), ...item })
  }
  const recorded = []
  for (let start = 0; start < generated.length; start += 64) recorded.push(...(await recordAll(generated.slice(start, start + 64))))
  report('generated', recorded, await writeRecording('generated', recorded))
} finally {
  await server.stop()
}
