import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../adapters/process/run.ts'
import type { RunOptions, RunResult } from '../../adapters/process/run.ts'
import { digestOf } from '../../pipeline/digest.ts'
import { renderUserData } from '../../pipeline/fleet/render-user-data.ts'
import type { MachineOrder } from '../../pipeline/fleet/render-user-data.ts'
import type { DebianTools } from './debian-tools.ts'
import { readMachineFiles, sampleOrder } from './machine-order.ts'

/** Stands for the runner: tells what it finds, and then does what its job does. */
const RUNNER = `#!/bin/sh
{
  echo "user $(id -un), $(id -Gn)"
  echo "folder $PWD"
  echo "deadline $CTSS_DEADLINE"
  echo "configuration $ACTIONS_RUNNER_INPUT_JITCONFIG"
  echo "arguments <$*>"
  echo "files of the configuration: $(ls -A /run/ctss/job)"
  echo "values: $(ls /run/ctss/values 2>&1)"
  case $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ') in *"$ACTIONS_RUNNER_INPUT_JITCONFIG"*) echo 'a process shows it' ;; esac
} >/world/out/job
. /world/www/job
`

/** A folder that is `/world` in a container of the tools: what a machine finds outside of itself. */
export interface MachineWorld {
  readonly folder: string
  /** An order whose addresses are in this world. */
  order(changes?: Partial<MachineOrder>): MachineOrder
  /** Boots a machine with systemd and cloud-init, until it is off. */
  boot(order: MachineOrder): Promise<Boot>
  /** The same, and reads its disk, which takes seconds. */
  bootAndRead(order: MachineOrder): Promise<Boot & Disk>
  /** Runs a shell line with the machine's scripts in their place, as root; the world's server answers. */
  shell(line: string, dockerArgs?: readonly string[], options?: RunOptions): Promise<RunResult>
  /** What a container left below /world/out; empty when there is nothing. */
  left(name: string): string
  /** Forgets what was left, and sets the line of shell that the next runner's job is. */
  begin(job?: string): void
  remove(): void
}

export interface Boot {
  readonly exitCode: number | null
  readonly console: string
}

/** What a machine that went off has on its disk. */
export interface Disk {
  /** Whether a text is anywhere on the machine's disk, after all. */
  holds(text: string): boolean
  /** Whether a path is there. */
  has(path: string): boolean
}

/** Makes a world, in which the runner's job is a line of shell. */
export async function makeMachineWorld(tools: DebianTools): Promise<MachineWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-world-'))
  for (const name of ['out', 'www', 'seed', 'scripts', 'runner/bin']) mkdirSync(join(folder, name), { recursive: true })
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'out'), 0o777)
  for (const source of ['runner-images/chameleon', 'runner-images/runner']) cpSync(source, join(folder, 'scripts'), { recursive: true })
  writeFileSync(join(folder, 'www/job'), 'true')
  writeFileSync(join(folder, 'runner/run.sh'), RUNNER, { mode: 0o755 })
  writeFileSync(join(folder, 'runner/bin/installdependencies.sh'), '#!/bin/sh\necho dependencies >>/world/out/calls\n', { mode: 0o755 })
  await run({ command: 'tar', args: ['--create', '--gzip', `--file=${join(folder, 'www/runner.tar.gz')}`, `--directory=${join(folder, 'runner')}`, '.'] })
  const world = ['--volume', `${folder}:/world`, '--add-host', 'ctss.example:127.0.0.1']
  const certificate =
    'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ctss.example -addext subjectAltName=DNS:ctss.example -keyout /world/key.pem -out /world/cert.pem'
  const made = await tools.run(['sh', '-c', certificate], world)
  if (made.exitCode !== 0) throw new Error(made.stderr)

  return {
    folder,
    order: (changes) =>
      sampleOrder({
        runner: { address: 'https://ctss.example/runner.tar.gz', sha256: digestOf(readFileSync(join(folder, 'www/runner.tar.gz'))).slice('sha256:'.length) },
        gpu: { kind: 'none' },
        diskGib: 1,
        clockAddress: 'https://ctss.example/',
        logs: { address: 'https://ctss.example/machines/m-1/logs', token: 'one-time_token.1' },
        leaseEnd: new Date(Date.now() + 3_600_000),
        ...changes,
      }),
    boot: async (order) => {
      giveOrder(folder, order)
      return boot(tools, world)
    },
    bootAndRead: async (order) => {
      giveOrder(folder, order)
      return bootAndRead(tools, world, folder)
    },
    shell: async (line, dockerArgs = [], options = {}) => {
      const start =
        'python3 /usr/local/lib/world/world.py & for _ in $(seq 100); do curl --silent --output /dev/null https://ctss.example/job && break; sleep 0.1; done'
      return tools.run(
        ['sh', '-c', `mkdir -p /run/ctss/values /usr/local/lib/ctss; cp /world/scripts/* /usr/local/lib/ctss/; ${start}; ${line}`],
        [...world, '--env', 'CURL_CA_BUNDLE=/world/cert.pem', ...dockerArgs],
        options,
      )
    },
    left: (name) => (existsSync(join(folder, 'out', name)) ? readFileSync(join(folder, 'out', name), 'utf8') : ''),
    begin: (job = 'true') => {
      writeFileSync(join(folder, 'www/job'), job)
      rmSync(join(folder, 'out'), { recursive: true })
      mkdirSync(join(folder, 'out'))
      chmodSync(join(folder, 'out'), 0o777)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** With no more rights than systemd and nft need, and a network of its own that leads nowhere. */
const MACHINE = [
  '--cap-add=SYS_ADMIN',
  '--cap-add=NET_ADMIN',
  '--security-opt=seccomp=unconfined',
  '--security-opt=apparmor=unconfined',
  '--env=container=docker',
  '--tmpfs=/run',
  '--tmpfs=/run/lock',
  '--tmpfs=/tmp:exec',
  '--volume=/sys/fs/cgroup:/sys/fs/cgroup:ro',
]

function giveOrder(folder: string, order: MachineOrder): void {
  writeFileSync(join(folder, 'seed/user-data'), renderUserData(readMachineFiles(), order))
  writeFileSync(join(folder, 'seed/meta-data'), 'instance-id: machine-1\n')
}

async function boot(tools: DebianTools, world: readonly string[], look?: (container: string) => Promise<void>): Promise<Boot> {
  const command = ['/lib/systemd/systemd', '--log-target=console', '--show-status=0']
  const { exitCode, stdout, stderr } = await tools.run(command, ['--tty', ...MACHINE, ...world], { timeoutMs: 180_000 }, look)
  return { exitCode, console: stdout + stderr }
}

async function bootAndRead(tools: DebianTools, world: readonly string[], folder: string): Promise<Boot & Disk> {
  const file = join(folder, 'disk.tar')
  let disk = Buffer.alloc(0)
  let paths: readonly string[] = []
  try {
    const booted = await boot(tools, world, async (container) => {
      await run({ command: 'docker', args: ['export', `--output=${file}`, container] })
      disk = readFileSync(file)
      paths = (await run({ command: 'tar', args: ['--list', `--file=${file}`] }, { limitBytes: 2 ** 26 })).stdout.split('\n')
    })
    return {
      ...booted,
      holds: (text) => disk.includes(text),
      has: (path) => paths.some((entry) => entry.replace(/\/$/, '') === path.slice(1)),
    }
  } finally {
    rmSync(file, { force: true })
  }
}
