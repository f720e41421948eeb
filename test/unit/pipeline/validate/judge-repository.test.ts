import { describe, expect, it } from 'vitest'

import type { JudgeOptions } from '../../../../pipeline/validate/judge-manifest.ts'
import { validateManifestText, validateRepository } from '../../../../pipeline/validate/judge-repository.ts'
import { HEALTHY_PLUGIN, HEALTHY_REPOSITORY } from '../../../support/healthy-plugin.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const MANIFEST = HEALTHY_PLUGIN['sage.yaml']
const ACCEPTED = { portal: 'accepted', submitted: 'refused' }
const REFUSED = { portal: 'refused', submitted: 'refused' }

const judge = async (files: Readonly<Record<string, MemoryFile>>, options: JudgeOptions = {}) =>
  validateRepository(memoryTree(files, { repository: HEALTHY_REPOSITORY, commit: 'a'.repeat(40), branch: 'main' }), options)

const alone = (content: string | Buffer, options: JudgeOptions = {}) => validateManifestText('m', Buffer.from(content), { user: 'skylab', ...options })

describe('finding manifests', () => {
  it.each<[string, Readonly<Record<string, MemoryFile>>, readonly string[]]>([
    ['the one at the root', { 'sage.yaml': MANIFEST }, ['sage.yaml']],
    ['sage.yml and sage.json', { 'a/sage.yml': MANIFEST, 'b/sage.json': '{}' }, ['a/sage.yml', 'b/sage.json']],
    ['the first of several in a folder', { 'sage.json': '{}', 'sage.yml': MANIFEST, 'sage.yaml': MANIFEST }, ['sage.yaml']],
    [
      'those in folders, after the root’s',
      { 'b/sage.yaml': MANIFEST, 'a/c/sage.yaml': MANIFEST, 'sage.yaml': MANIFEST },
      ['sage.yaml', 'a/c/sage.yaml', 'b/sage.yaml'],
    ],
    ['a second one called plugin.yaml', { 'sage.yaml': MANIFEST, 'plugin.yaml': MANIFEST }, ['sage.yaml', 'plugin.yaml']],
    [
      'no plugin.yaml of others',
      {
        'sage.yaml': MANIFEST,
        'plugin.yaml': 'name: x\nplugins: []\n',
        'a/plugin.yml': '- x',
        'b/plugin.yaml': '[',
        'c/plugin.yaml': `#${'x'.repeat(300_000)}`,
        'd/plugin.yaml': { link: '/etc' },
      },
      ['sage.yaml'],
    ],
    ['no manifests of packages', { 'sage.yaml': MANIFEST, 'node_modules/x/sage.yaml': MANIFEST, '.venv/lib/sage.yaml': MANIFEST }, ['sage.yaml']],
    ['a folder in the manifest’s place', { 'sage.yaml/x': '' }, ['sage.yaml']],
    ['none', { 'README.md': '' }, ['sage.yaml']],
  ])('finds %s', async (_, files, expected) => {
    expect((await judge(files)).map(({ path }) => path)).toStrictEqual(expected)
  })

  it('stops at a hundred', async () => {
    const files = Object.fromEntries(Array.from({ length: 120 }, (_, number) => [`${number}/sage.yaml`, MANIFEST]))
    expect(await judge(files)).toHaveLength(100)
  })

  it.each<[string, Readonly<Record<string, MemoryFile>>, string, string]>([
    ['nothing', {}, 'CTSS-M007', 'ctss init'],
    ['a misspelled name', { 'sgae.yaml': MANIFEST }, 'CTSS-M007', 'Rename sgae.yaml to sage.yaml.'],
    ['a folder', { 'sage.yaml/x': '' }, 'CTSS-M008', ''],
    ['a link that leaves', { 'sage.yaml': { link: '../x' } }, 'CTSS-M008', 'copy it there'],
    ['a link that leads nowhere', { 'sage.yaml': { link: 'x' } }, 'CTSS-M008', ''],
    ['a circle', { 'sage.yaml': { link: 'sage.yaml' } }, 'CTSS-M008', ''],
    ['a submodule', { 'sage.yaml': { submodule: 'a'.repeat(40) } }, 'CTSS-M008', ''],
  ])('says what is wrong with %s', async (_, files, code, suggestion) => {
    const [report] = await judge(files)
    expect(report?.verdict).toStrictEqual(REFUSED)
    expect(report?.problems).toContainEqual(expect.objectContaining({ code, severity: 'error' }))
    expect(report?.problems.find((problem) => problem.code === code)?.suggestion ?? '').toContain(suggestion)
  })
})

