import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { findDebianMirror, installBuildxPlugin, installPackages, isPackageKnown } from '../../../../adapters/workstation/debian-packages.ts'
import { fakeMachine } from './fake-machine.ts'
import type { FakeMachine } from './fake-machine.ts'

let machine: FakeMachine

beforeEach(async () => {
  machine = await fakeMachine()
})
afterEach(() => machine.dispose())

describe('packages', () => {
  test('are announced with their reason, and installed without starting their services', async (context) => {
    if (process.getuid?.() !== 0) context.skip('needs root: the policy that keeps services from starting is a file of the system')
    await machine.program('dpkg', '')
    await machine.program('systemctl', 'exit 1')
    await machine.program(
      'apt-get',
      `for s in docker.socket docker-registry ssh; do /usr/sbin/policy-rc.d $s start; echo $s $? >>${machine.folder}/policy; done`,
    )
    const before = existsSync('/usr/sbin/policy-rc.d')
    await installPackages(machine, [{ name: 'docker.io', why: 'the engine' }])
    expect(machine.lines).toContain('Needs docker.io: the engine')
    expect(await machine.calls()).toContainEqual(expect.stringMatching(/^apt-get install -y .*--no-install-recommends .*docker\.io$/))
    expect(existsSync('/usr/sbin/policy-rc.d')).toBe(before)
    // A machine that has a policy of its own, as containers do, keeps it.
    const policy = await readFile(join(machine.folder, 'policy'), 'utf8')
    expect(policy.startsWith('docker.socket 101\ndocker-registry 101\n')).toBe(true)
  })

  test('that APT refuses are a failure that tells what it said and what to type', async (context) => {
    if (process.getuid?.() !== 0) context.skip('needs root: the policy that keeps services from starting is a file of the system')
    await machine.program('dpkg', '')
    await machine.program('systemctl', 'exit 1')
    await machine.program('apt-get', 'echo "E: no such package" >&2; exit 100')
    await expect(installPackages(machine, [{ name: 'docker.io', why: 'x' }])).rejects.toMatchObject({
      code: 'missing-tool',
      message: expect.stringContaining('no such package'),
      suggestion: expect.stringContaining('apt-get install docker.io'),
    })
  })

  test('are known when APT shows them', async () => {
    await machine.program('apt-cache', '[ "${@: -1}" = docker-buildx ] || exit 100')
    expect(await isPackageKnown(machine, 'docker-buildx')).toBe(true)
    expect(await isPackageKnown(machine, 'docker-cli')).toBe(false)
  })
})

describe('the mirror', () => {
  test("is Debian's default where APT does not tell another", async () => {
    await machine.program('apt-get', 'exit 1')
    expect(await findDebianMirror(machine)).toBe('http://deb.debian.org/debian')
  })
})

describe('buildx', () => {
  test('is taken out of the next Debian release where this one has none', async () => {
    await machine.program('apt-get', 'case "$*" in *indextargets*) exit 1;; *download*) echo >docker-buildx_0.13.1_amd64.deb;; esac')
    await machine.program('dpkg-deb', 'mkdir -p "$3/usr/libexec/docker/cli-plugins"; echo program >"$3/usr/libexec/docker/cli-plugins/docker-buildx"')
    await installBuildxPlugin(machine, 'bookworm')
    expect(await readFile(join(machine.environment.dockerConfigFolder, 'cli-plugins/docker-buildx'), 'utf8')).toBe('program\n')
    expect(machine.lines[0]).toContain('from Debian trixie, as bookworm has none')
    expect(existsSync(machine.layout.apt)).toBe(false)
  })

  test('is a failure where no release is known to have it', async () => {
    await expect(installBuildxPlugin(machine, 'buster')).rejects.toMatchObject({ code: 'missing-tool' })
  })
})
