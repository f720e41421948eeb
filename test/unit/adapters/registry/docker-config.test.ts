import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDockerConfig } from '../../../../adapters/registry/docker-config.ts'
import { dockerCredentials } from '../../../../adapters/registry/docker-credentials.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const credentials = { username: 'zelda', password: 'a:secret' }
const open = async (config?: string, buildxFolder?: string) => {
  const userFolder = join(folder, 'user')
  await mkdir(userFolder, { recursive: true })
  if (config !== undefined) await writeFile(join(userFolder, 'config.json'), config)
  const opened = await openDockerConfig({ workParent: join(folder, 'work'), userFolder, buildxFolder, host: 'ghcr.io', credentials })
  return { opened, userFolder, written: JSON.parse(await readFile(join(opened.env.DOCKER_CONFIG, 'config.json'), 'utf8')) as Record<string, unknown> }
}

describe("a job's own configuration of docker", () => {
  it('knows the credentials of one registry beside all that the user has configured', async () => {
    const config = {
      auths: { 'other.io': { auth: 'eDp5' } },
      credsStore: 'desktop',
      credHelpers: { 'ghcr.io': 'old', 'x.io': 'y' },
      currentContext: 'lab',
      proxies: {},
    }
    const { opened, written } = await open(JSON.stringify(config))
    expect(written).toEqual({
      ...config,
      auths: { 'other.io': { auth: 'eDp5' }, 'ghcr.io': { auth: Buffer.from('zelda:a:secret').toString('base64') } },
      credHelpers: { 'ghcr.io': '', 'x.io': 'y' },
    })
    expect(await dockerCredentials(opened.env.DOCKER_CONFIG)('ghcr.io')).toEqual(credentials)
  })

  it.each([undefined, '', 'nonsense', '[]', 'null', '{"auths":[],"credHelpers":7}'])('stands on its own where the user has configured %j', async (config) => {
    const { written } = await open(config)
    expect(Object.keys(written['auths'] as object)).toEqual(['ghcr.io'])
  })

  it('leads to the plug-ins, contexts and builders of the user', async () => {
    await mkdir(join(folder, 'user/cli-plugins'), { recursive: true })
    await writeFile(join(folder, 'user/cli-plugins/docker-buildx'), 'x')
    const { opened, userFolder } = await open()
    expect(await readFile(join(opened.env.DOCKER_CONFIG, 'cli-plugins/docker-buildx'), 'utf8')).toBe('x')
    expect(await readdir(opened.env.DOCKER_CONFIG)).toEqual(['cli-plugins', 'config.json'])
    expect(opened.env.BUILDX_CONFIG).toBe(join(userFolder, 'buildx'))
    expect((await open(undefined, '/elsewhere')).opened.env.BUILDX_CONFIG).toBe('/elsewhere')
  })

  it('is for nobody else to read, and is gone with the job, what it leads to left alone', async () => {
    await mkdir(join(folder, 'user/contexts'), { recursive: true })
    await writeFile(join(folder, 'user/contexts/x'), 'x')
    const { opened } = await open()
    const own = opened.env.DOCKER_CONFIG
    expect((await stat(join(own, 'config.json'))).mode & 0o077).toBe(0)
    expect((await stat(dirname(own))).mode & 0o077).toBe(0)
    await opened[Symbol.asyncDispose]()
    expect(await readdir(join(folder, 'work'))).toEqual([])
    expect(await readFile(join(folder, 'user/contexts/x'), 'utf8')).toBe('x')
  })

  it('changes nothing of the user’s own', async () => {
    await open('{"auths":{}}')
    expect(await readFile(join(folder, 'user/config.json'), 'utf8')).toBe('{"auths":{}}')
    expect(await readdir(join(folder, 'user'))).toEqual(['config.json'])
  })

  it('cannot be made where nothing can be written', async () => {
    await writeFile(join(folder, 'file'), '')
    const opened = openDockerConfig({ workParent: join(folder, 'file'), userFolder: folder, host: 'ghcr.io', credentials })
    await expect(opened).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})
