import { describe, expect, it } from 'vitest'

import { indexTree } from '../../../../../pipeline/tree.ts'
import { applyFixes } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import type { RepositoryFacts } from '../../../../../pipeline/validate/rule.ts'
import { REPOSITORY_RULES } from '../../../../../pipeline/validate/rules/repository-rules.ts'
import { jpegSize, recogniseImage } from '../../../../../pipeline/validate/rules/repository-rules-images.ts'
import { memoryTree, type MemoryFile } from '../../../../support/memory-tree.ts'
import { REPOSITORY, manifestOf } from '../fixes/manifest-of.ts'

const MANIFEST = 'name: cloud-counter\nversion: "1.2.3"\ndescription: Counts clouds\nsource:\n  architectures: [linux/amd64]\n'
const DESCRIPTION = { 'ecr-meta/ecr-science-description.md': '# Clouds\n' }

interface Given {
  readonly files?: Readonly<Record<string, MemoryFile>>
  readonly manifest?: string
  readonly file?: string
  readonly tags?: string[]
  /** Larger than what a test writes. */
  readonly bytes?: Readonly<Record<string, number>>
}

async function factsOf({ files = {}, manifest = MANIFEST, file = 'sage.yaml', tags, bytes = {} }: Given): Promise<RepositoryFacts> {
  const all = { [file]: manifest, ...DESCRIPTION, ...files }
  const tree = memoryTree(all)
  const entries = (await tree.entries()).map((entry) => ({ ...entry, bytes: bytes[entry.path] ?? entry.bytes }))
  const metadata = Object.entries(all).filter(([path]) => /^ecr-meta\/[^/]+$/.test(path))
  return {
    manifest: manifestOf(manifest, file),
    portal: { user: 'skylab', url: REPOSITORY, branch: 'main' },
    repository: REPOSITORY,
    pipelineFile: undefined,
    subject: { repository: REPOSITORY, commit: null, dirty: false, tree: '', ...(tags !== undefined && { tags }) },
    tree: indexTree(entries),
    dockerfile: undefined,
    modules: [],
    texts: new Map(),
    metadataFiles: new Map(metadata.map(([path, content]) => [path, Buffer.isBuffer(content) ? content : Buffer.from(String(content))])),
  }
}

/** Every finding as `code file`. */
async function check(given: Given): Promise<readonly string[]> {
  const facts = await factsOf(given)
  return REPOSITORY_RULES.flatMap((rule) =>
    [...rule.check(facts)].map(({ place }) => `${rule.code.slice(5)} ${place.file}${place.column === undefined ? '' : `:${place.line}:${place.column}`}`),
  )
}

const withSource = (lines: string): string => `${MANIFEST}${lines}`

/** The head of a JPEG: a comment of a given length, and a frame header. */
function jpeg(width: number, height: number, { comment = 4, marker = 0xc0, fill = 0 } = {}): Buffer {
  const segment = Buffer.alloc(comment)
  segment.writeUInt16BE(comment)
  const size = Buffer.from([0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3, 0, 0, 0])
  return Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xfe]), segment, Buffer.alloc(fill, 0xff), Buffer.from([0xff, marker]), size])
}

const many = Object.fromEntries(Array.from({ length: 150 }, (_, number) => [`link${number}`, { link: '/etc' }]))

