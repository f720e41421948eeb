import { describe, expect, it } from 'vitest'

import { mend } from '../../../../cli/mend.ts'
import type { Place, Problem } from '../../../../pipeline/problem.ts'
import { validateManifestText } from '../../../../pipeline/validate/judge-repository.ts'
import type { ManifestReport } from '../../../../pipeline/validate/judge-repository.ts'
import { expandedSize, plainOf } from '../../../../pipeline/validate/manifest-spans.ts'
import { RULE_DOCUMENTS } from '../../../../pipeline/validate/rules/rules.ts'
import { readBody } from '../../../../pipeline/validate/sage/body.ts'
import { generateCase, PORTAL_BRANCH, PORTAL_URL } from '../../../oracle/generator.ts'
import { Random, seedOf } from '../../../oracle/random.ts'

const FILE = 'sage.yaml'
const CASES = 1500
const DOCUMENTED = new Set(RULE_DOCUMENTS.map(({ code }) => code))

const judge = (text: string): ManifestReport => validateManifestText(FILE, Buffer.from(text), { user: 'skylab', repository: PORTAL_URL, branch: PORTAL_BRANCH })

/** Texts that are judged: most of them nearly right, some of them noise. */
function* texts(series: number): Generator<{ readonly index: number; readonly text: string }> {
  for (let index = 0; index < CASES; index++) {
    const { text } = generateCase(series, index)
    const random = new Random(seedOf(series + 1, index))
    yield { index, text: index % 5 === 0 ? hit(text, random) : text }
  }
}

/** Some characters of it become others. */
function hit(text: string, random: Random): string {
  const characters = Array.from(text)
  for (let count = 0; count < 5 && characters.length > 0; count++)
    characters[random.integer(0, characters.length - 1)] = String.fromCodePoint(random.integer(0, 0x24f))
  return characters.join('')
}

function isInside(lines: readonly string[], { line = 1, column = 1, endLine = line, endColumn = column }: Place): boolean {
  const isPoint = (atLine: number, atColumn: number): boolean =>
    atLine >= 1 && atLine <= lines.length && atColumn >= 1 && atColumn <= (lines[atLine - 1] ?? '').length + 1
  return isPoint(line, column) && isPoint(endLine, endColumn) && (endLine > line || (endLine === line && endColumn >= column))
}

function placesOf({ place, fix }: Problem): readonly Place[] {
  return [...(place === undefined ? [] : [place]), ...(fix?.edits ?? [])].filter(({ file }) => file === FILE)
}

describe('whatever a manifest holds', () => {
  it('every problem has a documented code and stands inside the file, as its fix does', () => {
    for (const { index, text } of texts(101)) {
      const lines = text.split(/\r\n|\n|\r/)
      const { problems, verdict } = judge(text)
      expect({ index, undocumented: problems.filter(({ code }) => !DOCUMENTED.has(code)) }).toStrictEqual({ index, undocumented: [] })
      expect({ index, outside: problems.flatMap(placesOf).filter((place) => !isInside(lines, place)) }).toStrictEqual({ index, outside: [] })
      if (verdict.portal === 'refused') expect({ index, errors: problems.some(({ severity }) => severity === 'error') }).toStrictEqual({ index, errors: true })
    }
  })

  it('mending what is mended changes nothing, and never makes it worse', { timeout: 60_000 }, async () => {
    for (const { index, text } of texts(202)) {
      const once = await mendText(text)
      expect({ index, again: await mendText(once) }).toStrictEqual({ index, again: once })
      if (judge(text).verdict.portal === 'accepted') expect({ index, verdict: judge(once).verdict.portal }).toStrictEqual({ index, verdict: 'accepted' })
    }
  })

  it('the order of its keys never changes the verdict', () => {
    let compared = 0
    for (const { index, text } of texts(303)) {
      const parsed = readBody(text)
      if (!('value' in parsed) || parsed.value.type !== 'dict' || expandedSize(parsed.value) > 10_000) continue
      const entries = Object.entries(plainOf(parsed.value) as object)
      const random = new Random(seedOf(304, index))
      const shuffled = entries.map((entry) => [random.next(), entry] as const).toSorted(([a], [b]) => a - b)
      const write = (list: readonly (readonly [string, unknown])[]): string => JSON.stringify(Object.fromEntries(list))
      expect({ index, verdict: judge(write(shuffled.map(([, entry]) => entry))).verdict }).toStrictEqual({ index, verdict: judge(write(entries)).verdict })
      compared += 1
    }
    expect(compared).toBeGreaterThan(CASES / 2)
  })
})

async function mendText(text: string): Promise<string> {
  const { files, unfinished } = await mend({
    judge: async (changed) => judge(changed.get(FILE)?.toString() ?? text).problems,
    read: async (path) => (path === FILE ? Buffer.from(text) : undefined),
    refusal: (path) => (path === FILE ? undefined : 'only the file itself'),
  })
  expect(unfinished).toBe(0)
  return files.find(({ file }) => file === FILE)?.after.toString() ?? text
}
