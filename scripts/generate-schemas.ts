/**
 * Turns every JSON Schema of schemas/ into a TypeScript type and an ahead-of-time compiled validator, in schemas/generated/.
 * `--check` writes nothing and fails when what lies there is stale.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import standaloneModule from 'ajv/dist/standalone/index.js'
import { buildSync } from 'esbuild'
import { compile } from 'json-schema-to-typescript'

type StandaloneCode = (ajv: Ajv2020, references: Record<string, string>) => string
const standaloneCode = standaloneModule as unknown as StandaloneCode

const folder = new URL('../schemas/', import.meta.url)
const target = new URL('generated/', folder)
const check = process.argv.includes('--check')
const banner = '// Generated from schemas/*.schema.json by `npm run generate`; do not edit.\n'

/** Keywords for editors (code.visualstudio.com/docs/languages/json) and for json-schema-to-typescript, which validate nothing. */
const ANNOTATIONS = ['defaultSnippets', 'enumDescriptions', 'errorMessage', 'patternErrorMessage', 'tsType']

interface Source {
  name: string
  file: string
  schema: { $id: string; title: string }
}

async function readSources(): Promise<Source[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.schema.json')).toSorted()
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace('.schema.json', ''),
      file,
      schema: JSON.parse(await readFile(new URL(file, folder), 'utf8')) as Source['schema'],
    })),
  )
}

/** One root that reaches every document and every definition, so that a shared definition becomes one type. */
async function renderTypes(sources: Source[]): Promise<string> {
  const properties: Record<string, unknown> = {}
  for (const { file, schema } of sources) {
    if (schema.title !== 'Common') properties[schema.title] = { $ref: file }
    const definitions = (schema as { $defs?: Record<string, unknown> }).$defs ?? {}
    for (const name of Object.keys(definitions)) properties[`${schema.title}_${name}`] = { $ref: `${file}#/$defs/${name}` }
  }
  return compile({ title: 'Everything', type: 'object', properties, additionalProperties: false } as never, 'Everything', {
    cwd: folder.pathname,
    bannerComment: banner.trim(),
    additionalProperties: true,
    declareExternallyReferenced: true,
    unreachableDefinitions: false,
    format: false,
    ignoreMinAndMaxItems: true,
    strictIndexSignatures: false,
  })
}

interface Rendered {
  readonly name: string
  readonly text: string
}

/** A module per schema, so that a bundle holds only the validators that it calls; `validators.js` names them all. */
function renderValidators(sources: Source[]): readonly Rendered[] {
  const named = sources.filter((source) => source.schema.title !== 'Common')
  const modules = named.map(({ name, schema }) => ({ name: `validators/${name}.js`, text: banner + renderValidator(schema, sources) }))
  const list = named.map(({ name, schema }) => `export { validate${schema.title} } from './validators/${name}.js'\n`).join('')
  const types = named.map(({ schema }) => `export declare const validate${schema.title}: ValidateFunction<types.${schema.title}>\n`).join('')
  return [
    ...modules,
    { name: 'validators.js', text: banner + list },
    { name: 'validators.d.ts', text: `${banner}import type { ValidateFunction } from 'ajv'\nimport type * as types from './types.ts'\n${types}` },
  ]
}

function renderValidator({ title, $id }: Source['schema'], sources: Source[]): string {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
    code: { source: true, esm: true },
  })
  ajv.addVocabulary(ANNOTATIONS)
  for (const { schema } of sources) ajv.addSchema(schema)
  const bundled = buildSync({
    stdin: { contents: standaloneCode(ajv, { [`validate${title}`]: $id }), resolveDir: folder.pathname, loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    minify: true,
  })
  return bundled.outputFiles[0]?.text ?? ''
}

async function writeOrCheck(name: string, text: string): Promise<void> {
  const file = new URL(name, target)
  if (!check) return writeFile(file, text)
  const present = await readFile(file, 'utf8').catch(() => '')
  if (present !== text) {
    process.stderr.write(`schemas/generated/${name} is stale: run \`npm run generate\`.\n`)
    process.exitCode = 1
  }
}

const sources = await readSources()
await mkdir(new URL('validators/', target), { recursive: true })
await writeOrCheck('types.ts', await renderTypes(sources))
for (const { name, text } of renderValidators(sources)) await writeOrCheck(name, text)