describe('judging a repository', () => {
  it('fills in what the repository says of itself, unless somebody said otherwise', async () => {
    const long = 'b'.repeat(65)
    expect((await judge(HEALTHY_PLUGIN))[0]?.verdict).toStrictEqual(ACCEPTED)
    expect((await judge(HEALTHY_PLUGIN, { branch: long }))[0]?.verdict).toStrictEqual(REFUSED)
    expect((await judge(HEALTHY_PLUGIN, { repository: `https://github.com/a/${'b'.repeat(300)}` }))[0]?.verdict).toStrictEqual(REFUSED)
    const tree = memoryTree(HEALTHY_PLUGIN, { repository: HEALTHY_REPOSITORY, branch: long })
    expect((await validateRepository(tree))[0]?.verdict).toStrictEqual(REFUSED)
    expect((await validateRepository(memoryTree(HEALTHY_PLUGIN, { repository: 'a folder' })))[0]?.verdict).toStrictEqual(ACCEPTED)
  })

  it('derives a missing version from Git as Sage does', async () => {
    const files = { ...HEALTHY_PLUGIN, 'sage.yaml': MANIFEST.replace(/version.*\n/, '') }
    const verdict = async (described: string) => (await validateRepository(memoryTree(files, { repository: HEALTHY_REPOSITORY, described })))[0]?.verdict.portal
    expect(await verdict('1.0.0-3-g60c72a2')).toBe('accepted')
    expect(await verdict('60c72a2')).toBe('accepted')
    expect(await verdict('v1.0.0-rc1-3-g60c72a2')).toBe('refused')
  })

  it('judges the pipeline file with the manifest at the root alone', async () => {
    const reports = await judge({ ...HEALTHY_PLUGIN, 'ctss.yaml': 'trainig: {}', 'app/sage.yaml': MANIFEST })
    expect(reports.map(({ problems }) => problems.some(({ code }) => code === 'CTSS-C005'))).toStrictEqual([true, false])
  })

  it('offers no new file where something is there already', async () => {
    const files = { 'a/sage.json': '{"name": "x-y", "version": "1.0.0", "description": "d", "source": {"architectures": ["linux/amd64"]}}' }
    const fixOf = async (more: Readonly<Record<string, MemoryFile>>) =>
      (await judge({ ...files, ...more })).flatMap(({ problems }) => problems).find(({ code }) => code === 'CTSS-M152')?.fix
    expect(await fixOf({})).toMatchObject({ edits: [{ file: 'a/sage.yaml' }] })
    expect(await fixOf({ 'a/sage.yaml/x': '' })).toBeUndefined()
  })

  it('looks at files up to a limit, and never at packages', async () => {
    const bad = 'from waggle.plugin import Plugin\nwith Plugin() as plugin:\n    plugin.publish("anomaly-detector", 1)\n'
    const findings = async (files: Readonly<Record<string, MemoryFile>>) =>
      (await judge({ ...HEALTHY_PLUGIN, ...files }))[0]?.problems.filter(({ place }) => place?.file.endsWith('.py'))
    expect(await findings({ 'main.py': bad })).toHaveLength(1)
    expect(await findings({ 'main.py': `${bad}#${'x'.repeat(256 * 1024)}` })).toStrictEqual([])
    expect(await findings({ 'main.py': { link: 'lib/python/site-packages/x.py' }, 'lib/python/site-packages/x.py': bad })).toStrictEqual([])
  })
})

describe('judging a file alone', () => {
  it('knows nothing of its repository but what it is told', () => {
    expect(alone(MANIFEST)).toStrictEqual({ path: 'm', verdict: ACCEPTED, problems: [] })
    expect(alone(MANIFEST, { repository: 'https://github.com/others/copy' })).toMatchObject({ verdict: ACCEPTED, problems: [] })
  })

  it('lists what is wrong with the mode that is asked for, and the verdict of both', () => {
    const submitted = alone(MANIFEST, { mode: 'submitted' })
    expect(submitted.verdict).toStrictEqual(ACCEPTED)
    expect(submitted.problems.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(0)
  })

  it.each<[string, string | Buffer, string, object]>([
    ['too large', Buffer.alloc(256 * 1024 + 1, 0x20), 'CTSS-M001', REFUSED],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]), 'CTSS-M002', REFUSED],
    ['UTF-16', Buffer.from(`\uFEFF${MANIFEST}`, 'utf16le'), 'CTSS-M002', REFUSED],
    ['Latin-1', Buffer.from(MANIFEST.replace('Ada', 'Zoë'), 'latin1'), 'CTSS-M004', ACCEPTED],
    ['conflict markers', `${MANIFEST}<<<<<<< HEAD\nfunding: a\n=======\nfunding: b\n>>>>>>> side\n`, 'CTSS-M005', REFUSED],
    [
      'a bomb',
      `a0: &a0 [x]\n${Array.from({ length: 40 }, (_, depth) => `a${depth + 1}: &a${depth + 1} [*a${depth}, *a${depth}]\n`).join('')}`,
      'CTSS-M006',
      REFUSED,
    ],
  ])('says that it is %s', (_, content, code, verdict) => {
    expect(alone(content)).toMatchObject({ verdict, problems: expect.arrayContaining([expect.objectContaining({ code })]) })
  })

  it('says in whose hands bytes that are no UTF-8 break', () => {
    const content = Buffer.from(`namespace: skylab\n${MANIFEST.replace('Ada', 'Zoë')}  url: https://github.com/a/b\n  branch: main\n`, 'latin1')
    expect(alone(content, { mode: 'submitted' })).toMatchObject({ verdict: ACCEPTED, problems: [{ code: 'CTSS-M003' }] })
  })

  it.each([
    ['what was said', { user: 'ada1', users: new Map([['sky-lab', 'skies']]), repository: HEALTHY_REPOSITORY }, 'skies1', 'ada1'],
    ['the user that the owner is known as', { users: new Map([['sky-lab', 'skies']]), repository: HEALTHY_REPOSITORY }, 'skies1', 'skies'],
    ['the manifest’s own', { repository: HEALTHY_REPOSITORY }, 'skies1', 'skies1'],
    ['local, where that is none', {}, 'Sky-Lab', 'local'],
  ])('takes as user %s', async (_, options, namespace, user) => {
    const { judgeManifest } = await import('../../../../pipeline/validate/judge-manifest.ts')
    expect(judgeManifest('m', Buffer.from(`namespace: ${namespace}\n${MANIFEST}`), options).facts.portal.user).toBe(user)
  })
})
