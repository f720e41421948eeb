import { describe, expect, it } from 'vitest'
import { fetchModel, keptModel } from '../../../../pipeline/build/fetch-model.ts'
import { digestOf, listingDigest } from '../../../../pipeline/digest.ts'
import type { DatasetAnswer, DatasetRequest } from '../../../../pipeline/ports/datasets.ts'
import type { UntrustedEntry } from '../../../../pipeline/ports/untrusted-folder.ts'
import { error } from '../../../../pipeline/problem.ts'
import type { File } from '../../../../schemas/generated/types.ts'
import { blobsOf, buildContextOf } from '../../../support/build-stage.ts'

const SOURCE = { kind: 'uri' as const, uri: 'https://example.org/model', sha256: digestOf('model') }
const entry = (path: string): UntrustedEntry => ({ path, kind: 'file', bytes: 1, modifiedMs: 0 })

function fetch(
  answer: DatasetAnswer,
  entries: readonly UntrustedEntry[],
  complete = true,
): { readonly requests: DatasetRequest[]; readonly model: ReturnType<typeof fetchModel> } {
  const requests: DatasetRequest[] = []
  const blobs = { ...blobsOf(), putFile: async (path: string) => ({ digest: digestOf(path), bytes: path.length }) }
  const datasets = { fetch: async (request: DatasetRequest) => (requests.push(request), answer) }
  const folders = { list: async () => ({ entries, complete }), read: async () => undefined }
  return { requests, model: fetchModel(buildContextOf({}, '/work', { blobs }), SOURCE, { datasets, folders }) }
}

describe('a model from elsewhere', () => {
  const verified: DatasetAnswer = { kind: 'verified', folder: '/verified', digest: digestOf('model') }

  it('is verified, and its files are kept', async () => {
    const { model, requests } = fetch(verified, [entry('a'), entry('b/c')])
    const files = ['a', 'b/c'].map((path) => ({ path, digest: digestOf(`/verified/${path}`), bytes: `/verified/${path}`.length }))
    expect(await model).toEqual({ digest: listingDigest(files), files })
    expect(requests).toMatchObject([{ dataset: { uri: SOURCE.uri, sha256: SOURCE.sha256 } }])
  })

  it('is refused with the reason for which it cannot be verified', async () => {
    const problem = error('dataset-digest', 'another digest')
    expect(await fetch({ kind: 'refused', problem }, []).model).toBe(problem)
  })

  it('is refused when it holds nothing, or more than any model does', async () => {
    expect(await fetch(verified, []).model).toMatchObject({ code: 'model-invalid', message: expect.stringContaining('holds no file') })
    expect(await fetch(verified, [entry('a')], false).model).toMatchObject({ code: 'model-invalid', message: expect.stringContaining('more than 1000 files') })
  })
})

describe('the model in the records of a build', () => {
  const file = (name: string | undefined, role = 'model'): File => ({
    role,
    ...(name !== undefined && { name }),
    digest: digestOf(name ?? ''),
    bytes: 3,
    mediaType: 'application/octet-stream',
  })
  const path = (name: string) => ({ path: name, digest: digestOf(name), bytes: 3 })

  it('is none where no file is one of a model', () => {
    expect(keptModel([])).toBeUndefined()
    expect(keptModel([file('build-linux-amd64.log', 'log')])).toBeUndefined()
  })

  it('has the digest and the files that it was fetched with', () => {
    expect(keptModel([file('a.log', 'log'), file('b/c'), file('a')])).toEqual({
      digest: listingDigest([path('a'), path('b/c')]),
      files: [path('b/c'), path('a')],
    })
  })

  it('is there once, although every part of a build names it', () => {
    expect(keptModel([file('a'), file('b'), file('a'), file('b')])).toEqual({ digest: listingDigest([path('a'), path('b')]), files: [path('a'), path('b')] })
  })

  it('may have a file without a name', () => {
    expect(keptModel([file(undefined)])?.files).toEqual([{ path: '', digest: digestOf(''), bytes: 3 }])
  })
})
