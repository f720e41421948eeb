import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copiesModel, readBuildContext, withoutStockSyntax, writeBuildContext } from '../../../../pipeline/build/build-context.ts'
import type { BuildContext, ContextRequest } from '../../../../pipeline/build/build-context.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { blobsOf, buildContextOf } from '../../../support/build-stage.ts'
import type { TreeFiles } from '../../../support/build-stage.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const MANIFEST = 'name: x\nsource:\n  architectures: [linux/amd64]\n  directory: plugin\n  "dockerfile": Dockerfile\n'
const REQUEST: ContextRequest = { directory: '.', dockerfile: 'Dockerfile', declaredIn: 'sage.yaml' }
const WEIGHTS = { path: 'weights.onnx', digest: digestOf('weights'), bytes: 7 }
const MODEL = { digest: digestOf('model'), files: [WEIGHTS, { path: 'deep/labels.txt', digest: digestOf('labels'), bytes: 6 }] }

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function readProblems(files: TreeFiles, request: Partial<ContextRequest>): Promise<readonly object[]> {
  const reading = await readBuildContext(memoryTree({ 'sage.yaml': MANIFEST, ...files }), { ...REQUEST, ...request })
  return reading.kind === 'refused' ? reading.problems : []
}

async function read(files: TreeFiles, request: Partial<ContextRequest> = {}): Promise<BuildContext> {
  const reading = await readBuildContext(memoryTree(files), { ...REQUEST, ...request })
  if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems))
  return reading.context
}

async function listFiles(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()
}

