import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { renderLicences } from '../../../scripts/licences.ts'
import { layOut } from '../../support/layout.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctss-licences-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const manifest = (name: string, license?: string): string => JSON.stringify({ name, version: '1.2.3', license })
const inputs = (...paths: readonly string[]): { readonly inputs: Record<string, { bytes: number; imports: [] }>; readonly outputs: {} } => ({
  inputs: Object.fromEntries(paths.map((path) => [join(folder, path), { bytes: 1, imports: [] }])),
  outputs: {},
})

it('lists every package of a bundle once, nested ones too, with its texts; a text that several have stands once', async () => {
  layOut(folder, {
    'node_modules/one/package.json': manifest('one', 'MIT'),
    'node_modules/one/LICENSE': 'May be used.\n',
    'node_modules/@scope/two/package.json': manifest('@scope/two', 'MIT'),
    'node_modules/@scope/two/licence.md': 'May be used.\n',
    'node_modules/one/node_modules/three/package.json': manifest('three', 'Apache-2.0'),
    'node_modules/one/node_modules/three/LICENSE.txt': 'May be used, too.\n',
    'node_modules/one/node_modules/three/NOTICE': 'By three.\n',
    'node_modules/four/package.json': manifest('four'),
    'node_modules/unused/package.json': manifest('unused', 'MIT'),
  })
  const text = await renderLicences(
    inputs(
      'actions/validate/main.ts',
      'node_modules/one/index.js',
      'node_modules/one/lib/more.js',
      'node_modules/@scope/two/index.js',
      'node_modules/one/node_modules/three/index.js',
      'node_modules/four/index.js',
    ),
  )

  expect(text.split(`\n\n${'-'.repeat(80)}\n\n`)).toEqual([
    '@scope/two 1.2.3 (MIT)\none 1.2.3 (MIT)\n\nMay be used.',
    'four 1.2.3 (see its text)',
    'three 1.2.3 (Apache-2.0)\n\nMay be used, too.\n\nBy three.\n',
  ])
})