describe('warnings about a repository', () => {
  it.each<readonly [string, Given, readonly string[]]>([
    ['nothing wrong', { files: { 'ecr-meta/ecr-icon.jpg': jpeg(512, 512), 'ecr-meta/ecr-science-image.jpg': jpeg(1920, 1200), 'ecr-meta/README.md': '' } }, []],
    ['a misspelled folder', { files: { 'ecr_meta/icon.jpg': '' } }, ['R001 ecr_meta/icon.jpg']],
    ['a folder of another name', { files: { 'meta/icon.jpg': '', 'ecr-test/main.py': '', 'src/ecr_meta/icon.jpg': '' } }, []],
    ['a misspelled folder without anything to fetch, beside the right one', { files: { 'ecr-meta2/notes': '' } }, []],
    [
      'misspelled files',
      { files: { 'ecr-meta/ecr_science_image.jpg': '', 'ecr-meta/icon.png': '' } },
      ['R002 ecr-meta/ecr_science_image.jpg', 'R002 ecr-meta/icon.png'],
    ],
    [
      'what belongs to others',
      {
        files: {
          'ecr-meta/ecr-project-url.txt': '',
          'ecr-meta/diagram.svg': '',
          'ecr-meta/plots/ecr-icon.png': '',
          'ecr-meta/figure1.png': '',
          [`ecr-meta/${'x'.repeat(80)}.png`]: '',
        },
      },
      [],
    ],
    ['a misspelled file beside the right one', { files: { 'ecr-meta/ecr-science-description.txt': '' } }, []],
    [
      'a folder beside the plugin',
      { manifest: withSource('  directory: ./plugin/\n'), files: { 'plugin/ecr-meta/ecr-icon.jpg': '' } },
      ['R003 sage.yaml:6:14'],
    ],
    [
      'a folder beside a manifest in a folder',
      { file: 'plugin/sage.yaml', files: { 'plugin/ecr-meta/ecr-icon.jpg': '' } },
      ['R003 plugin/sage.yaml', 'R012 plugin/sage.yaml'],
    ],
    ['a directory that is the root', { manifest: withSource('  directory: .\n') }, []],
    ['a directory too long for Sage', { manifest: withSource(`  directory: ${'/'.repeat(300)}\n`) }, []],
    ['a tag without a branch', { manifest: withSource('  tag: v1\n') }, ['R004 sage.yaml:6:8']],
    ['a tag with a branch', { manifest: withSource('  tag: v1\n  branch: main\n') }, []],
    ['a large file', { files: { 'ecr-meta/ecr-icon.jpg': jpeg(512, 512) }, bytes: { 'ecr-meta/ecr-icon.jpg': 2 ** 24 } }, ['R005 ecr-meta/ecr-icon.jpg']],
    ['a file just small enough', { files: { 'ecr-meta/ecr-icon.jpg': jpeg(512, 512) }, bytes: { 'ecr-meta/ecr-icon.jpg': 2 ** 24 - 1 } }, []],
    [
      'images that are none',
      { files: { 'ecr-meta/ecr-icon.jpg': '\u0089PNG', 'ecr-meta/ecr-science-image.jpg': '' } },
      ['R006 ecr-meta/ecr-science-image.jpg', 'R006 ecr-meta/ecr-icon.jpg'],
    ],
    [
      'images of other sizes',
      { files: { 'ecr-meta/ecr-icon.jpg': jpeg(512, 511), 'ecr-meta/ecr-science-image.jpg': jpeg(1919, 1080) } },
      ['R007 ecr-meta/ecr-science-image.jpg', 'R007 ecr-meta/ecr-icon.jpg'],
    ],
    ['an image whose size lies too far behind', { files: { 'ecr-meta/ecr-icon.jpg': jpeg(1, 1).subarray(0, 12) } }, []],
    ['an empty description', { files: { 'ecr-meta/ecr-science-description.md': '' } }, ['R008 ecr-meta/ecr-science-description.md']],
    ['a submodule', { files: { 'lib/model': { submodule: 'a'.repeat(40) } } }, ['R009 lib/model']],
    ['links', { files: { out: { link: '../x' }, loop: { link: 'loop' }, gone: { link: 'nowhere' }, good: { link: 'sage.yaml' } } }, ['R010 loop', 'R010 out']],
    ['more links than anybody reads', { files: many }, Array.from({ length: 100 }, () => 'R010')],
    ['a tag of another version', { tags: ['v1.2.4', 'stable'] }, ['R011 sage.yaml:2:10']],
    ['a tag of its version', { tags: ['v1.2.4', '1.2.3'] }, []],
    ['a version with a v', { manifest: MANIFEST.replace('1.2.3', 'v1.2.3'), tags: ['v1.2.3'] }, []],
    ['no version', { manifest: MANIFEST.replace('version: "1.2.3"\n', ''), tags: ['v1.2.3'] }, []],
    ['tags without a number', { tags: ['stable', 'v1.2'] }, []],
    [
      'a second manifest',
      {
        file: 'apps/x/sage.yaml',
        tags: ['v9.9.9'],
        files: {
          'sage.yaml': '',
          lib: { submodule: 'a' },
          out: { link: '/x' },
          'ecr_meta/ecr-icon.jpg': '',
          'ecr-meta/icon.jpg': '',
          'ecr-meta/ecr-science-description.md': '',
          'ecr-meta/ecr-icon.jpg': '',
        },
      },
      ['R012 apps/x/sage.yaml'],
    ],
  ])('find %s', async (_, given, expected) => {
    const found = await check(given)
    expect(found.length > 50 ? found.map((each) => each.slice(0, 4)) : found.toSorted()).toStrictEqual(expected.toSorted())
  })

  it('ask for a description that is not there, once', async () => {
    const without = async (files: Given['files'] = {}): Promise<readonly string[]> => {
      const facts = await factsOf({ files })
      const tree = indexTree([...facts.tree.entries.values()].filter(({ path }) => path !== 'ecr-meta/ecr-science-description.md'))
      return REPOSITORY_RULES.flatMap((rule) =>
        [...rule.check({ ...facts, tree })].map(({ place, message }) => `${rule.code.slice(5)} ${place.file} ${message.slice(0, 8)}`),
      )
    }
    expect(await without()).toStrictEqual(['R008 sage.yaml There is'])
    expect(await without({ 'ecr-meta/ecr-sciencec-description.md': '' })).toStrictEqual(['R002 ecr-meta/ecr-sciencec-description.md The ECR '])
    expect(await without({ ecr_meta: '', 'ecr_meta2/notes': '' })).toStrictEqual(['R001 ecr_meta2 The ECR ', 'R008 sage.yaml There is'])
  })

  it('take a description that is a link', async () => {
    expect(await check({ files: { 'ecr-meta/ecr-science-description.md': { link: '' } } })).toStrictEqual([])
  })

  it.each<readonly [string, Given, string | undefined]>([
    ['R004', { manifest: withSource('  tag: v1\n') }, withSource('  branch: "main"\n  tag: v1\n')],
    ['R011', { tags: ['v1.2.4'] }, MANIFEST.replace('1.2.3', '1.2.4')],
    ['R011', { tags: ['v1.2.4', '1.2.5'] }, undefined],
  ])('%s is mended by a person’s leave: %o', async (code, given, expected) => {
    const facts = await factsOf(given)
    const [finding] = REPOSITORY_RULES.find((rule) => rule.code === `CTSS-${code}`)?.check(facts) ?? []
    expect(finding?.fix?.safe).toBe(expected === undefined ? undefined : false)
    const fixes = finding?.fix === undefined ? [] : [finding.fix]
    expect(applyFixes(new Map([['sage.yaml', facts.manifest.text.text]]), fixes).files.get('sage.yaml')).toBe(expected)
  })
})

