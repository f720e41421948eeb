import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { validateRepository } from '../../../../pipeline/validate/judge-repository.ts'
import type { ExampleFiles } from '../../../../pipeline/validate/rule.ts'
import { RULE_DOCUMENTS } from '../../../../pipeline/validate/rules/rules.ts'
import { HEALTHY_PLUGIN, HEALTHY_REPOSITORY } from '../../../support/healthy-plugin.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

/** Codes of every problem that the healthy plugin has with these files laid over it, in either mode. */
async function codesOf(files: ExampleFiles): Promise<ReadonlySet<string>> {
  // Another dialect or name takes the manifest's place.
  const base = Object.keys(files).some((path) => /^(?:sage|plugin)\.(?:json|ya?ml)$/.test(path)) ? withoutManifest() : HEALTHY_PLUGIN
  const tree = memoryTree({ ...base, ...files }, { repository: HEALTHY_REPOSITORY, commit: 'a'.repeat(40), dirty: false })
  const reports = await Promise.all((['portal', 'submitted'] as const).map((mode) => validateRepository(tree, { mode, user: 'skylab' })))
  return new Set(reports.flat().flatMap(({ problems }) => problems.map(({ code }) => code)))
}

function withoutManifest(): ExampleFiles {
  return Object.fromEntries(Object.entries(HEALTHY_PLUGIN).filter(([path]) => path !== 'sage.yaml'))
}

const EXAMPLES = RULE_DOCUMENTS.flatMap(({ code, name, example }) => ('bad' in example ? [{ code, name, ...example }] : []))

describe('the documents of the rules', () => {
  it('have codes and names of their own', () => {
    expect(new Set(RULE_DOCUMENTS.map(({ code }) => code)).size).toBe(RULE_DOCUMENTS.length)
    expect(new Set(RULE_DOCUMENTS.map(({ name }) => name)).size).toBe(RULE_DOCUMENTS.length)
    expect(RULE_DOCUMENTS.filter(({ code, name }) => !/^CTSS-[MRDPC]\d{3}$/.test(code) || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))).toStrictEqual([])
  })

  it('say why, and who says so', () => {
    expect(
      RULE_DOCUMENTS.filter(({ title, reason, source }) => !title.endsWith('.') || reason.length < 40 || source.length < 10).map(({ code }) => code),
    ).toStrictEqual([])
  })

  it('cover every code that the source names', () => {
    const folder = new URL('../../../../pipeline/validate/', import.meta.url)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const named = new Set(files.flatMap((file) => readFileSync(new URL(file, folder), 'utf8').match(/CTSS-[MRDPC]\d{3}/g) ?? []))
    expect([...named].filter((code) => !RULE_DOCUMENTS.some((document) => document.code === code))).toStrictEqual([])
  })

  it('find nothing in a healthy plugin', async () => {
    const tree = memoryTree(HEALTHY_PLUGIN, { repository: HEALTHY_REPOSITORY, commit: 'a'.repeat(40), dirty: false })
    expect(await validateRepository(tree, { user: 'skylab' })).toStrictEqual([
      { path: 'sage.yaml', verdict: { portal: 'accepted', submitted: 'refused' }, problems: [] },
    ])
  })

  it.each(EXAMPLES)('$code $name is found in its bad example', async ({ code, bad }) => {
    expect([...(await codesOf(bad))]).toContain(code)
  })

  it.each(EXAMPLES.filter(({ good }) => good !== undefined))('$code $name is not found in its good example', async ({ code, good }) => {
    expect([...(await codesOf(good ?? {}))]).not.toContain(code)
  })
})
