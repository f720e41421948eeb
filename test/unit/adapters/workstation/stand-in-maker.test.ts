import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { BuilderFacts } from '../../../../adapters/workstation/builder.ts'
import { makeStandIns } from '../../../../adapters/workstation/stand-in-maker.ts'
import { RECIPES, STAND_IN_LABEL } from '../../../../adapters/workstation/stand-ins.ts'
import { MEDIA_TYPES, readOciDocument } from '../../../../pipeline/build/oci-documents.ts'
import type { Registry } from '../../../../pipeline/ports/registry.ts'
import type { OciDocument } from '../../../../pipeline/build/oci-documents.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { fakeMachine } from './fake-machine.ts'
import type { FakeMachine } from './fake-machine.ts'

const STAGING = '127.0.0.1:5055/ctss/stand-ins'
const PLATFORMS = ['linux/amd64', 'linux/arm/v7']
const BUILDKIT: BuilderFacts = { name: 'ctss', kind: 'buildkit-remote' }

let machine: FakeMachine
let registry: Registry

beforeEach(async () => {
  machine = await fakeMachine()
  registry = memoryRegistry()
  await machine.program('mmdebstrap', 'for last; do before=$target; target=$last; done; echo rootfs >"$before"')
  await machine.program('docker', '')
  await machine.program('apt-get', 'exit 1')
  for (const { name } of RECIPES) {
    for (const architecture of ['amd64', 'armhf']) {
      const config = await registry.putBlob(STAGING, Buffer.from('{}'))
      const manifest = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.manifest,
        config: { mediaType: MEDIA_TYPES.config, digest: config, size: 2 },
        layers: [],
        annotations: { name, architecture },
      }
      await registry.putManifest(STAGING, JSON.stringify(manifest), MEDIA_TYPES.manifest, `${name}-${architecture}-key`)
    }
  }
})
afterEach(() => machine.dispose())

const index = async (reference: string): Promise<OciDocument | undefined> => {
  const answer = await registry.manifest(`127.0.0.1:5055/${reference}`)
  return answer && readOciDocument(answer.content.toString())
}

test('makes every recipe on its root file system and names it as Docker Hub does', async () => {
  await makeStandIns(machine, Promise.resolve(BUILDKIT), registry, PLATFORMS, 'key')
  const debian = await index('library/debian:bookworm-slim')
  expect(debian?.manifests.map(({ platform }) => platform)).toEqual([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm', variant: 'v7' },
  ])
  expect(debian?.annotations?.[STAND_IN_LABEL]).toContain('Debian 12')
  expect((await index('waggle/plugin-base:1.1.1-base'))?.manifests).toHaveLength(1)
  expect(await index('waggle/plugin-base:1.1.1-ml-cuda10.2-l4t')).toBeUndefined()
  const calls = await machine.calls()
  expect(calls.filter((call) => call.startsWith('mmdebstrap'))).toHaveLength(2)
  expect(calls.filter((call) => call.includes('--platform linux/arm/v7')).map((call) => /--target (\S+)/.exec(call)?.[1])).toEqual(['python', 'debian'])
  expect(calls.find((call) => call.includes('buildx build'))).toContain('oci-mediatypes=true')
})

test('keeps the root file systems that an earlier time made', async () => {
  await makeStandIns(machine, Promise.resolve(BUILDKIT), registry, PLATFORMS, 'key')
  await makeStandIns(machine, Promise.resolve({ name: 'default', kind: 'engine' }), registry, PLATFORMS, 'key')
  const calls = await machine.calls()
  expect(calls.filter((call) => call.startsWith('mmdebstrap'))).toHaveLength(2)
  expect(calls.at(-1)).toContain('--builder default')
  expect(calls.at(-1)).toMatch(/--push \S+stand-ins$/)
})

test('leaves nothing that looks complete when a root file system cannot be made', async () => {
  await machine.program('mmdebstrap', 'for last; do before=$target; target=$last; done; echo half >"$before"; echo "E: mirror is down" >&2; exit 1')
  await expect(makeStandIns(machine, Promise.resolve(BUILDKIT), registry, PLATFORMS, 'key')).rejects.toMatchObject({
    code: 'base-image-unavailable',
    message: expect.stringContaining('mirror is down'),
  })
  expect((await readdir(machine.layout.standIns)).filter((name) => name.endsWith('.tar'))).toEqual([])
  expect(await index('library/debian:bookworm-slim')).toBeUndefined()
})

test('says which image did not reach the registry', async () => {
  await expect(makeStandIns(machine, Promise.resolve(BUILDKIT), registry, PLATFORMS, 'other')).rejects.toMatchObject({
    code: 'base-image-unavailable',
    message: expect.stringContaining('did not reach'),
  })
})

test('gives the images what Docker Hub gives its own', async () => {
  await makeStandIns(machine, Promise.resolve(BUILDKIT), registry, PLATFORMS, 'key')
  expect(await readFile(join(machine.layout.standIns, 'files/usr/sbin/policy-rc.d'), 'utf8')).toContain('exit 101')
  expect(existsSync(join(machine.layout.standIns, 'Dockerfile'))).toBe(true)
})
