import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { REGISTRY_HOST } from '../../adapters/workstation/cache-layout.ts'
import { validateStageRecord } from '../../schemas/generated/validators.js'
import type { Problem, RunOutput, StageRecord } from '../../schemas/generated/types.ts'
import { startCtss, tracesOf } from '../support/ctss-child.ts'
import { Workplace } from '../support/ctss-process.ts'
import { startSocketProxy } from '../support/socket-proxy.ts'
import { MANIFEST, NATIVE, ONE_TRIAL, slowFiles, withoutTraining, writeTinyPlugin } from '../support/tiny-plugin.ts'

const isRoot = process.getuid?.() === 0

let place: Workplace
beforeEach(async () => {
  place = await Workplace.make()
})
afterEach(async () => place[Symbol.asyncDispose]())
afterAll(() => {
  const images = execFileSync(
    'docker',
    ['image', 'ls', '--quiet', ...['*', '*/train'].flatMap((name) => ['--filter', `reference=${REGISTRY_HOST}/staging/local/faults/${name}`])],
    { encoding: 'utf8' },
  )
    .split('\n')
    .filter(Boolean)
  if (images.length > 0) spawnSync('docker', ['image', 'rm', '--force', ...new Set(images)])
})

const outcomes = ({ stages }: RunOutput): Record<string, string> => Object.fromEntries(stages.map(({ stage, outcome }) => [stage, outcome]))
const reasonOf = ({ stages }: RunOutput, stage: string): string | undefined => stages.find((candidate) => candidate.stage === stage)?.reason
const keys = ({ stages }: RunOutput): (string | null)[] => stages.filter(({ stage }) => stage !== 'report').map(({ key }) => key)
const ran = ({ stages }: RunOutput): string[] => stages.filter((stage) => stage.ran).map(({ stage }) => stage)

/** `ctss validate --json`. */
async function validate(folder: string): Promise<{ status: number; problems: readonly Problem[] }> {
  const { status, stdout, stderr } = await place.ctss('validate', folder, '--json')
  expect(stderr).toBe('')
  return { status, problems: (JSON.parse(stdout) as { manifests: { problems: Problem[] }[] }).manifests.flatMap(({ problems }) => problems) }
}

const codes = (problems: readonly Problem[]): string[] => problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)