describe('a build context', () => {
  it.each<[string, TreeFiles, Partial<ContextRequest>, string, number | undefined]>([
    ['a directory above the root', {}, { directory: '../other' }, 'directory-outside', 4],
    ['an absolute directory', {}, { directory: '/etc' }, 'directory-outside', 4],
    ['a directory that leaves the root on its way', {}, { directory: 'a/../../b' }, 'directory-outside', 4],
    ['a directory that is a link', { plugin: { link: '/etc' } }, { directory: 'plugin' }, 'directory-outside', 4],
    ['a directory behind a link', { plugin: { link: '..' } }, { directory: 'plugin/deep' }, 'directory-outside', 4],
    ['a directory that is not there', {}, { directory: 'plugin' }, 'directory-missing', 4],
    ['a Dockerfile above the root', { 'plugin/a': '' }, { directory: 'plugin', dockerfile: '../../Dockerfile' }, 'dockerfile-outside', 5],
    ['a Dockerfile with a zero in its name', {}, { dockerfile: 'Docker\0file' }, 'dockerfile-outside', 5],
    ['an absolute Dockerfile', {}, { dockerfile: '/etc/passwd' }, 'dockerfile-outside', 5],
    ['a Dockerfile that is a link out of the repository', { Dockerfile: { link: '../../etc/passwd' } }, {}, 'dockerfile-outside', 5],
    ['a Dockerfile that is not there', {}, {}, 'dockerfile-missing', 5],
    ['a Dockerfile that nobody could have written', { Dockerfile: '#'.repeat(2 ** 20 + 1) }, {}, 'dockerfile-too-large', undefined],
    ['a model above the root', { Dockerfile: 'FROM x' }, { model: { path: '../model', model: MODEL } }, 'model-path-outside', undefined],
    ['a model in the place of the repository', { Dockerfile: 'FROM x' }, { model: { path: './', model: MODEL } }, 'model-path-outside', undefined],
  ])('refuses %s', async (_, files, request, code, line) => {
    const problems = await readProblems(files, request)
    expect(problems).toMatchObject([{ code, severity: 'error', ...(line !== undefined && { place: { file: 'sage.yaml', line } }) }])
  })

  it('refuses a Dockerfile that is not there with the ones that are', async () => {
    expect(await readProblems({ 'docker/Dockerfile.cpu': '', 'docker/Dockerfile.cpu.dockerignore': '', 'gpu.Dockerfile': '' }, {})).toMatchObject([
      { suggestion: expect.stringContaining('docker/Dockerfile.cpu, gpu.Dockerfile') },
    ])
    expect(await readProblems({}, {})).toMatchObject([{ suggestion: expect.stringContaining('add a Dockerfile') }])
  })

  it('places a problem in the manifest even when the key is not in it', async () => {
    const reading = await readBuildContext(memoryTree({ 'other.yaml': '' }), { ...REQUEST, declaredIn: 'ctss.yaml' })
    expect(reading).toMatchObject({ problems: [{ place: { file: 'ctss.yaml' } }] })
  })

  it('reads a directory, its .dockerignore and the files that its Dockerfile reads', async () => {
    const context = await read(
      { 'plugin/Dockerfile': 'FROM x\nCOPY app /app', 'plugin/.dockerignore': 'app/b', 'plugin/app/a': '', 'plugin/app/b': '', 'plugin/c': '', app: '' },
      { directory: './plugin/' },
    )
    expect(context).toMatchObject({ directory: 'plugin', dockerfile: 'plugin/Dockerfile', dockerignoreText: 'app/b', whole: undefined })
    expect(context.files.map((entry) => entry.path)).toEqual(['app/a'])
  })

  it('prefers the .dockerignore of the Dockerfile, as BuildKit does', async () => {
    const context = await read({ Dockerfile: 'FROM x\nCOPY . .', '.dockerignore': 'a', 'Dockerfile.dockerignore': 'b', a: '', b: '' })
    expect(context.files.map((entry) => entry.path)).toContain('a')
    expect(context.files.map((entry) => entry.path)).not.toContain('b')
  })

  it('takes a Dockerfile beside the directory, and behind a link inside the repository', async () => {
    const files: TreeFiles = { 'plugin/a': '', 'docker/cpu/Dockerfile': 'FROM x', Dockerfile: { link: 'docker/cpu/Dockerfile' }, link: { link: 'docker' } }
    const context = await read(files, { directory: 'plugin', dockerfile: '../docker/cpu/Dockerfile' })
    expect(await writeBuildContext(buildContextOf(files, folder), context, folder)).toEqual({
      context: `${folder}/plugin`,
      dockerfile: '../docker/cpu/Dockerfile',
    })
    expect(await read(files)).toMatchObject({ dockerfile: 'Dockerfile', dockerfileText: 'FROM x' })
    expect(await read(files, { dockerfile: 'link/cpu/Dockerfile' })).toMatchObject({ dockerfileText: 'FROM x' })
  })

  it.each([
    ['Dockerfile', '.', 'Dockerfile', ''],
    ['build/Dockerfile', '.', 'build/Dockerfile', ''],
    ['Dockerfile', 'a/b', 'Dockerfile', '/a/b'],
    ['../Dockerfile', 'a/b', '../Dockerfile', '/a/b'],
    ['../../c/Dockerfile', 'a/b', '../../c/Dockerfile', '/a/b'],
  ])('is written with %s in %s', async (dockerfile, directory, relative, below) => {
    const root = join(directory, dockerfile)
    const files: TreeFiles = { [root]: 'FROM x\nCOPY z /z', [join(directory, 'z')]: 'z', 'a/b/y': '', 'unread.txt': '' }
    const written = await writeBuildContext(buildContextOf(files, folder), await read(files, { directory, dockerfile }), folder)
    expect(written).toEqual({ context: folder + below, dockerfile: relative })
    expect(await listFiles()).toEqual([root, join(directory, 'z')].toSorted())
  })

  it('is written with the model in the place of what lies there', async () => {
    const files: TreeFiles = { Dockerfile: 'FROM x\nCOPY app /app', 'app/main.py': 'main', 'app/model/old.onnx': 'old', 'app/model/weights.onnx': 'older' }
    const context = await read(files, { model: { path: './app/model', model: MODEL } })
    expect(context.files.map((entry) => entry.path)).toEqual(['app/main.py', 'app/model/weights.onnx', 'app/model/deep/labels.txt'])
    expect(copiesModel(context)).toBe(true)
    await writeBuildContext(buildContextOf(files, folder, { blobs: blobsOf('weights', 'labels') }), context, folder)
    expect(await listFiles()).toEqual(['Dockerfile', 'app/main.py', 'app/model/deep/labels.txt', 'app/model/weights.onnx'])
    expect(await readFile(join(folder, 'app/model/weights.onnx'), 'utf8')).toBe('weights')
  })

  it('replaces a link in the place of the model by the model itself', async () => {
    const files: TreeFiles = { Dockerfile: 'FROM x\nCOPY . .', model: { link: '/etc' } }
    const context = await read(files, { model: { path: 'model', model: MODEL } })
    await writeBuildContext(buildContextOf(files, folder, { blobs: blobsOf('weights', 'labels') }), context, folder)
    expect((await lstat(join(folder, 'model'))).isDirectory()).toBe(true)
  })

  it('keeps its Dockerfile when the model goes where it lies', async () => {
    const files: TreeFiles = { 'app/Dockerfile': 'FROM x\nCOPY . .' }
    const context = await read(files, { directory: 'app', model: { path: 'app', model: MODEL } })
    await writeBuildContext(buildContextOf(files, folder, { blobs: blobsOf('weights', 'labels') }), context, folder)
    expect(await listFiles()).toEqual(['app/Dockerfile', 'app/deep/labels.txt', 'app/weights.onnx'])
  })

  it('has no .dockerignore when that is too long to be read whole', async () => {
    expect((await read({ Dockerfile: 'FROM x\nCOPY . .', '.dockerignore': `a\n${'#'.repeat(65_536)}`, a: '' })).files.map((entry) => entry.path)).toContain('a')
  })

  it('tells when no instruction copies the model', async () => {
    expect(copiesModel(await read({ Dockerfile: 'FROM x\nCOPY app /app', 'app/a': '' }, { model: { path: 'model', model: MODEL } }))).toBe(false)
    expect(copiesModel(await read({ 'plugin/Dockerfile': 'FROM x\nCOPY . .' }, { directory: 'plugin', model: { path: 'model', model: MODEL } }))).toBe(false)
    expect(copiesModel(await read({ Dockerfile: 'FROM x' }))).toBe(true)
  })

  it.each([
    ['is not in the store', [WEIGHTS]],
    ['would leave its folder', [{ ...WEIGHTS, path: '../../weights.onnx' }]],
    ['has no digest', [{ ...WEIGHTS, digest: 'md5:1' }]],
  ])('is not written when a file of the model %s', async (why, files) => {
    const tree: TreeFiles = { Dockerfile: 'FROM x\nCOPY . .' }
    const context = await read(tree, { model: { path: 'model', model: { ...MODEL, files } } })
    const blobs = why === 'is not in the store' ? blobsOf() : blobsOf('weights')
    await expect(writeBuildContext(buildContextOf(tree, folder, { blobs }), context, folder)).rejects.toMatchObject({ code: 'storage-corrupt' })
  })

  it('leaves submodules out, which have no content', async () => {
    const files: TreeFiles = { Dockerfile: 'FROM x\nCOPY . .', lib: { submodule: 'a'.repeat(40) } }
    await writeBuildContext(buildContextOf(files, folder), await read(files), folder)
    expect(await listFiles()).toEqual(['Dockerfile'])
  })

  it('is written with a Dockerfile that does not ask Docker Hub for the frontend that BuildKit has built in', async () => {
    const files: TreeFiles = { Dockerfile: '# syntax=docker/dockerfile:1\nFROM x\n' }
    await writeBuildContext(buildContextOf(files, folder), await read(files), folder)
    expect(await readFile(join(folder, 'Dockerfile'), 'utf8')).toBe('#\nFROM x\n')
  })

  it.each([
    ['# syntax=docker/dockerfile:1\nFROM x', '#\nFROM x'],
    ['#syntax = docker.io/docker/dockerfile:1.4.2 \r\nFROM x', '#\r\nFROM x'],
    ['# syntax=docker/dockerfile:1.12', '#'],
    ['# syntax=docker/dockerfile:1.13\nFROM x', '# syntax=docker/dockerfile:1.13\nFROM x'],
    ['# syntax=docker/dockerfile:1-labs\nFROM x', '# syntax=docker/dockerfile:1-labs\nFROM x'],
    ['# syntax=example.org/mine\nFROM x', '# syntax=example.org/mine\nFROM x'],
    ['FROM x\n# syntax=docker/dockerfile:1', 'FROM x\n# syntax=docker/dockerfile:1'],
  ])('%j becomes %j', (before, after) => {
    expect(withoutStockSyntax(before)).toBe(after)
  })
})
