import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { run } from '../../adapters/process/run.ts'
import { findProgram, thisMachine } from '../../adapters/workstation/machine.ts'
import { STAND_IN_LABEL } from '../../adapters/workstation/stand-ins.ts'
import { inspectWorkstation, setUp, shutDown } from '../../adapters/workstation/workstation.ts'
import type { Workstation } from '../../adapters/workstation/workstation.ts'
import { fakeMachine } from '../unit/adapters/workstation/fake-machine.ts'
import type { FakeMachine } from '../unit/adapters/workstation/fake-machine.ts'

const WORKSTATION = new URL('../../adapters/workstation/workstation.ts', import.meta.url).href
/** Prints the lines of progress and the workstation, or the failure, as JSON. */
const SET_UP = `
import { setUp } from '${WORKSTATION}'
const steps = []
const progress = { step: (line) => steps.push(line), output: () => undefined }
const answer = await setUp({ progress, signal: new AbortController().signal }).catch(({ name, code, message, suggestion }) => ({ failure: { name, code, message, suggestion } }))
process.stdout.write(JSON.stringify({ steps, ...answer }))
process.exit()
`

let folder: string
let workstation: Workstation

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-workstation-'))
  await writeFile(join(folder, 'set-up.ts'), SET_UP)
  workstation = await setUp({ progress: { step: () => undefined, output: () => undefined }, signal: new AbortController().signal })
}, 1_200_000)

afterAll(() => rm(folder, { recursive: true }))