describe('a repository that cannot be read', () => {
  const write = async (files: Readonly<Record<string, string | Buffer>>): Promise<string> => writeTinyPlugin(place, { ...withoutTraining(), ...files })
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghijk'
    .split('')
    .map((key, at) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghij'[at]}`).join()}]`)
    .join('\n')}\n`

  it('has no manifest', async () => {
    const folder = await writeTinyPlugin(place, { ...withoutTraining(), 'sage.yaml': null })

    expect(await validate(folder)).toMatchObject({ status: 1, problems: [{ code: 'CTSS-M007', suggestion: expect.stringContaining('ctss init') }] })
    const { status, stages, report } = await place.run(folder)
    expect(status).toBe(1)
    expect(stages.filter(({ reason }) => reason === 'the manifest cannot be read')).toHaveLength(5)
    expect(await readFile(report?.markdown ?? '', 'utf8')).toContain('There is no sage.yaml')
  })

  it.each<[string, string, string | Buffer, string]>([
    ['a bomb of aliases', 'sage.yaml', bomb, 'CTSS-M006'],
    ['a bomb of aliases', 'ctss.yaml', bomb, 'CTSS-C002'],
    ['one byte more than 256 KiB', 'sage.yaml', `${MANIFEST}#${'x'.repeat(256 * 1024 - MANIFEST.length)}`, 'CTSS-M001'],
    ['one byte more than 256 KiB', 'ctss.yaml', `#${'x'.repeat(256 * 1024)}`, 'CTSS-C002'],
    ['100 MB', 'sage.yaml', Buffer.alloc(100_000_000, 0x20), 'CTSS-M001'],
    ['nesting without end', 'sage.yaml', '['.repeat(200_000), 'CTSS-M011'],
    ['random bytes', 'sage.yaml', Buffer.concat([randomBytes(4096), Buffer.alloc(1)]), 'CTSS-M002'],
    ['random bytes', 'ctss.yaml', randomBytes(4096), 'CTSS-C001'],
    ['an escape of a terminal', 'sage.yaml', 'name: "a\u001B[2J"\n', 'CTSS-M010'],
    ['a list', 'ctss.yaml', '- training\n', 'CTSS-C004'],
  ])('has %s in %s', async (_what, file, content, code) => {
    const { status, problems } = await validate(await write({ [file]: content }))

    expect(codes(problems)).toContain(code)
    expect(status).toBe(1)
    expect((await place.run(join(place.folder, 'tiny-plugin'))).status).toBe(1)
  })

  it('is refused before it is parsed, within the memory of a small machine', async () => {
    const folder = await write({ 'sage.yaml': bomb, 'ctss.yaml': Buffer.alloc(100_000_000, 0x2d) })
    const child = startCtss(place, ['validate', folder], { env: { NODE_OPTIONS: '--max-old-space-size=128' } })

    expect((await child.finished).status).toBe(1)
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('whose files were hit by chance (%i) is a problem or fine, never a bug', async (seed) => {
    const damage = (text: string): Buffer => {
      const bytes = Buffer.from(text)
      for (let hit = 0; hit <= seed; hit += 1) bytes[(hit * 7919 + seed * 104_729) % bytes.length] = (hit * 31 + seed * 17) % 128
      return bytes
    }
    const folder = await write({ 'sage.yaml': damage(MANIFEST), 'ctss.yaml': damage(ONE_TRIAL) })
    const { status, stdout, stderr } = await place.ctss('validate', folder)

    expect([0, 1], stdout + stderr).toContain(status)
  })

  it('holds more files than a plugin may', async () => {
    const folder = await write({})
    await mkdir(join(folder, 'data'))
    execFileSync('sh', ['-c', 'seq 60000 | xargs touch'], { cwd: join(folder, 'data') })
    for (const command of ['validate', 'run', 'test']) {
      const { status, stderr } = await place.ctss(command, folder)
      expect(status).toBe(2)
      expect(stderr).toMatch(/holds more than 50,000 files\n.*\.gitignore/)
    }
  })

  it('is empty', async () => {
    const folder = join(place.folder, 'empty')
    await mkdir(folder)

    expect(await place.ctss('validate', folder)).toMatchObject({ status: 1, stdout: expect.stringContaining('CTSS-M007') })
    expect((await place.run(folder)).status).toBe(1)
    expect(await place.ctss('test', folder)).toMatchObject({ status: 2, stderr: expect.stringContaining('neither a manifest nor a Dockerfile') })
  })

  it('may not be read by this user', async (context) => {
    if (!isRoot) return context.skip('becoming another user needs root')
    const folder = await write({})
    await mkdir(join(folder, 'hidden'))
    await chmod(place.folder, 0o777)
    const asNobody = async (): Promise<unknown> => {
      const env = { HOME: place.folder, XDG_STATE_HOME: join(place.folder, 'nobody') }
      return startCtss(place, ['validate', folder], { env, launcher: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] }).finished
    }
    if (((await asNobody()) as { status: number }).status !== 0) return context.skip('another user cannot run what is in this checkout')
    for (const path of ['hidden', 'sage.yaml', '.']) {
      await chmod(join(folder, path), 0)
      expect(await asNobody()).toMatchObject({ status: 2, stderr: expect.stringMatching(/permission denied/) })
    }
  })
})

describe('what a person types', () => {
  it.each<[string[], number, string | RegExp]>([
    [['run', 'nowhere'], 2, 'nowhere is not there'],
    [['validate', '/dev/null'], 2, 'is not a folder'],
    [['run', 'https://127.0.0.1:9/nothing.git'], 2, /cannot be cloned: .*Failed to connect/],
    [['validate', 'file:///nowhere/nothing.git'], 2, /cannot be cloned: .*'\/nowhere\/nothing\.git'/],
    [['run', 'https://user:secret@127.0.0.1:9/nothing.git'], 2, /https:\/\/127\.0\.0\.1:9\/nothing\.git cannot be cloned/],
    [['run', '.', '--platform', 'nonsense'], 1, "'nonsense' is not a platform"],
    [['run', '.', '--platform', ','], 1, 'is not a platform'],
    [['run', '.', '--force=nonsense'], 1, "'nonsense' is not a stage"],
    [['validate', 'no\u001B[31m\u0007folder\u009B'], 2, /no.*folder.* is not there/],
    [['init', '../x'], 1, 'name'],
  ])('%j ends with %i and a sentence', async (args, status, message) => {
    const finished = await place.ctss(...args)

    expect(finished.status, finished.stderr).toBe(status)
    expect(finished.stderr).toMatch(message)
    expect(finished.stderr).not.toMatch(/secret|[^\n\u0020-\uFFFF]|[\u0080-\u009F]/)
  })

  it('may be a folder whose name a terminal would obey', async () => {
    const folder = await writeTinyPlugin(
      place,
      { ...withoutTraining(), 'a\u001B[2J\nb.txt': 'x', Dockerfile: 'FROM debian:bookworm-slim\nCOPY . /\nENTRYPOINT ["sh", "/main.sh"]\n' },
      'bad\u001B[31m\nname',
    )
    const { status, stdout, stderr } = await startCtss(place, ['build', '.'], { cwd: folder }).finished

    expect(status, stderr).toBe(0)
    expect(stdout + stderr).not.toContain('\u001B')
  })

  it('may be a platform that nobody builds for', async () => {
    const output = await place.run(await writeTinyPlugin(place, withoutTraining()), '--platform', 'linux/riscv64')

    expect(output.status).toBe(2)
    expect(reasonOf(output, 'build')).toContain('cannot build for linux/riscv64')
  })
})

