import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEvent } from '../../../actions/event.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function read(event: string, payload?: unknown) {
  const eventFile = join(folder, 'event.json')
  if (payload !== undefined) await writeFile(eventFile, typeof payload === 'string' ? payload : JSON.stringify(payload))
  return readEvent({ event, eventFile: payload === undefined ? undefined : eventFile })
}

const pull = (head: unknown, base: unknown = { full_name: 'zelda/clouds' }, number: unknown = 7) => ({
  repository: { default_branch: 'trunk' },
  pull_request: { number, head: { repo: head }, base: { repo: base } },
})

describe('the event of a run', () => {
  it.each(['push', 'workflow_dispatch', 'schedule', 'repository_dispatch', 'merge_group', 'release'])(
    '%s is trusted, and about no pull request',
    async (event) => {
      expect(await read(event, { repository: { default_branch: 'trunk' } })).toEqual({
        trust: 'trusted',
        pullRequest: undefined,
        defaultRef: 'refs/heads/trunk',
      })
    },
  )

  it.each(['pull_request', 'pull_request_review', 'pull_request_review_comment'])('%s of a branch of the repository is trusted', async (event) => {
    expect(await read(event, pull({ full_name: 'Zelda/Clouds' }))).toEqual({ trust: 'trusted', pullRequest: 7, defaultRef: 'refs/heads/trunk' })
  })

  it.each([
    ['from a fork', pull({ full_name: 'mallory/clouds' })],
    ['from a fork that is gone', pull(null)],
    ['without a head', { pull_request: { number: 7, base: { repo: { full_name: 'zelda/clouds' } } } }],
    ['without a base', pull({ full_name: 'zelda/clouds' }, null)],
    ['whose names are none', pull({ full_name: 1 }, { full_name: 1 })],
    ['with inherited names', { pull_request: { number: 7, head: { repo: {} }, base: { repo: {} } } }],
  ])('a pull request %s is untrusted', async (_, payload) => {
    for (const event of ['pull_request', 'pull_request_review', 'pull_request_review_comment'])
      expect(await read(event, payload)).toMatchObject({ trust: 'untrusted', pullRequest: 7 })
  })

  it.each([
    ['is not there', undefined],
    ['is no JSON', '{"pull_request"'],
    ['is a list', []],
    ['is null', 'null'],
    ['is empty', ''],
  ])('is untrusted, and about no pull request that is known, where its file %s', async (_, payload) => {
    expect(await read('pull_request', payload)).toEqual({ trust: 'untrusted', pullRequest: undefined, defaultRef: 'refs/heads/main' })
  })

  it('is untrusted where its file cannot be read, or is larger than GitHub makes any', async () => {
    const eventFile = join(folder, 'event.json')
    expect(await readEvent({ event: 'pull_request', eventFile })).toMatchObject({ trust: 'untrusted' })

    await writeFile(eventFile, JSON.stringify(pull({ full_name: 'zelda/clouds' })))
    await truncate(eventFile, 32 * 2 ** 20 + 1)
    expect(await readEvent({ event: 'pull_request', eventFile })).toMatchObject({ trust: 'untrusted' })
  })

  it('is untrusted where it has no name', async () => {
    expect(await read('', pull({ full_name: 'zelda/clouds' }))).toMatchObject({ trust: 'untrusted', pullRequest: undefined })
  })

  it.each([[0], [-1], [1.5], ['7'], [2 ** 60], [null]])('has no pull request with the number %j', async (number) => {
    expect(await read('pull_request', pull({ full_name: 'zelda/clouds' }, undefined, number))).toMatchObject({ trust: 'trusted', pullRequest: undefined })
  })

  it.each([[''], [7], [null]])('has the usual default branch where it names %j', async (branch) => {
    expect(await read('push', { repository: { default_branch: branch } })).toMatchObject({ defaultRef: 'refs/heads/main' })
  })

  it.each(['pull_request_target', 'workflow_run', 'issue_comment'])('%s is refused: it has rights that code of a pull request must not have', async (event) => {
    await expect(read(event, pull({ full_name: 'zelda/clouds' }))).rejects.toMatchObject({
      code: 'workstation-unsupported',
      message: expect.stringContaining(event),
    })
  })
})
