import { describe, expect, it } from 'vitest'
import { documentAsset, prepareAssets } from '../../../../pipeline/forge/release-assets.ts'
import {
  composeReleaseText,
  decideRelease,
  isPrerelease,
  type ReleaseAction,
  type ReleaseWish,
  type ReleaseWorld,
} from '../../../../pipeline/forge/release-decision.ts'
import type { ForgeRelease } from '../../../../pipeline/ports/forge.ts'
import { GITHUB_LIMIT } from '../../../../pipeline/report/render-markdown.ts'
import { emptyWorld, makeAsset, putRelease } from '../../../support/github/memory-forge.ts'

const CONTENTS = { 'bundle.json': '{}', 'report.html': '<p>' }
const { assets: ASSETS } = prepareAssets(Object.entries(CONTENTS).map(([name, content]) => documentAsset(name, 'text/plain', content)))
const SUMS = Buffer.from(await ASSETS[2]!.read()).toString('utf8')
const OURS = composeReleaseText('ours')
const WISH: ReleaseWish = { tag: 'v1', commit: 'commit', fields: { title: 'v1', text: OURS, isPrerelease: false }, assets: ASSETS }

/** `bundle.json report.html? SHA256SUMS!`: a question mark for half an asset, an exclamation mark for another content. */
function assets(names: string): ForgeRelease['assets'] {
  const contents: Readonly<Record<string, string>> = { ...CONTENTS, SHA256SUMS: SUMS }
  return names
    .split(' ')
    .filter((name) => name !== '')
    .map((word) => {
      const name = word.replace(/[?!]$/, '')
      if (word.endsWith('?')) return makeAsset(name, '', { isWhole: false, digest: undefined })
      return makeAsset(name, word.endsWith('!') ? 'other' : (contents[name] ?? 'x'))
    })
}

function release(names: string, changes: Partial<ForgeRelease> = {}): ForgeRelease {
  return putRelease(emptyWorld(), { tag: 'v1', title: 'v1', text: OURS, assets: assets(names), ...changes })
}

function show(action: ReleaseAction): string {
  switch (action.kind) {
    case 'create-draft':
      return 'create'
    case 'delete-draft':
      return `delete draft ${action.release.title}`
    case 'delete-asset':
      return `- ${action.asset.name}`
    case 'upload-asset':
      return `+ ${action.asset.name}`
    case 'publish':
      return 'publish'
  }
}

function decide(releases: readonly ForgeRelease[], changes: Partial<ReleaseWorld & ReleaseWish> = {}) {
  const decision = decideRelease({ tagCommit: 'commit', releases, ...changes }, { ...WISH, ...changes })
  const problems = decision.problems.map(({ code, severity }) => `${severity} ${code}`)
  return decision.kind === 'refused' ? { problems } : { title: decision.release?.title, actions: decision.actions.map(show), problems, decision }
}

describe('the way to a release', () => {
  it.each<readonly [string, readonly ForgeRelease[], readonly string[]]>([
    ['from nothing', [], ['create', '+ bundle.json', '+ report.html', '+ SHA256SUMS', 'publish']],
    ['from a draft that was just made', [release('')], ['+ bundle.json', '+ report.html', '+ SHA256SUMS', 'publish']],
    ['from a draft with some assets', [release('bundle.json')], ['+ report.html', '+ SHA256SUMS', 'publish']],
    ['from an upload that broke off', [release('bundle.json report.html?')], ['- report.html', '+ report.html', '+ SHA256SUMS', 'publish']],
    ['from an older content', [release('bundle.json! report.html SHA256SUMS!')], ['- bundle.json', '- SHA256SUMS', '+ bundle.json', '+ SHA256SUMS', 'publish']],
    ['from a draft with all assets', [release('bundle.json report.html SHA256SUMS')], ['publish']],
    ['from a release that is there', [release('bundle.json report.html SHA256SUMS', { isDraft: false })], []],
    ['from a release that lacks some', [release('bundle.json', { isDraft: false })], ['+ report.html', '+ SHA256SUMS']],
    ['from a release with half an asset', [release('bundle.json report.html? SHA256SUMS', { isDraft: false })], ['- report.html', '+ report.html']],
    ['from a release with files of a person', [release('bundle.json report.html SHA256SUMS mine.zip', { isDraft: false })], []],
    ['from a draft with half a file of a person', [release('bundle.json report.html SHA256SUMS mine.zip?')], ['publish']],
  ])('%s', (_, releases, actions) => {
    expect(decide(releases)).toMatchObject({ actions, problems: [] })
  })

  it('starts at the published release, then at a draft by a person, then at our oldest; doubled drafts of ours go', () => {
    const all = [release('', { title: 'ours 1' }), release('', { title: 'ours 2' }), release('', { title: 'theirs', text: 'words' })]
    expect(decide(all)).toMatchObject({ title: 'theirs', actions: expect.arrayContaining(['delete draft ours 1', 'delete draft ours 2']) as string[] })
    expect(decide(all.slice(0, 2).toReversed())).toMatchObject({ title: 'ours 1', actions: expect.arrayContaining(['delete draft ours 2']) as string[] })
    const published = release('bundle.json report.html SHA256SUMS', { title: 'public', isDraft: false })
    expect(decide([...all, published])).toMatchObject({ title: 'public', actions: ['delete draft ours 1', 'delete draft ours 2'] })
  })

  it('goes by the size where the forge tells no digest', () => {
    const told = release('bundle.json report.html SHA256SUMS').assets.map((asset) => ({ ...asset, digest: undefined }))
    expect(decide([release('', { assets: told, isDraft: false })])).toMatchObject({ actions: [], problems: [] })
    const shorter = told.map((asset) => (asset.name === 'report.html' ? { ...asset, bytes: 1 } : asset))
    expect(decide([release('', { assets: shorter })])).toMatchObject({ actions: ['- report.html', '+ report.html', 'publish'] })
  })
})

