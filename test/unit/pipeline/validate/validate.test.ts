import { describe, expect, it } from 'vitest'
import type { Problem } from '../../../../pipeline/problem.ts'
import { tidyProblems } from '../../../../pipeline/validate/problem-list.ts'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { runValidate, validateInputs } from '../../../../pipeline/validate/validate.ts'
import type { Subject } from '../../../../schemas/generated/types.ts'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const FILES = {
  ...HEALTHY_PLUGIN,
  'sage.yaml': HEALTHY_PLUGIN['sage.yaml'],
  Dockerfile: HEALTHY_PLUGIN.Dockerfile,
  'ctss.yaml': 'training:\n  image: x\n  command: [x]\n  gates: [{metric: a, min: 0.5}]\ntest: {trials: [{name: a, inputs: tests}]}\n',
  'tests/a.png': 'x',
  'README.md': 'x',
}
const SUBJECT = { repository: 'https://github.com/sky-lab/cloud-counter', commit: 'a'.repeat(40), tags: ['1.2.3'] }

const inputsOf = async (changes: Readonly<Record<string, MemoryFile>> = {}, subject: Partial<Subject> = {}) =>
  JSON.stringify(validateInputs(await readPipeline(memoryTree({ ...FILES, ...changes }, { ...SUBJECT, ...subject }))))

describe('the key of validate', () => {
  it.each<[string, Readonly<Record<string, MemoryFile>>, Partial<Subject>]>([
    ['the manifest', { 'sage.yaml': `${FILES['sage.yaml']}funding: NSF\n` }, {}],
    ['a trial', { 'ctss.yaml': FILES['ctss.yaml'].replace('name: a', 'name: b') }, {}],
    ['the training', { 'ctss.yaml': FILES['ctss.yaml'].replace('image: x', 'image: y') }, {}],
    ['the Dockerfile', { Dockerfile: `${FILES.Dockerfile}LABEL a=b\n` }, {}],
    ['what a path names', { 'tests/a.png': { link: '../../x' } }, {}],
    ['the files of ecr-meta, when one is misspelled', { 'ecr-meta/icon.jpg': 'x' }, {}],
    ['the address of the repository, where it becomes the source', {}, { repository: 'https://github.com/others/cloud-counter' }],
  ])('changes with %s', async (_, files, subject) => {
    expect(await inputsOf(files, subject)).not.toBe(await inputsOf())
  })

  it.each<[string, Readonly<Record<string, MemoryFile>>, Partial<Subject>]>([
    ['other files', { 'README.md': 'y', 'main.py': `${HEALTHY_PLUGIN['main.py']}# later\n`, new: '' }, {}],
    ['a gate', { 'ctss.yaml': FILES['ctss.yaml'].replace('min: 0.5', 'min: 0.6') }, {}],
    ['a comment', { 'ctss.yaml': `${FILES['ctss.yaml']}# later\n` }, {}],
    ['the content of inputs', { 'tests/a.png': 'y' }, {}],
    ['the commit, when the manifest names its version', {}, { commit: 'b'.repeat(40), tags: [], dirty: false }],
  ])('does not change with %s', async (_, files, subject) => {
    expect(await inputsOf(files, subject)).toBe(await inputsOf())
  })

  it('changes with the problems of a manifest that cannot be read', async () => {
    expect(await inputsOf({ 'sage.yaml': '[' })).not.toBe(await inputsOf({ 'sage.yaml': 'a: @x' }))
  })
})

describe('the stage', () => {
  const context = { progress: { step: () => undefined, output: () => undefined }, signal: new AbortController().signal }

  it('passes with warnings, and counts them', async () => {
    const reading = await readPipeline(memoryTree({ ...FILES, Dockerfile: FILES.Dockerfile.replace(/^ENTRYPOINT.*$/m, '') }))
    expect(await runValidate(context, reading)).toMatchObject({
      outcome: 'passed',
      problems: [{ code: 'CTSS-D040' }],
      metrics: { errors: 0, warnings: 1 },
      files: [],
      details: {
        kind: 'validate',
        manifest: { namespace: 'local', name: 'cloud-counter', version: '1.2.3', description: 'Counts the clouds in the sky', license: 'MIT' },
      },
    })
  })

  it('fails with an error, and tells the manifest as far as it is known', async () => {
    expect(
      await runValidate(context, await readPipeline(memoryTree({ ...FILES, 'sage.yaml': FILES['sage.yaml'].replace('cloud-counter', 'Cloud Counter') }))),
    ).toMatchObject({ outcome: 'failed', details: { manifest: { name: 'cloud-counter' } } })
    expect(await runValidate(context, await readPipeline(memoryTree({})))).toMatchObject({
      outcome: 'failed',
      metrics: { errors: 1, warnings: 0 },
      details: { manifest: null },
    })
  })

  it('stops when it is told to', async () => {
    await expect(runValidate({ ...context, signal: AbortSignal.abort() }, await readPipeline(memoryTree(FILES)))).rejects.toThrow('aborted')
  })
})

describe('reading', () => {
  it('says where things stand in ctss.yaml', async () => {
    expect((await readPipeline(memoryTree(FILES))).placeOf(['training', 'gates', 0])).toMatchObject({ file: 'ctss.yaml', line: 4 })
    expect((await readPipeline(memoryTree({ 'sage.yaml': FILES['sage.yaml'] }))).placeOf(['training'])).toBeUndefined()
  })
})

describe('tidyProblems', () => {
  const problem = (file: string | undefined, line: number, code: string, severity: Problem['severity'] = 'error'): Problem => ({
    code,
    severity,
    message: code,
    ...(file !== undefined && { place: { file, line } }),
  })

  it('orders by file, line, column, code and message, and says each once', () => {
    const problems = [
      problem('b', 1, 'x'),
      problem('a', 2, 'x'),
      problem('a', 1, 'z'),
      problem(undefined, 0, 'y'),
      problem('a', 1, 'y'),
      problem('a', 1, 'z'),
      { ...problem('a', 1, 'y'), message: 'another' },
    ]
    expect(tidyProblems(problems).map(({ place, code, message }) => `${place?.file ?? '-'}${place?.line ?? ''}${code}${message}`)).toStrictEqual([
      '-yy',
      'a1yanother',
      'a1yy',
      'a1zz',
      'a2xx',
      'b1xx',
    ])
  })

  it('keeps errors when there are too many', () => {
    const tidy = tidyProblems([...Array.from({ length: 120 }, (_, line) => problem('a', line + 1, 'w', 'warning')), problem('z', 1, 'e')])
    expect(tidy).toHaveLength(101)
    expect(tidy.some(({ code }) => code === 'e')).toBe(true)
  })
})