describe('a workstation that is set up', () => {
  test('has an engine that answers, a registry, a builder, and at least its own platform', async () => {
    const { exitCode } = await run({ command: 'docker', args: ['version'] }, { env: { DOCKER_HOST: workstation.engine.host } })
    expect(exitCode).toBe(0)
    expect(workstation.registry.host).toBe('127.0.0.1:5055')
    expect(workstation.platforms).toContain(process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64')
    expect([1, 2]).toContain(workstation.engine.cgroup.version)
  })

  test('is left alone when it is set up again', async () => {
    const steps: string[] = []
    expect(await setUp({ progress: { step: (line) => steps.push(line), output: () => undefined }, signal: new AbortController().signal })).toEqual(workstation)
    expect(steps).toEqual([])
  })

  test('gives the doctor nothing to find', async () => {
    expect((await inspectWorkstation()).filter(({ ok }) => !ok)).toEqual([])
  })

  test('has stand-ins that say so, for the platforms of the real images', async (context) => {
    if (workstation.baseImages.source === 'docker-hub') context.skip('Docker Hub answers here, so that there are no stand-ins')
    const registry = new OciRegistry()
    for (const [name, image] of [
      ['library/debian', 'debian:bookworm-slim'],
      ['waggle/plugin-base', 'waggle/plugin-base:1.1.1-base'],
    ] as const) {
      const answer = await registry.manifest(`${workstation.registry.host}/${name}:${image.split(':')[1]}`)
      const index = readOciDocument(answer?.content.toString() ?? '')
      expect(index?.annotations?.[STAND_IN_LABEL]).toContain('Debian 12')
      const platforms = index?.manifests.map(({ platform }) => [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join('/'))
      expect(platforms).toEqual(workstation.baseImages.standIns.find((standIn) => standIn.image === image)?.platforms)
    }
  })

  test('needs no network when all is there', async (context) => {
    if (process.getuid?.() !== 0 || spawnSync('sh', ['-c', 'unshare -n ip link set lo up']).status !== 0)
      context.skip('needs root, unshare and ip, to take the network away')
    // A network of its own has a loopback of its own: the registry is handed in through a socket file.
    const socket = join(folder, 'registry.sock')
    const bridge = createServer((from) => void from.pipe(connect(5055, '127.0.0.1')).pipe(from)).listen(socket)
    const inside = `import { connect, createServer } from 'node:net'\ncreateServer((from) => void from.pipe(connect(${JSON.stringify(socket)})).pipe(from)).listen(5055, '127.0.0.1', () => import('./set-up.ts'))\n`
    await writeFile(join(folder, 'offline.ts'), inside)
    const { stdout, stderr } = await run(
      { command: 'unshare', args: ['-n', 'sh', '-c', 'ip link set lo up && exec "$0" "$1"', process.execPath, join(folder, 'offline.ts')] },
      { timeoutMs: 60_000 },
    )
    bridge.close()
    if (stdout === '') throw new Error(stderr)
    expect(JSON.parse(stdout)).toMatchObject({ steps: [], engine: workstation.engine, baseImages: { source: workstation.baseImages.source } })
  })
})

describe('a set-up with a cache folder of its own', () => {
  const progress = { step: () => undefined, output: () => undefined }
  const signal = new AbortController().signal

  beforeEach(() => vi.stubEnv('XDG_CACHE_HOME', folder))
  afterEach(() => vi.unstubAllEnvs())

  test('starts no engine in the place of one that DOCKER_HOST names', async () => {
    vi.stubEnv('DOCKER_HOST', `unix://${folder}/none.sock`)
    await expect(setUp({ progress, signal })).rejects.toMatchObject({
      name: 'Failure',
      code: 'engine-unavailable',
      suggestion: expect.stringContaining('unset DOCKER_HOST'),
    })
  })

  test('stops nothing that it did not start', async () => {
    vi.stubEnv('DOCKER_HOST', `unix://${folder}/none.sock`)
    await shutDown({ progress, signal })
    vi.unstubAllEnvs()
    expect(await setUp({ progress, signal })).toEqual(workstation)
  })

  test('waits for another one, and can be cancelled meanwhile', async () => {
    vi.stubEnv('DOCKER_HOST', `unix://${folder}/none.sock`)
    const release = await lock(join(folder, 'ctss'), { lockfilePath: join(folder, 'ctss/set-up.lock') })
    const stop = new AbortController()
    await expect(
      setUp({ progress: { step: (line) => line.includes('waiting') && stop.abort(), output: () => undefined }, signal: stop.signal }),
    ).rejects.toMatchObject({ code: 'cancelled' })
    await release()
  })
})

describe('a machine that has only an engine', () => {
  let machine: FakeMachine
  const signal = new AbortController().signal

  beforeEach(async () => {
    machine = await fakeMachine()
    const docker = (await findProgram(thisMachine(machine.progress, signal), 'docker')) ?? 'docker'
    // Builds and builders are noted, not made; everything else is asked of the engine that is there, whose containers may be those of another run.
    await machine.program(
      'docker',
      `case $1 in ps|network|volume) exit 0 ;; buildx) ;; *) exec ${docker} "$@" ;; esac
case $2 in
  inspect) cat ${machine.folder}/builder 2>/dev/null || exit 1 ;;
  create) for last; do :; done; printf 'Driver: remote\\n\\nEndpoint: %s\\nStatus: running\\n' $last >${machine.folder}/builder ;;
esac`,
    )
    await machine.program('mmdebstrap', 'for last; do before=$target; target=$last; done; echo rootfs >"$before"')
    await machine.program('arch-test', '')
    await writeFile(
      join(machine.folder, 'buildkitd'),
      `#!/bin/bash\nexec -a buildkitd ${process.execPath} -e 'require("node:fs").mkdirSync(process.argv[6], { recursive: true }); require("node:net").createServer().listen(process.argv[4].slice(7))' -- "$@"\n`,
      { mode: 0o755 },
    )
    await machine.program('go', `[ $1 = env ] && echo go1.23.9 || { mkdir -p $GOBIN; cp ${machine.folder}/buildkitd $GOBIN; }`)
    vi.stubEnv('XDG_CACHE_HOME', machine.folder)
    vi.stubEnv('PATH', `${machine.folder}/bin:${process.env['PATH']}`)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await machine.dispose()
  })

  test('gets a BuildKit and base images, says what it does, and is left as it was by shutting down', async (context) => {
    if (workstation.baseImages.source === 'docker-hub') context.skip('Docker Hub answers here, so that there are no stand-ins')
    if (process.getuid?.() !== 0) context.skip('needs root, as a BuildKit beside the engine does')
    expect(await setUp({ progress: machine.progress, signal })).toEqual({
      ...workstation,
      engine: { ...workstation.engine, ours: false },
      registry: { ...workstation.registry, ours: false },
    })
    expect(machine.lines).toEqual(
      expect.arrayContaining(['Asking whether Docker Hub answers', 'Starting BuildKit', expect.stringMatching(/^Naming the stand-ins .*: done in/)]),
    )
    await shutDown({ progress: machine.progress, signal })
    expect(machine.lines.slice(-3)).toEqual([
      'Stopped BuildKit',
      'the Docker Engine was not started by ctss, or does not run',
      'the registry was not started by ctss, or does not run',
    ])
    vi.unstubAllEnvs()
    expect(await setUp({ progress: machine.progress, signal })).toEqual(workstation)
  })
})
