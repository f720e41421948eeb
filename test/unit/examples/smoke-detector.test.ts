import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { validateManifest, validatePipelineFile } from '../../../schemas/generated/validators.js'

const ROOT = new URL('../../../examples/smoke-detector/', import.meta.url)

interface Croissant {
  readonly conformsTo: string
  readonly license: string
  readonly distribution: readonly { readonly contentUrl: string; readonly contentSize: string; readonly sha256: string }[]
}
const isCroissant = new Ajv2020().compile<Croissant>({
  type: 'object',
  required: ['conformsTo', 'license', 'distribution'],
  properties: {
    conformsTo: { type: 'string' },
    license: { type: 'string' },
    distribution: {
      type: 'array',
      items: {
        type: 'object',
        required: ['contentUrl', 'contentSize', 'sha256'],
        properties: { contentUrl: { type: 'string' }, contentSize: { type: 'string' }, sha256: { type: 'string' } },
      },
    },
  },
})

const bytes = (path: string) => readFileSync(new URL(path, ROOT))
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')

function filesBelow(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(new URL(folder, ROOT).pathname.length).replace(/^\//, ''))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** The rows of a CSV file without quoted fields, as objects by column. */
function rows(path: string): Record<string, string>[] {
  const [header = '', ...lines] = bytes(path).toString('utf8').trimEnd().split('\n')
  const columns = header.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, index) => [columns[index] ?? '', value])))
}

/** Width and height of a JPEG file, from its start-of-frame segment. */
function jpegSize(content: Buffer): { width: number; height: number } {
  let at = 2
  while (at < content.length) {
    const marker = content.readUInt8(at + 1)
    if (marker >= 0xc0 && marker <= 0xc2) return { height: content.readUInt16BE(at + 5), width: content.readUInt16BE(at + 7) }
    at += 2 + content.readUInt16BE(at + 2)
  }
  throw new Error('no start of frame')
}

function pipelineFile() {
  const document: unknown = parse(bytes('ctss.yaml').toString('utf8'))
  if (!validatePipelineFile(document)) throw new Error(JSON.stringify(validatePipelineFile.errors))
  return document
}

function croissant() {
  const document: unknown = JSON.parse(bytes('data/smoke/croissant.json').toString('utf8'))
  if (!isCroissant(document)) throw new Error(JSON.stringify(isCroissant.errors))
  return document
}

describe('the files of examples/smoke-detector', () => {
  it('have a manifest that its schema accepts, for three architectures', () => {
    const manifest: unknown = parse(bytes('sage.yaml').toString('utf8'))
    expect(validateManifest(manifest), JSON.stringify(validateManifest.errors)).toBe(true)
    expect(manifest).toMatchObject({ name: 'smoke-detector', version: '0.1.0', source: { architectures: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] } })
  })

  it('have a pipeline file with gates and two trials whose folders exist', () => {
    const { training, test } = pipelineFile()
    expect(training?.gates?.map((gate) => Object.keys(gate).at(-1))).toEqual(['min', 'min', 'max_gap', 'max_gap', 'max_gap', 'max_drop'])
    expect(test?.trials?.map(({ name }) => name)).toEqual(['production', 'development'])
    for (const folder of test?.trials?.flatMap(({ inputs, camera }) => [...(inputs ? [inputs] : []), ...Object.values(camera ?? {})]) ?? [])
      expect(filesBelow(`${folder}/`).length).toBeGreaterThan(0)
  })

  it('hold the data set that ctss.yaml names by the digest of its sha256sum listing', () => {
    const listing = filesBelow('data/smoke/')
      .map((path) => `${sha256(bytes(`data/smoke/${path}`))}  ${path}\n`)
      .join('')
    expect(pipelineFile().training?.datasets).toMatchObject([{ name: 'smoke', uri: 'data/smoke', sha256: sha256(listing) }])
  })

  it('describe every file of the data set in Croissant 1.1 with its size and sha256, under CC0', () => {
    const { conformsTo, license, distribution } = croissant()
    expect({ conformsTo, license }).toEqual({ conformsTo: 'http://mlcommons.org/croissant/1.1', license: 'https://creativecommons.org/publicdomain/zero/1.0/' })
    const files = filesBelow('data/smoke/').filter((path) => path !== 'croissant.json')
    expect(distribution.map(({ contentUrl, contentSize, sha256 }) => ({ contentUrl, contentSize, sha256 }))).toEqual(
      files.map((path) => ({ contentUrl: path, contentSize: `${bytes(`data/smoke/${path}`).length} B`, sha256: sha256(bytes(`data/smoke/${path}`)) })),
    )
  })

  it('keep the splits apart: each sheet belongs to one split, half of each is smoke', () => {
    const labels = rows('data/smoke/labels.csv')
    const splits = new Map(labels.map(({ sheet, split }) => [sheet, split]))
    expect(labels.filter(({ sheet, split }) => splits.get(sheet) !== split)).toEqual([])
    for (const [split, count] of [
      ['train', 3200],
      ['validation', 400],
      ['test', 800],
    ] as const) {
      const members = labels.filter((row) => row['split'] === split)
      expect([members.length, members.filter(({ label }) => label === '1').length]).toEqual([count, count / 2])
    }
  })

  it('have fixed inputs that are cut from the test split', () => {
    const labels = new Map(rows('data/smoke/labels.csv').map((row) => [`${row['sheet']} ${row['tile']}`, row]))
    const inputs = rows('tests/inputs.csv')
    expect(inputs.map(({ file }) => file)).toEqual(filesBelow('tests/inputs/'))
    for (const { file, sheet, tile, label, cloud, sha256: digest } of inputs) {
      expect(labels.get(`${sheet} ${tile}`)).toMatchObject({ split: 'test', label, cloud })
      expect(sha256(bytes(`tests/inputs/${file}`))).toBe(digest)
    }
  })

  it('show the plugin the same network that training used', () => {
    expect(bytes('app/network.py').equals(bytes('train/network.py'))).toBe(true)
  })

  it('have pictures for the ECR in the sizes that it asks for', () => {
    expect(jpegSize(bytes('ecr-meta/ecr-icon.jpg'))).toEqual({ width: 512, height: 512 })
    expect(jpegSize(bytes('ecr-meta/ecr-science-image.jpg'))).toEqual({ width: 1920, height: 1080 })
    expect(filesBelow('ecr-meta/')).toEqual(['ecr-icon.jpg', 'ecr-science-description.md', 'ecr-science-image.jpg'])
  })

  it('stay small: under 3 MB of data', () => {
    expect(filesBelow('data/').reduce((sum, path) => sum + statSync(new URL(`data/${path}`, ROOT)).size, 0)).toBeLessThan(3e6)
  })
})
