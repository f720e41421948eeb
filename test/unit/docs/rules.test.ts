import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { explainCommand } from '../../../cli/commands/explain.ts'
import { RULE_DOCUMENTS } from '../../../pipeline/validate/rules/rules.ts'

const page = readFileSync('docs/rules.md', 'utf8')
const rules = RULE_DOCUMENTS.map((rule) => [rule.code, rule] as const)

describe('rules that people can look up', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('docs/rules.md is what the rules say', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-docs.ts', '--check'], { encoding: 'utf8' })

    expect(status, stderr).toBe(0)
  })

  it('codes and names belong to one rule each', () => {
    expect(new Set(RULE_DOCUMENTS.map(({ code }) => code)).size).toBe(RULE_DOCUMENTS.length)
    expect(new Set(RULE_DOCUMENTS.map(({ name }) => name)).size).toBe(RULE_DOCUMENTS.length)
  })

  it.each(rules)('%s has a page, here and in the terminal', async (code, { name, title, reason, source }) => {
    const written: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0)

    expect(code).toMatch(/^CTSS-[MRDPC]\d{3}$/)
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    for (const sentence of [title, reason]) expect(sentence).toMatch(/[.!?]$/)
    expect(source.length).toBeGreaterThan(5)
    expect(page).toContain(`<a id="${code.toLowerCase()}"></a>\n\n### ${code} ${name}\n`)
    expect(await explainCommand(code, {})).toBe(0)
    expect(written.join('')).toContain(`${code} ${name}`)
  })

  it('every code that the page names exists', () => {
    const named = new Set(page.match(/CTSS-[A-Z]\d{3}/g))

    expect([...named].filter((code) => !RULE_DOCUMENTS.some((rule) => rule.code === code))).toEqual([])
  })
})
