import { describe, expect, it } from 'vitest'

import { comparableJudgement, judge } from '../../../oracle/compare.ts'
import { DIFFERENCES } from '../../../oracle/differences.ts'
import { generateCase } from '../../../oracle/generator.ts'
import { readRecording } from '../../../oracle/recorded.ts'
import type { RecordedCase, RecordedFile } from '../../../oracle/recorded.ts'
import { NO_CORPUS, readCorpus } from '../../../support/corpus.ts'

const corpus = readCorpus()

/** What differs, and no more than a page of it. */
function differences(cases: readonly RecordedCase[]): readonly unknown[] {
  return cases
    .map((item) => ({ name: item.name, mode: item.mode, sage: item.sage, ours: comparableJudgement(judge(item)) }))
    .filter(({ sage, ours }) => sage !== ours)
    .slice(0, 20)
}

describe("agreement with Sage's own server", () => {
  it('on hand-made edge cases, but for what a manifest cannot tell', async () => {
    const cases = await readRecording<RecordedCase>('edge-cases')
    const excused = new Set(DIFFERENCES.flatMap(({ edgeCases }) => edgeCases ?? []))
    expect(cases.length).toBeGreaterThanOrEqual(299)
    expect(differences(cases.filter(({ name }) => !excused.has(name)))).toEqual([])
    // An excuse that is needed no more is a mistake.
    expect(differences(cases.filter(({ name }) => excused.has(name)))).toHaveLength(excused.size)
  })

  it('on generated manifests: verdict, first words, and what is stored', { timeout: 60_000 }, async () => {
    const cases = await readRecording<RecordedCase>('generated')
    expect(cases.length).toBeGreaterThanOrEqual(10_000)
    expect(differences(cases)).toEqual([])
    const accepted = cases.filter(({ sage }) => sage.startsWith('accepted ')).length
    expect(accepted / cases.length).toBeGreaterThan(0.35)
    expect(accepted / cases.length).toBeLessThan(0.65)
  })

  it('finds everything, refuses exactly where there is something, and never throws', { timeout: 60_000 }, () => {
    for (let index = 0; index < 2000; index++) {
      const item = generateCase(4711, index)
      const { verdict, refusals, stored } = judge(item)
      expect({ index, isRefused: refusals.length > 0 }).toEqual({ index, isRefused: verdict === 'refused' })
      expect(stored === undefined).toBe(verdict === 'refused')
      for (const { code, message, sage } of refusals) {
        expect(code).toMatch(/^CTSS-M0[1-6]\d$/)
        expect(message).toMatch(/[.!?…)"\]'}]$/)
        expect(sage).not.toBe('')
      }
    }
  })

  it('gives the same case for the same seed', () => {
    expect(generateCase(1, 2)).toEqual(generateCase(1, 2))
    expect(generateCase(1, 2)).not.toEqual(generateCase(2, 2))
  })

  // Other people's manifests are not part of this repository.
  it('on public manifests, in both modes', async (context) => {
    context.skip(corpus === undefined, NO_CORPUS)
    const texts = new Map((corpus ?? []).map(({ name, content }) => [name, content.toString('utf8')]))
    const files = await readRecording<RecordedFile>('corpus')
    expect(files).toHaveLength(2 * texts.size)
    for (const { file, mode, sage } of files)
      expect({ file, mode, sage: comparableJudgement(judge({ mode, text: texts.get(file) ?? '', user: 'testuser' })) }).toEqual({ file, mode, sage })
  })
})
