import { describe, expect, it } from 'vitest'
import { fetchModel } from '../../../../pipeline/build/fetch-model.ts'
import { digestOf, listingDigest } from '../../../../pipeline/digest.ts'
import type { DatasetAnswer, DatasetRequest } from '../../../../pipeline/ports/datasets.ts'
import type { UntrustedEntry } from '../../../../pipeline/ports/untrusted-folder.ts'
import { error } from '../../../../pipeline/problem.ts'
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