describe('what is published', () => {
  it('keeps an asset of another content, gets no sums that would be wrong, and says so', () => {
    expect(decide([release('report.html!', { isDraft: false })])).toMatchObject({ actions: ['+ bundle.json'], problems: ['warning release-asset-kept'] })
    expect(decide([release('bundle.json report.html! SHA256SUMS!', { isDraft: false })])).toMatchObject({
      actions: [],
      problems: ['warning release-asset-kept'],
    })
  })

  it('and immutable stays as it is', () => {
    const whole = release('bundle.json report.html SHA256SUMS', { isDraft: false, isImmutable: true })
    expect(decide([whole])).toMatchObject({ actions: [], problems: [] })
    const { decision, ...shown } = decide([release('report.html!', { isDraft: false, isImmutable: true })]) as { decision: { problems: { message: string }[] } }
    expect(shown).toMatchObject({ actions: [], problems: ['warning release-asset-kept', 'warning release-immutable'] })
    expect(decision.problems.map(({ message }) => message)).toEqual([
      "the release v1 is published with another report.html than this run's, and keeps it",
      'the release v1 is published and immutable, so that bundle.json, SHA256SUMS cannot be attached',
    ])
  })
})

describe('the words of a release', () => {
  const fieldsOf = (releases: readonly ForgeRelease[], changes: Partial<ReleaseWorld & ReleaseWish> = {}) => {
    const { decision } = decide(releases, changes) as { decision: { actions: readonly ReleaseAction[] } }
    return decision.actions.flatMap((action) => (action.kind === 'publish' ? [action.fields] : []))[0]
  }

  it('are ours where we made it', () => {
    expect(fieldsOf([release('', { title: 'old', text: composeReleaseText('old') })])).toEqual(WISH.fields)
    expect(fieldsOf([])).toEqual(WISH.fields)
  })

  it.each([
    [
      { title: 'Big one', text: 'My words' },
      { title: 'Big one', text: 'My words', isPrerelease: false },
    ],
    [{ title: '', text: ' \n' }, WISH.fields],
    [
      { title: '', text: 'My words', isPrerelease: true },
      { title: 'v1', text: 'My words', isPrerelease: true },
    ],
  ])("are a person's where the person made it: %j", (changes, fields) => {
    expect(fieldsOf([release('', changes)])).toEqual(fields)
  })

  it('mark a pre-release also where the person did not', () => {
    expect(fieldsOf([release('', { text: 'My words' })], { fields: { ...WISH.fields, isPrerelease: true } })).toMatchObject({ isPrerelease: true })
  })

  it('name the commit only where there is no tag yet', () => {
    expect(fieldsOf([release('')], { tagCommit: undefined })).toEqual({ ...WISH.fields, commit: 'commit' })
    const { decision } = decide([], { tagCommit: undefined }) as { decision: { actions: readonly ReleaseAction[] } }
    expect(decision.actions[0]).toMatchObject({ kind: 'create-draft', fields: { commit: 'commit' } })
  })

  it('fit, or it is a mistake of ours', () => {
    expect(Buffer.byteLength(composeReleaseText('x'.repeat(GITHUB_LIMIT - 30)))).toBeLessThanOrEqual(GITHUB_LIMIT)
    expect(() => composeReleaseText('x'.repeat(GITHUB_LIMIT))).toThrow(RangeError)
  })
})

describe('nothing is released', () => {
  it('when the tag names another commit, whatever is there', () => {
    for (const releases of [[], [release('')], [release('', { isDraft: false })]])
      expect(decide(releases, { tagCommit: 'moved' })).toEqual({ problems: ['error release-tag-moved'] })
  })

  it('when there would be more than 1,000 assets', () => {
    const present = (count: number) => Array.from({ length: count }, (_, index) => makeAsset(`mine-${index}`, 'x'))
    expect(decide([release('', { assets: present(997) })])).toMatchObject({ problems: [] })
    expect(decide([release('', { assets: present(998) })])).toEqual({ problems: ['error release-too-full'] })
  })
})

describe('a pre-release', () => {
  it.each([
    ['1.0.0', false],
    ['1.0.0+build.1', false],
    ['1.0.0-rc.1', true],
    ['v2.0.0-alpha', true],
    ['1.0.0rc1', true],
    ['0.1', false],
    ['latest', false],
  ])('%s: %s', (version, expected) => {
    expect(isPrerelease(version)).toBe(expected)
  })
})
