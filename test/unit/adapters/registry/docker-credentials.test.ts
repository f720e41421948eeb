import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerCredentials } from '../../../../adapters/registry/docker-credentials.ts'

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('what `docker login` left', () => {
  it('is read for the host', async () => {
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({
        auths: { 'ghcr.io': auth('zelda:a:b'), 'https://index.docker.io/v1/': auth('hub:secret'), 'x.io': auth('nothing'), 'y.io': {}, 'z.io': 1 },
        credsStore: 'desktop',
      }),
    )
    const credentials = dockerCredentials(folder)
    expect(await credentials('ghcr.io')).toEqual({ username: 'zelda', password: 'a:b' })
    expect(await credentials('docker.io')).toEqual({ username: 'hub', password: 'secret' })
    for (const host of ['x.io', 'y.io', 'z.io', 'constructor', 'other.io']) expect(await credentials(host)).toBeUndefined()
  })

  it.each(['', 'nonsense', '[]', '{"auths":[]}', 'null'])('is nothing in %j', async (text) => {
    expect(await dockerCredentials(folder)('ghcr.io')).toBeUndefined()
    await writeFile(join(folder, 'config.json'), text)
    expect(await dockerCredentials(folder)('ghcr.io')).toBeUndefined()
  })
})