describe('a path that leaves the repository', () => {
  const source = (key: string, value: string): string => MANIFEST.replace('source:', `source:\n  ${key}: ${value}`)

  it.each<[string, Record<string, string>, string]>([
    ['directory', { 'sage.yaml': source('directory', '../outside') }, 'directory'],
    ['directory by a link', { 'sage.yaml': source('directory', 'link') }, 'directory'],
    ['dockerfile', { 'sage.yaml': source('dockerfile', '../outside/Dockerfile') }, 'Dockerfile'],
    ['dockerfile by a link', { 'sage.yaml': source('dockerfile', 'link/Dockerfile') }, 'Dockerfile'],
    ['inputs', { 'ctss.yaml': 'test: {trials: [{name: a, inputs: ../outside}]}\n' }, 'inputs'],
    ['inputs by a link', { 'ctss.yaml': 'test: {trials: [{name: a, inputs: link}]}\n' }, 'inputs'],
    ['inputs by a link on the way', { 'ctss.yaml': 'test: {trials: [{name: a, inputs: data/link/x}]}\n' }, 'inputs'],
  ])('as %s is a problem with its line, and nothing is built', async (_what, files, word) => {
    const folder = await writeTinyPlugin(place, { ...withoutTraining(), ...files })
    await mkdir(join(place.folder, 'outside'))
    await writeFile(join(place.folder, 'outside/Dockerfile'), 'FROM scratch\n')
    await symlink('../outside', join(folder, 'link'))
    await mkdir(join(folder, 'data'))
    await symlink(join(place.folder, 'outside'), join(folder, 'data/link'))
    const output = await place.run(folder)

    const problem = output.stages.flatMap(({ problems }) => problems).find(({ severity }) => severity === 'error')
    expect(problem?.message).toMatch(new RegExp(`${word}.*(?:leaves|outside|leads out)|(?:leaves|outside|leads out).*${word}`, 'i'))
    expect(problem?.place?.line).toBeGreaterThan(0)
    expect(output.status).toBe(1)
    expect(ran(output)).toEqual(['validate', 'report'])
  })
})

