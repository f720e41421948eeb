import { describe, expect, test } from 'vitest'

import { cacheLayout } from '../../../../adapters/workstation/cache-layout.ts'
import { listFindings } from '../../../../adapters/workstation/findings.ts'
import { planPackages } from '../../../../adapters/workstation/package-plan.ts'
import { readChoice } from '../../../../adapters/workstation/workstation-facts.ts'
import type { InstallationFacts, WorkstationFacts } from '../../../../adapters/workstation/workstation-facts.ts'

const READY: WorkstationFacts = {
  engine: { host: 'unix:///var/run/docker.sock', version: '20.10.24', ours: true, usesOurMirror: true, cgroup: { version: 1, driver: 'cgroupfs' } },
  builder: { name: 'ctss', kind: 'buildkit-remote' },
  registry: { answers: true, ours: true, taken: false },
  platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
  unregistered: [],
  baseImages: { kind: 'stand-ins', complete: true },
}
const INSTALLED: InstallationFacts = {
  isRoot: true,
  family: { id: 'debian', codename: 'bookworm' },
  engineListens: true,
  engineChosen: false,
  docker: true,
  dockerd: true,
  buildx: true,
  dockerRegistry: true,
  mmdebstrap: true,
  skopeo: true,
  runc: true,
  emulators: true,
  buildkitOrGo: true,
  venv: true,
  freeBytes: 2 ** 36,
}
const BARE: WorkstationFacts = {
  engine: undefined,
  builder: undefined,
  registry: { answers: false, ours: false, taken: false },
  platforms: ['linux/amd64'],
  unregistered: [],
  baseImages: { kind: 'undecided' },
}
const NOTHING: InstallationFacts = {
  ...INSTALLED,
  engineListens: false,
  docker: false,
  dockerd: false,
  buildx: false,
  dockerRegistry: false,
  mmdebstrap: false,
  skopeo: false,
  runc: false,
  emulators: false,
  buildkitOrGo: false,
  venv: false,
}

const names = (facts: WorkstationFacts, installation: InstallationFacts, dockerHub: boolean, known: readonly string[] = []): readonly string[] =>
  planPackages(facts, installation, dockerHub, (name) => known.includes(name)).packages.map(({ name }) => name)

describe('what is installed', () => {
  test('nothing, where all is there', () => {
    expect(planPackages(READY, INSTALLED, false, () => true)).toEqual({ packages: [], buildxPlugin: false })
  })

  test('on a bare Debian 12 without Docker Hub: engine, registry, emulators, what makes base images and BuildKit; buildx has no package', () => {
    expect(names(BARE, NOTHING, false)).toEqual([
      'docker.io',
      'docker-registry',
      'qemu-user-static',
      'mmdebstrap',
      'arch-test',
      'debian-archive-keyring',
      'python3-venv',
      'ca-certificates',
    ])
    expect(planPackages(BARE, NOTHING, false, () => false).buildxPlugin).toBe(true)
  })

  test('on a bare Debian 13 or Ubuntu: client and buildx by their packages', () => {
    expect(names(BARE, NOTHING, false, ['docker-cli', 'docker-buildx'])).toEqual(expect.arrayContaining(['docker.io', 'docker-cli', 'docker-buildx']))
    expect(planPackages(BARE, NOTHING, false, () => true).buildxPlugin).toBe(false)
  })

  test('with Docker Hub: nothing to make base images or BuildKit of', () => {
    expect(names(BARE, NOTHING, true, ['docker-buildx'])).toEqual(['docker.io', 'docker-buildx', 'docker-registry', 'qemu-user-static'])
  })

  test('with an engine of somebody else: the client, and no engine', () => {
    const installation = { ...NOTHING, engineListens: true }
    expect(names(BARE, installation, true, ['docker-cli', 'docker-buildx'])).toEqual(['docker-cli', 'docker-buildx', 'docker-registry', 'qemu-user-static'])
  })

  test('with DOCKER_HOST set: no engine either', () => {
    expect(names(BARE, { ...NOTHING, docker: true, engineChosen: true }, true, ['docker-buildx'])).not.toContain('docker.io')
  })

  test('runc where BuildKit is built beside an engine of somebody else', () => {
    expect(names({ ...BARE, engine: READY.engine }, { ...INSTALLED, runc: false }, false)).toEqual(['runc'])
  })

  test("skopeo where the engine's own builder builds", () => {
    expect(names({ ...READY, builder: { name: 'default', kind: 'engine' } }, { ...INSTALLED, skopeo: false }, false)).toEqual(['skopeo'])
  })
})

describe('ctss doctor', () => {
  const layout = cacheLayout('/c')
  const find = (facts: WorkstationFacts, installation: InstallationFacts, name: string, dockerHub = false) =>
    listFindings(layout, facts, installation, dockerHub).find((finding) => finding.name === name)

  test('finds nothing wrong where all is there', () => {
    expect(listFindings(layout, READY, INSTALLED, false).every(({ ok }) => ok)).toBe(true)
  })

  test('gives root one line that mends a bare machine, and others the packages', () => {
    expect(find(BARE, NOTHING, 'Docker Engine')).toMatchObject({ ok: false, mend: 'ctss up' })
    expect(find(BARE, { ...NOTHING, isRoot: false }, 'Docker Engine')?.mend).toContain('apt-get install -y docker.io')
  })

  test.each([
    ['an engine that DOCKER_HOST names', BARE, { ...NOTHING, engineChosen: true }, 'Docker Engine', 'unset DOCKER_HOST'],
    ['a port that another program has', { ...BARE, registry: { answers: false, ours: false, taken: true } }, NOTHING, 'Registry', 'ss -ltnp'],
    ['an emulator that the kernel does not know', BARE, INSTALLED, 'Platform linux/arm64', 'ctss up'],
    ['stand-ins that are not complete', { ...READY, baseImages: { kind: 'stand-ins', complete: false } }, INSTALLED, 'Base images', 'ctss up'],
    ['a full disk', READY, { ...INSTALLED, freeBytes: 1 }, 'Disk', 'buildx prune'],
  ] as const)('names %s and the line that mends it', (_, facts, installation, name, mend) => {
    const finding = find(facts, installation, name)
    expect(finding?.ok).toBe(false)
    expect(finding?.mend).toContain(mend)
  })

  test('tells how to go over to Docker Hub once it answers', () => {
    expect(find(READY, INSTALLED, 'Base images', true)).toMatchObject({ ok: true })
    expect(find(READY, INSTALLED, 'Base images', true)?.mend).toContain('rm -r /c/base-images.json')
    expect(find({ ...READY, baseImages: { kind: 'docker-hub' } }, INSTALLED, 'Base images', false)?.mend).toContain('rm /c/base-images.json')
  })

  test("tells how to try again for BuildKit where the engine's own builder was taken", () => {
    expect(find({ ...READY, builder: { name: 'default', kind: 'engine' } }, INSTALLED, 'Builder')?.mend).toContain('rm /c/builder-is-the-engines-own')
  })
})

test.each([
  ['', {}],
  ['{', {}],
  ['[]', {}],
  ['{"source":"elsewhere"}', {}],
  ['{"source":"docker-hub"}', { source: 'docker-hub' }],
  ['{"source":"stand-ins","key":"ab"}', { source: 'stand-ins', key: 'ab' }],
  ['{"source":"stand-ins","key":1}', { source: 'stand-ins' }],
])('the file of the choice %j is read as %j', (text, expected) => {
  expect(readChoice(text)).toEqual(expected)
})
