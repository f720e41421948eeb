/**
 * `npm run fuzz:oracle -- 100000 [--seed N] [--source DIR] [--manifests DIR]`: puts generated manifests to Sage's own server and to our judge,
 * and prints every difference, made small. Ends with 1 when there is one. `--manifests`: mostly mutations of the files of a folder.
 */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { comparableAnswer, comparableJudgement, judge } from '../../test/oracle/compare.ts'
import { generateCase } from '../../test/oracle/generator.ts'
import type { OracleCase } from '../../test/oracle/generator.ts'
import { ask } from './ask.ts'
import { minimise } from './minimise.ts'
import { startSageServer } from './sage-server.ts'

/** Questions under way at once: enough for Sage's server never to wait. */
const WINDOW = 64
/** Differences that are made small; more are only counted. */
const MOST_SHOWN = 20

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, source: { type: 'string' }, from: { type: 'string', default: '0' }, manifests: { type: 'string' } },
})
const count = Number(positionals[0] ?? 1000)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const from = Number(values.from)
const manifests = values.manifests === undefined ? undefined : await readManifests(values.manifests)
const server = await startSageServer(values.source ?? process.env['SAGE_ECR_SOURCE'])
const differences: { readonly index: number; readonly item: OracleCase }[] = []
const started = performance.now()
let accepted = 0
let answered = 0

async function compare(index: number): Promise<void> {
  const item = generateCase(seed, index, manifests)
  const answer = await ask(server, item)
  answered += 1
  if (answer.accepted) accepted += 1
  if (isDifferent(item, comparableAnswer(answer))) {
    differences.push({ index, item })
    process.stdout.write(`case ${index} differs\n`)
  }
  if (answered % 5000 === 0) {
    const perSecond = Math.round(answered / ((performance.now() - started) / 1000))
    process.stdout.write(`${answered} judged, ${Math.round((accepted / answered) * 100)} % accepted, ${differences.length} differences, ${perSecond}/s\n`)
  }
}

async function readManifests(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => /\.(?:ya?ml|json)$/.test(name)).toSorted()
  return Promise.all(names.map(async (name) => readFile(join(folder, name), 'utf8')))
}

function isDifferent(item: OracleCase, sage: string): boolean {
  return comparableJudgement(judge(item)) !== sage
}

process.stdout.write(`seed ${seed}, ${count} manifests\n`)
try {
  for (let first = from; first < from + count; first += WINDOW) {
    const size = Math.min(WINDOW, from + count - first)
    await Promise.all(Array.from({ length: size }, async (_, offset) => compare(first + offset)))
  }
  for (const { index, item } of differences.slice(0, MOST_SHOWN)) {
    const small = await minimise(item, async (smaller) => isDifferent(smaller, comparableAnswer(await ask(server, smaller))))
    const sage = comparableAnswer(await ask(server, small))
    process.stdout.write(`\n== case ${index}, ${small.mode}, user ${small.user}${small.describe === undefined ? '' : `, describe ${small.describe}`}\n`)
    process.stdout.write(`${JSON.stringify(small.text)}\nSage: ${show(sage)}\nours: ${show(comparableJudgement(judge(small)))}\n`)
  }
} finally {
  await server.stop()
}
process.stdout.write(`\nseed ${seed}: ${answered} judged, ${Math.round((accepted / answered) * 100)} % accepted, ${differences.length} differences\n`)
process.exitCode = differences.length === 0 ? 0 : 1

function show(verdict: string): string {
  return verdict.length > 400 ? `${verdict.slice(0, 400)}…` : verdict
}
