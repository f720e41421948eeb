import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import portal from 'portal-yaml'
import { parse } from 'yaml'
import { validateManifestText } from '../../../pipeline/validate/judge-repository.ts'
import { validateManifest } from '../../../schemas/generated/validators.js'
import schema from '../../../schemas/manifest.schema.json' with { type: 'json' }
import { readRecording } from '../../oracle/recorded.ts'
import type { RecordedCase } from '../../oracle/recorded.ts'
import { SCHEMA_VERDICTS } from '../../support/schema-manifests.ts'

interface Node {
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly enum?: readonly string[]
  readonly enumDescriptions?: readonly string[]
}

function* nodesOf(node: unknown, path = ''): Generator<readonly [string, Node]> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield [path, node as Node]
  for (const [key, value] of Object.entries(node)) if (key !== 'examples') yield* nodesOf(value, `${path}/${key}`)
}

const nodes = [...nodesOf(schema)]
const properties = nodes.filter(([path]) => /\/properties\/[^/]+$/.test(path) && !path.includes('/then/'))

describe('the schema of manifests', () => {
  it.each(SCHEMA_VERDICTS)('says of %j: %s', (text, verdict) => {
    expect(validateManifest(parse(text)) ? 'accepted' : 'refused').toBe(verdict)
  })

  it.each(SCHEMA_VERDICTS.filter(([, verdict]) => verdict === 'refused'))('refuses what Sage refuses through the Portal: %j', (text) => {
    expect(validateManifestText('sage.yaml', Buffer.from(text)).verdict.portal).toBe('refused')
  })

  it.each(properties)('describes %s for whoever types it', (_path, { description = '' }) => {
    expect(description).toMatch(/^[^]{10,}\.$/)
  })

  it.each(nodes.filter(([, node]) => node.enumDescriptions !== undefined))('describes each value of %s', (_path, node) => {
    expect(node.enumDescriptions).toHaveLength(node.enum?.length ?? -1)
  })

  const ajv = new Ajv2020({ strict: false }).addSchema(schema)
  it.each(properties.filter(([, node]) => node.examples !== undefined))('has examples for %s that it accepts', (path, node) => {
    const validate = ajv.compile({ $ref: `${schema.$id}#${path}` })

    for (const example of node.examples ?? []) expect(validate(example), JSON.stringify(validate.errors)).toBe(true)
  })

  it('refuses nothing that Sage has accepted through the Portal', async () => {
    const cases = (await readRecording<RecordedCase>('generated')).slice(0, 2000).filter(({ mode, text }) => mode === 'portal' && !text.includes('<<'))
    const readings = cases.flatMap(({ name, text, sage }) => {
      const value = readAlike(text)
      return value === undefined ? [] : [{ name, isAccepted: sage.startsWith('accepted'), isValid: validateManifest(value) }]
    })

    expect(readings.filter(({ isAccepted, isValid }) => isAccepted && !isValid)).toEqual([])
    expect(readings.filter(({ isAccepted, isValid }) => !isAccepted && !isValid).length).toBeGreaterThan(150)
  })
})

/** What both YAML 1.2 and the Portal read; undefined where they differ, which no schema can mend, or where the name is a number that is printed without a dot. */
function readAlike(text: string): unknown {
  try {
    const document = portal.parseDocument(text)
    if (document.errors.length > 0) return undefined
    const [value, seen]: unknown[] = [parse(text, { logLevel: 'silent' }), document.toJSON()]
    const isOddName = typeof (seen as { name?: unknown } | null)?.name === 'number'
    return isOddName || JSON.stringify(value) !== JSON.stringify(seen) ? undefined : value
  } catch {
    return undefined
  }
}