describe('a plugin that misbehaves', () => {
  it('whose Dockerfile fails on one architecture leaves the other one in the record', async () => {
    const other = NATIVE === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64'
    const folder = await writeTinyPlugin(place, {
      ...withoutTraining(),
      'sage.yaml': MANIFEST.replace(`[${NATIVE}]`, `[${NATIVE}, ${other}]`),
      Dockerfile: `FROM debian:bookworm-slim\nCOPY main.sh /\nRUN [ "$(uname -m)" = ${NATIVE === 'linux/amd64' ? 'x86_64' : 'aarch64'} ]\nENTRYPOINT ["sh", "/main.sh"]\n`,
    })
    const output = await place.run(folder)

    expect(output.status).toBe(1)
    expect(outcomes(output)).toMatchObject({ build: 'failed', virtual: 'skipped', publish: 'skipped' })
    expect(output.stages.flatMap(({ problems }) => problems).filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'build-step-failed', place: { file: 'Dockerfile', line: 3 }, message: expect.stringContaining(other) },
    ])
    const record = (await recordsIn(place)).find(({ stage }) => stage === 'build')
    expect(record?.details).toMatchObject({
      platforms: [
        { platform: NATIVE, outcome: 'passed', digest: expect.stringMatching(/^sha256:/) },
        { platform: other, outcome: 'failed' },
      ],
    })
  })

  it('is stopped at its limits, and each trial says which', async () => {
    const folder = await writeTinyPlugin(place, {
      ...withoutTraining(),
      'ctss.yaml': `test:
  trials:
    - {name: endless, args: [endless], timeout: 3s}
    - {name: memory, args: [memory], limits: {memory: 64Mi}}
    - {name: disk, args: [disk], limits: {disk: 64Mi}}
    - {name: forks, args: [forks], timeout: 5s, limits: {pids: 50}}
    - {name: after, args: [good], expect: [{name: env.nothing, count: 0}]}
`,
      'main.sh': `case "$1" in
endless) trap '' TERM; while :; do sleep 1; done ;;
memory) exec tail /dev/zero ;;
disk) exec head -c 10G /dev/zero > /var/big ;;
forks) f() { f | f & }; f; sleep 600 ;;
esac
`,
    })
    const { status, trials } = await place.test(folder)

    expect(trials.map(({ name, ending, problems }) => [name, ending, problems[0]?.code])).toEqual([
      ['endless', 'timed-out', 'timed-out'],
      ['memory', 'out-of-memory', 'out-of-memory'],
      ['disk', 'disk-limit', 'disk-limit'],
      ['forks', 'timed-out', 'timed-out'],
      ['after', 'exited', undefined],
    ])
    for (const { problems } of trials.slice(0, 4)) expect(problems[0]?.suggestion).toMatch(/\w/)
    expect(status).toBe(1)
  })
})

/** Every file of the records' folder that is a record. */
async function recordsIn({ folder }: Workplace): Promise<readonly StageRecord[]> {
  const records = join(folder, 'state/ctss/records')
  const values = await Promise.all((await readdir(records)).map(async (name): Promise<unknown> => JSON.parse(await readFile(join(records, name), 'utf8'))))
  return values.filter((value): value is StageRecord => validateStageRecord(value))
}

describe('the state folder', () => {
  it('whose blobs were changed says so, and what to run; then all is well', async () => {
    const folder = await writeTinyPlugin(place)
    const before = await place.run(folder, '--to', 'build')
    const blobs = join(place.folder, 'state/ctss/blobs')
    for (const path of await readdir(blobs, { recursive: true })) if (/[0-9a-f]{64}$/.test(path)) await writeFile(join(blobs, path), '66\n')
    const broken = await place.run(folder, '--to', 'build', '--force=build')

    expect(before.status).toBe(0)
    expect(broken.status).toBe(2)
    expect(reasonOf(broken, 'build')).toMatch(/was changed or damaged; it was set aside.*--force/)
    const mended = await place.run(folder, '--to', 'build', '--force=train,build')
    expect(mended.status).toBe(0)
    expect(keys(mended)).toEqual(keys(before))
  })

  it('may be a file, or not writable: a failure that says so', async () => {
    const folder = await writeTinyPlugin(place, withoutTraining())
    await writeFile(join(place.folder, 'state'), '')
    const { status, stages, stdout, stderr } = { stages: [], ...(await place.ctss('run', folder)) }

    expect(status, stdout + stderr).toBe(2)
    expect(stages).toEqual([])
    expect(stdout + stderr).toContain(join(place.folder, 'state'))
  })

  it('on a full disk is a failure wherever it fills up; with room, the next run completes it', async (context) => {
    if (!isRoot) return context.skip('mounting a small disk needs root')
    const folder = await writeTinyPlugin(place, { ...withoutTraining(), 'main.sh': 'seq 100000\n' })
    const state = join(place.folder, 'state')
    await mkdir(state)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'ctss-test', state])
    try {
      const seen = new Set<string>()
      for (const size of ['16k', '48k', '8m']) {
        execFileSync('mount', ['-o', `remount,size=${size}`, state])
        const { status, stdout, stderr } = await place.ctss('run', folder)
        expect(status, `${size}: ${stdout}${stderr.slice(-2000)}`).toBe(2)
        expect(stdout + stderr, size).toMatch(/no space left|has \d+ MiB left/)
        for (const stage of ['validate', 'build', 'virtual', 'publish']) if (new RegExp(`⚠ ${stage} +error`).test(stdout)) seen.add(stage)
      }
      expect([...seen].toSorted()).toEqual(expect.arrayContaining(['build', 'publish', 'virtual']))
      execFileSync('mount', ['-o', 'remount,size=500m', state])
      const whole = await place.run(folder)
      expect(whole.status).toBe(0)
      expect(await recordsIn(place)).toHaveLength((await readdir(join(state, 'ctss/records'))).length)
      expect(ran(await place.run(folder))).toEqual([])
    } finally {
      execFileSync('umount', [state])
    }
  })
})

