import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../../pipeline/digest.ts'
import { fetchFound, fetchRunnerReleases } from '../../../scripts/runner-images/upstreams.ts'
import type { Upstreams } from '../../../scripts/runner-images/upstreams.ts'
import { readVersions } from '../../../scripts/runner-images/versions.ts'
import type { Versions } from '../../../scripts/runner-images/versions.ts'

const SUM = 'a'.repeat(64)
const RELEASE = {
  tag_name: 'v2.999.0',
  published_at: '2026-11-20T00:00:00Z',
  assets: [{ name: 'actions-runner-linux-x64-2.999.0.tar.gz', digest: `sha256:${SUM}` }],
}
const PACKAGES = Object.keys(readVersions()['nvidia-container-toolkit'].sha256)
  .map((name) => `Package: ${name}\nVersion: 9.0.0-1\nSHA256: ${SUM}\n`)
  .join('\n')

describe('upstreams', () => {
  let server: Server
  let origin = ''
  let answers: Record<string, [number, string]> = {}
  let asked: string[] = []
  const told: string[] = []

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? 'anonymous'}`)
      const [status, body] = answers[request.url?.split('?')[0] ?? ''] ?? [404, 'no']
      response.writeHead(status).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })
  beforeEach(() => {
    asked = []
    told.length = 0
    answers = { '/repos/actions/runner/releases': [200, JSON.stringify([RELEASE])], '/deb/Packages': [200, PACKAGES] }
  })
  afterAll(() => server.close())

  const upstreams = (more: Partial<Upstreams> = {}): Upstreams => ({
    githubApi: origin,
    token: undefined,
    registry: {
      manifest: async (reference) => {
        if (reference.includes('rocm')) throw new Error('the registry is down')
        return reference.includes('cuda') ? undefined : { digest: digestOf(reference), mediaType: 'x', content: Buffer.from('{}') }
      },
    },
    ...more,
  })
  const versions = (): Versions => ({
    ...readVersions(),
    'nvidia-container-toolkit': { ...readVersions()['nvidia-container-toolkit'], source: `${origin}/deb` },
  })

  it('are asked for the runner, the toolkit, and what each tag points to', async () => {
    const found = await fetchFound(versions(), upstreams(), (line) => told.push(line))

    expect(found.runner).toEqual({ version: '2.999.0', released: '2026-11-20', sha256: { amd64: SUM, arm64: null } })
    expect(found.toolkit).toMatchObject({ version: '9.0.0-1' })
    expect(found.digests['debian']).toBe(digestOf('docker.io/library/debian:bookworm-slim'))
    expect(Object.keys(found.digests)).toEqual(['debian', 'ubuntu', 'binfmt', 'buildkit'])
    expect(told).toEqual(['docker.io/rocm/dev-ubuntu-24.04:10.0.0 gave no answer: the registry is down'])
  })

  it('that give no answer are told, and stop none of the others', async () => {
    answers = { '/deb/Packages': [200, PACKAGES] }
    const found = await fetchFound(versions(), upstreams(), (line) => told.push(line))

    expect(found).toMatchObject({ runner: undefined, toolkit: { version: '9.0.0-1' } })
    expect(told).toContain(`GitHub's runner gave no answer: ${origin}/repos/actions/runner/releases?per_page=50 answers 404`)
  })

  it('get the token, when there is one, GitHub alone', async () => {
    await fetchFound(versions(), upstreams({ token: 't-1' }), () => undefined)
    expect(asked.toSorted()).toEqual(['/deb/Packages anonymous', '/repos/actions/runner/releases?per_page=50 Bearer t-1'])
  })

  it.each([
    [200, '[]', /tells of no release/],
    [200, 'no JSON', /JSON/],
    [403, '{"message":"API rate limit exceeded"}', /answers 403/],
  ])('that answer %i %s do not pass for an answer about the age', async (status, body, message) => {
    answers = { '/repos/actions/runner/releases': [status, body] }
    await expect(fetchRunnerReleases(upstreams())).rejects.toThrow(message)
  })
})
