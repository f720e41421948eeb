import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renderRunningTable } from '../../../app/github/running-table.ts'
import { readAppManifest } from '../../../app/manifest.ts'
import { HELP } from '../../../pipeline/service/command-help.ts'
import { decideRef } from '../../../pipeline/service/decide-ref.ts'
import type { RefWorld } from '../../../pipeline/service/world.ts'

const PAGE = readFileSync('docs/github-app.md', 'utf8')
const SITUATIONS = 'test/unit/pipeline/service/situations'

/** What the page quotes between `<!-- sample: name -->` and `<!-- end -->`. */
function sample(name: string): string {
  const [, quoted = ''] = new RegExp(`<!-- sample: ${name} -->\\n([^]*?)\\n<!-- end -->`).exec(PAGE) ?? []
  return quoted.replaceAll(/^> ?/gm, '')
}

it('docs/github-app.md names the permissions of app.yml', () => {
  const rows = [...PAGE.matchAll(/^\| `(\w+)` \| (read|write) \| ./gm)].map(([, name = '', level = '']): [string, string] => [name, level])
  expect(Object.fromEntries(rows)).toEqual(readAppManifest().permissions)
})

it('docs/github-app.md quotes the help', () => {
  expect(sample('help')).toBe(HELP)
})

it('docs/github-app.md quotes the comment of a run that is under way', () => {
  const world = JSON.parse(readFileSync(join(SITUATIONS, 'run-on-machines', 'world.json'), 'utf8')) as RefWorld
  const comment = decideRef(world).actions.find(({ kind }) => kind === 'put-comment')
  const headline = comment?.kind === 'put-comment' && comment.state === 'running' ? comment.headline : ''
  expect(sample('running')).toMatch(/\n\n\[How it goes\]\(https:\/\/ctss\.example\.org\/runs\/[0-9a-f-]{36}\)$/)
  expect(sample('running').replace(/\n\n\[How it goes\].*$/, '')).toBe(`${headline}\n\n${renderRunningTable(world.plugins[0]!, world.runs[0])}`)
})

it('docs/github-app.md quotes what checks say when something is wrong', () => {
  const [, rows = ''] = PAGE.split('## When something is wrong')
  const said = readdirSync(SITUATIONS)
    .map((name) => readFileSync(join(SITUATIONS, name, 'actions.json'), 'utf8'))
    .join('\n')
    .replaceAll('\\\\', '')
  const quoted = [...rows.matchAll(/^\|[^|]*\|[^|]*\| (?:e\.g\. )?`(.+)` \|$/gm)].map(([, text = '']) => text)
  expect(quoted.length).toBeGreaterThan(8)
  expect(quoted.filter((text) => !said.includes(text))).toEqual([])
})

it.each(['docs/github-app.md', 'docs/app.md', 'README.md'])('%s leads to files that are there', (page) => {
  const folder = page.includes('/') ? 'docs' : '.'
  const targets = [...readFileSync(page, 'utf8').matchAll(/\]\((?!<|https?:|#)([^)#]+)|(?:src|srcset)="(images\/[^"]+)"/g)].map(
    ([, link, image]) => link ?? image ?? '',
  )
  expect(targets.length).toBeGreaterThan(2)
  expect(targets.filter((target) => !existsSync(join(folder, target)))).toEqual([])
})

it('docs/images has small pictures, each in use', () => {
  const pages = ['docs/github-app.md', 'docs/app.md'].map((page) => readFileSync(page, 'utf8')).join('\n')
  const images = readdirSync('docs/images')
  expect(images.filter((name) => statSync(join('docs/images', name)).size > 150_000)).toEqual([])
  expect(images.filter((name) => !pages.includes(`images/${name}`))).toEqual([])
})