/** The points at which a run is stopped: what it says on stderr there. */
const POINTS = [
  'validate: runs',
  'train: runs',
  'train| training',
  'build: runs',
  'build| ',
  'virtual: opening',
  'virtual: starting',
  'virtual| running',
  'publish: archiving',
  'publish: promoting',
  'publish: attaching',
  'publish: writing',
  'publish: reading',
  'report: composing',
]

/** One plugin; each test goes on from the one before. */
describe('a run of one plugin', () => {
  let home: Workplace
  let folder = ''
  let completed: RunOutput
  beforeAll(async () => {
    home = await Workplace.make()
    folder = await writeTinyPlugin(home, slowFiles(randomUUID()))
  })
  afterAll(async () => home[Symbol.asyncDispose]())

  it('that is killed or stopped by Ctrl-C, at every stage, leaves nothing that the next does not clear up, and is completed by it', async () => {
    const killed: number[] = []
    for (const point of POINTS) {
      // A quick stage may come to its end before the signal does; forced, it begins again.
      const command = ['run', folder, '--force', point.slice(0, point.search(/[:|]/))]
      const child = startCtss(home, command)
      killed.push(child.pid)
      await child.until(point)
      child.kill('SIGKILL')
      expect((await child.finished).status).toBeNull()
      if (point === 'virtual| running') expect(await tracesOf(home, killed)).not.toEqual([])

      const stopped = startCtss(home, command)
      await stopped.until(point)
      stopped.kill('SIGINT')
      const { status, stderr } = await stopped.finished
      expect(status, `${point}: ${stderr}`).toBe(2)
      expect(stderr).toContain('Stopping, and cleaning up')
      expect(await tracesOf(home, [stopped.pid, ...killed]), point).toEqual([])
    }
    const last = startCtss(home, ['run', folder, '--json'])
    const { status, stdout, stderr } = await last.finished
    completed = JSON.parse(stdout) as RunOutput
    expect(status, stderr).toBe(0)
    expect(await tracesOf(home, [last.pid])).toEqual([])
  })

  it('that is one of two at once ends well, with the result that the stopped one came to', async () => {
    const [one, two] = await Promise.all([place.run(folder), place.run(folder)])

    expect([one.status, two.status]).toEqual([0, 0])
    expect([one.bundle, two.bundle]).toEqual([completed.bundle, completed.bundle])
    expect(ran(await place.run(folder))).toEqual([])
  })

  it('whose files in the state folder are rubbish, cut off or of another program is worked out again, and what lay there is set aside', async () => {
    const state = join(home.folder, 'state/ctss')
    const names = (await readdir(join(state, 'records'))).toSorted()
    const texts = await Promise.all(names.map(async (name) => readFile(join(state, 'records', name), 'utf8')))
    const rubbish = [randomBytes(100), '{"schema":"somebody-else/v7","stage":"build"}', '', texts[0]?.slice(0, 300) ?? '', texts[0] ?? '']
    for (const [at, name] of names.entries()) await writeFile(join(state, 'records', name), rubbish[(at + 1) % rubbish.length] ?? '')
    await writeFile(join(state, 'base-images.json'), randomBytes(100))
    for (const part of ['ecr/documents', 'ecr/releases'])
      for (const name of await readdir(join(state, part))) await writeFile(join(state, part, name), '{"schema":"somebody-else/v7"}')
    await writeFile(join(state, 'reports/faults/tiny-plugin/key'), randomBytes(100))
    await writeFile(join(state, 'reports/faults/tiny-plugin/report.md'), '')

    const after = await home.run(folder)
    expect(after.status).toBe(0)
    expect(after.bundle).toEqual(completed.bundle)
    expect(ran(after)).toEqual(['validate', 'train', 'build', 'virtual', 'publish', 'report'])
    expect((await readdir(join(state, 'records'))).filter((name) => name.endsWith('.corrupt')).length).toBe(names.length)
    expect(await readFile(after.report?.markdown ?? '', 'utf8')).toContain('tiny-plugin')
    expect(ran(await home.run(folder))).toEqual([])
  })
})