describe('an image', () => {
  it.each([
    ['', 'empty'],
    ['\u00FF\u00D8\u00FF\u00E0', 'jpeg'],
    ['\u0089PNG\r\n', 'png'],
    ['GIF89a', 'gif'],
    ['RIFF....WEBP', 'webp'],
    ['RIFF....WAVE', 'other'],
    ['....ftypheic', 'heic'],
    ['version https://git-lfs.github.com/spec/v1\n', 'git-lfs'],
    ['<html>', 'other'],
  ])('%j is %s', (head, kind) => {
    expect(recogniseImage(Buffer.from(head, 'latin1'))).toBe(kind)
  })

  it.each<readonly [string, Buffer, object | undefined]>([
    ['of a baseline frame', jpeg(640, 480), { width: 640, height: 480 }],
    ['of a progressive frame', jpeg(640, 480, { marker: 0xc2 }), { width: 640, height: 480 }],
    ['behind a long comment and fill bytes', jpeg(640, 480, { comment: 40_000, fill: 3 }), { width: 640, height: 480 }],
    ['of tables that are no frame', jpeg(640, 480, { marker: 0xc4 }), undefined],
    ['of scan data', jpeg(640, 480, { marker: 0xda }), undefined],
    ['of an end', jpeg(640, 480, { marker: 0xd9 }), undefined],
    ['of a segment without a marker', Buffer.concat([jpeg(1, 1).subarray(0, 8), Buffer.alloc(20)]), undefined],
    ['of nothing', Buffer.alloc(0), undefined],
    ['of a comment that reaches beyond', jpeg(640, 480, { comment: 40_000 }).subarray(0, 100), undefined],
  ])('has the size %s', (_, bytes, size) => {
    expect(jpegSize(bytes)).toStrictEqual(size)
  })
})