describe('what a killed run left', () => {
  it('of a build is ended by the next command, whichever it is', async () => {
    const folder = await writeTinyPlugin(place, { ...withoutTraining(), Dockerfile: `FROM debian:bookworm-slim\nRUN echo ${randomUUID()}; sleep 600\n` })
    const child = startCtss(place, ['build', folder])
    await child.until('build| ')
    child.kill('SIGKILL')
    await child.finished
    expect((await tracesOf(place, [child.pid])).join('\n')).toContain('docker buildx build')

    await writeFile(join(folder, 'sage.yaml'), '')
    expect((await place.run(folder)).status).toBe(1)
    await expect.poll(async () => tracesOf(place, [child.pid]), { timeout: 60_000 }).toEqual([])
  })

  it('of a training is ended by the next command that needs the engine', async () => {
    const folder = await writeTinyPlugin(place, { 'train/train.sh': 'echo training; sleep 600\n' })
    const child = startCtss(place, ['train', folder])
    await child.until('train| training')
    child.kill('SIGKILL')
    await child.finished
    expect(await tracesOf(place, [child.pid])).not.toEqual([])

    expect((await place.run(await writeTinyPlugin(place, withoutTraining(), 'another'), '--to', 'build')).status).toBe(0)
    expect(await tracesOf(place, [child.pid])).toEqual([])
  })
})

/** A launcher of programs for which the registry answers every question and takes nothing. */
async function openDoor(fault: 'away' | 'full'): Promise<AsyncDisposable & { readonly launcher: readonly string[] }> {
  const socket = join(place.folder, 'door.sock')
  const server = createServer((incoming, outgoing) => {
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
      if (fault === 'away') return incoming.socket.destroy()
      // As distribution 2.8 answers when its disk is full.
      return outgoing.writeHead(500).end('{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"Err":28}}]}')
    }
    const forwarded = request(`http://${REGISTRY_HOST}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    return incoming.pipe(forwarded)
  })
  await new Promise<void>((done) => server.listen(socket, done))
  return {
    launcher: ['unshare', '--net', process.execPath, resolve('test/support/registry-door.ts'), socket],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

describe('a run', () => {
  it('whose engine goes away in the middle of a trial is a failure; the next run completes it and clears up', async () => {
    const folder = await writeTinyPlugin(place, {
      ...withoutTraining('{name: quiet, timeout: 20m, expect: [{name: env.nothing, count: 0}]}'),
      'main.sh': 'echo running\nsleep 2\n',
    })
    await using proxy = await startSocketProxy('/var/run/docker.sock')
    const child = startCtss(place, ['run', folder, '--json'], { env: { DOCKER_HOST: proxy.address } })
    await child.until('virtual| running')
    proxy.cut()
    const { status, stdout, stderr } = await child.finished

    expect(status, stderr).toBe(2)
    expect(reasonOf(JSON.parse(stdout) as RunOutput, 'virtual')).toContain('Docker Engine gave no answer')
    expect((await place.run(folder)).status).toBe(0)
    expect(await tracesOf(place, [child.pid])).toEqual([])
  })

  it('whose registry takes nothing, at build and then at publish, is a failure; what was done stays, and the next run completes it', async (context) => {
    if (!isRoot) return context.skip('a network of its own, in which the registry can fail for one program alone, needs root')
    const folder = await writeTinyPlugin(place, { ...withoutTraining(), 'main.sh': `echo ${randomUUID()}\n` })
    const behindDoor = async (fault: 'away' | 'full'): Promise<RunOutput> => {
      await using door = await openDoor(fault)
      const { status, stdout, stderr } = await startCtss(place, ['run', folder, '--json'], door).finished
      expect(status, stderr).toBe(2)
      return JSON.parse(stdout) as RunOutput
    }

    expect(reasonOf(await behindDoor('away'), 'build')).toContain('cannot be reached')
    expect((await place.run(folder, '--to', 'virtual')).status).toBe(0)
    const output = await behindDoor('full')
    expect(ran(output)).toEqual(['publish', 'report'])
    expect(reasonOf(output, 'publish')).toContain('has no space left')
    const whole = await place.run(folder)
    expect(ran(whole)).toEqual(['publish', 'report'])
    expect(whole.status).toBe(0)
  })

  it('without an engine is a failure that says what to start', async () => {
    const folder = await writeTinyPlugin(place, withoutTraining())
    const child = startCtss(place, ['run', folder], { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } })
    const { status, stdout } = await child.finished

    expect(status).toBe(2)
    expect(stdout).toContain('no Docker Engine answers on DOCKER_HOST=unix:///nowhere/docker.sock')
  })
})
