import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkDockerfile } from '../../adapters/buildx/dockerfile-check.ts'
import { connectEngine } from '../../adapters/engine/connect.ts'
import { run } from '../../adapters/process/run.ts'
import type { RunResult } from '../../adapters/process/run.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { ensureTestbedImage, readTestbedImage } from '../../adapters/virtual-waggle/testbed-image.ts'
import { BUILDER_NAME } from '../../adapters/workstation/cache-layout.ts'
import { digestOf } from '../../pipeline/digest.ts'
import { renderUserData } from '../../pipeline/fleet/render-user-data.ts'
import { debianTools } from '../support/debian-tools.ts'
import type { DebianTools } from '../support/debian-tools.ts'
import { readMachineFiles, sampleOrder } from '../support/machine-order.ts'
import { makeMachineWorld } from '../support/machine-world.ts'
import type { MachineWorld } from '../support/machine-world.ts'
import { provideTool } from '../support/tools.ts'

const IMAGES = join(process.cwd(), 'runner-images')
const JIT = Buffer.from('a just-in-time configuration').toString('base64')
const CONTAINER = ['--volume', `${IMAGES}:/runner-images:ro`]

let tools: DebianTools

beforeAll(async () => {
  tools = await debianTools()
})

function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'ctss-runner-images-'))
}

describe('what Debian says', () => {
  const folder = scratchFolder()
  afterAll(() => rmSync(folder, { recursive: true }))

  async function inspect(line: string): Promise<RunResult> {
    return tools.run(['sh', '-c', line], [...CONTAINER, '--volume', `${folder}:/data:ro`])
  }

  it('cloud-init takes the user data for what it should be, and refuses what it should not', async () => {
    writeFileSync(join(folder, 'user-data'), renderUserData(readMachineFiles(), sampleOrder()))
    writeFileSync(join(folder, 'bad'), renderUserData(readMachineFiles(), sampleOrder()).replace('"runcmd": [', '"runcmd": 5, "x": ['))

    expect(await inspect('cloud-init schema --config-file /data/user-data')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Valid cloud-config'),
    })
    expect(await inspect('cloud-init schema --config-file /data/bad')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('runcmd') })
  })

  it("cloud-init's own reader of YAML finds in it what was put in, whatever that is", async () => {
    const address = `https://x/${String.fromCodePoint(...Array.from({ length: 94 }, (_, index) => 33 + index))}: [*a, &b, !c, %d, @e, #f]`.replaceAll(' ', '')
    const order = sampleOrder({ clockAddress: address, logs: { address, token: address.slice('https://'.length) } })
    writeFileSync(join(folder, 'hostile'), renderUserData(readMachineFiles(), order))
    const { stdout } = await inspect(`python3 -c "import json, yaml; print(json.dumps(yaml.safe_load(open('/data/hostile'))))"`)

    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(folder, 'hostile'), 'utf8').replace('#cloud-config\n', '')))
    expect(stdout).toContain(JSON.stringify(address))
  })

  it('shellcheck has nothing against any script', async () => {
    const { exitCode, stdout } = await inspect(
      `find /runner-images -type f -exec grep -lE '^#!/bin/sh' {} + >/tmp/scripts; wc -l </tmp/scripts; xargs shellcheck --color=never </tmp/scripts`,
    )

    expect(stdout.split('\n').slice(1).join('\n')).toBe('')
    expect(Number(stdout.split('\n')[0])).toBeGreaterThanOrEqual(11)
    expect(exitCode).toBe(0)
  })

  it('shellcheck would see a mistake', async () => {
    writeFileSync(join(folder, 'script'), '#!/bin/sh\nrm -rf $1/*\n')
    expect(await inspect('shellcheck /data/script')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('SC2086') })
  })

  const PLACE_UNITS = `
    mkdir -p /usr/local/lib/ctss /etc/systemd/system/ctss-power-off.timer.d /etc/systemd/system/user-7990.slice.d; cd /etc/systemd/system
    cp /runner-images/chameleon/* /runner-images/runner/* /usr/local/lib/ctss
    cp /runner-images/*/*.service /runner-images/*/*.timer .; cp /runner-images/waggle-arm64/limits.conf user-7990.slice.d
    printf '[Timer]\\nOnCalendar=2026-11-21 20:00:00 UTC\\n' >ctss-power-off.timer.d/time.conf
    useradd runner; useradd ctss-runner;`

  it('systemd has nothing against any unit', async () => {
    const { exitCode, stdout, stderr } = await inspect(`${PLACE_UNITS} systemd-analyze verify --man=no ctss-*.service ctss-power-off.timer user-7990.slice`)
    expect([exitCode, stdout, stderr]).toEqual([0, '', ''])
  })

  it.each([
    ['a key that it does not know', 's/^CPUQuota=/CPUQota=/', /Unknown key (name )?'CPUQota'/, 'user-7990.slice.d/limits.conf user-7990.slice'],
    ['a program that is not there', 's/run-one-job/run-no-job/', /run-no-job.*No such file/, 'ctss-runner.service ctss-runner.service'],
  ])('systemd would see %s', async (_, edit, message, files) => {
    const [file = '', unit = ''] = files.split(' ')
    const { stderr } = await inspect(`${PLACE_UNITS} sed -i '${edit}' ${file}; systemd-analyze verify --man=no ${unit}`)
    expect(stderr).toMatch(message)
  })

  it("a unit for a node's runner is not exposed", async () => {
    const { stdout } = await inspect(`${PLACE_UNITS} systemd-analyze security --offline=yes ctss-runner.service | tail -n 1`)
    expect(Number(/level for ctss-runner\.service: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(4.5)
  })
})

describe('a manifest for k3s', () => {
  const folder = scratchFolder()
  let program = ''

  beforeAll(async () => {
    program = await provideTool('kubernetes-validate')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  // That of a node (versions.json), and the newest that is known.
  it.each(['1.25', '1.37'])('is what Kubernetes %s takes, to the last field', (version) => {
    const validate = (file: string): { status: number | null; stderr: string; stdout: string } =>
      spawnSync(program, ['--strict', '--kubernetes-version', version, file], { encoding: 'utf8' })
    writeFileSync(join(folder, 'bad.yaml'), readFileSync(join(IMAGES, 'waggle-arm64/job.yaml'), 'utf8').replace('backoffLimit:', 'backOffLimit:'))

    expect(validate(join(IMAGES, 'waggle-arm64/job.yaml')).status).toBe(0)
    expect(validate(join(folder, 'bad.yaml')).status).not.toBe(0)
  })
})

describe('egress', () => {
  it('lets a machine and its containers out to public addresses alone, and never to the metadata service', async () => {
    const line = `echo 'define ctss_ports = { 80, 443 }' >/etc/ctss/egress-ports.nft; /usr/local/lib/world/egress-world`
    const { exitCode, stdout, stderr } = await tools.run(
      ['sh', '-c', line],
      [
        '--cap-add=NET_ADMIN',
        '--cap-add=SYS_ADMIN',
        '--security-opt=seccomp=unconfined',
        '--security-opt=apparmor=unconfined',
        '--sysctl=net.ipv4.ip_forward=1',
        '--volume',
        `${IMAGES}/chameleon/egress.nft:/etc/ctss/egress.nft:ro`,
      ],
    )
    expect([exitCode, stderr]).toEqual([0, ''])
    const [before = '', after = ''] = stdout.replace('# before\n', '').split('# after\n')
    const open = (text: string): string[] => text.split('\n').flatMap((attempt) => (attempt.endsWith(' open') ? [attempt.slice(0, -' open'.length)] : []))

    // Without the rules everything answers, so that the refusals below are theirs.
    expect(before).not.toContain('refused')
    expect(open(after)).toEqual([
      'machine 203.0.113.2 443',
      'container 203.0.113.2 443',
      'machine 198.51.100.9 80',
      'container 198.51.100.9 80',
      // A name server is in the site's own network.
      'machine 10.9.9.9 53',
      'container 10.9.9.9 53',
      'machine 172.17.0.2 5000',
      'machine 127.0.0.1 5055',
    ])
    expect(after).toContain('container 169.254.169.254 53 refused')
  })
})

describe('a machine', () => {
  let world: MachineWorld

  beforeAll(async () => {
    world = await makeMachineWorld(tools)
  })
  beforeEach(() => world.begin())
  afterAll(() => world.remove())

  function journal(): string {
    return spawnSync('tar', ['--extract', '--gzip', '--to-stdout', `--file=${join(world.folder, 'out/upload.tar.gz')}`, './journal.log'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    }).stdout
  }

  it('boots, runs one job as a user without rights, sends its logs, and goes off, with no trace of what it was told', async () => {
    world.begin('echo done >>/world/out/job')
    const order = world.order({ jitConfig: JIT })
    const machine = await world.bootAndRead(order)

    expect(machine.exitCode, machine.console).toBe(0)
    expect(world.left('job')).toBe(`user runner, runner docker
folder /opt/actions-runner
deadline ${new Date(order.leaseEnd.getTime() - 600_000).toISOString().slice(0, 19)}Z
configuration ${JIT}
arguments <>
files of the configuration: 
values: ls: cannot open directory '/run/ctss/values': Permission denied
done
`)
    expect(world.left('calls')).toContain('docker run --rm --network=none ctss-self-check')
    expect(world.left('uploads')).toBe('/machines/m-1/logs Bearer one-time_token.1\n')
    expect(journal()).toContain('ctss: ready for one job')
    expect([journal().includes(JIT), journal().includes('one-time_token.1')]).toEqual([false, false])
    expect([machine.holds(JIT), machine.holds('one-time_token.1')]).toEqual([false, false])
    expect([machine.has('/etc/cloud/cloud-init.disabled'), machine.has('/usr/local/lib/ctss/machine'), machine.has('/var/lib/cloud/instances')]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('goes off before its lease ends, whatever its job is at; the job is cancelled, the logs are sent', async () => {
    world.begin(`trap 'echo cancelled >>/world/out/job; exit 1' TERM INT; sleep 600 & wait`)
    const started = Date.now()
    const machine = await world.boot(world.order({ leaseEnd: new Date(started + 4 * 60_000 + 15_000) }))

    expect(machine.exitCode, machine.console).toBe(0)
    expect(world.left('job')).toMatch(/cancelled\n$/)
    expect(world.left('uploads')).toBe('/machines/m-1/logs Bearer one-time_token.1\n')
    expect(Date.now() - started).toBeLessThan(120_000)
  })

  it.each([
    ['has too small a disk', { diskGib: 100_000 }, /GiB are free below \/var\/lib\/docker; 100000 are needed\./],
    [
      'gets another runner than it was told',
      { runner: { address: 'https://ctss.example/runner.tar.gz', sha256: 'f'.repeat(64) } },
      /does not have the SHA-256 f{64}: nothing of it was unpacked/,
    ],
    ['has no GPU', { gpu: { kind: 'amd', count: 1 } }, /1 GPUs are needed, and the machine shows 0\./],
  ] as const)('that %s offers itself to nobody: it tells why and goes off', async (_, changes, message) => {
    const machine = await world.boot(world.order(changes))

    expect(machine.exitCode, machine.console).toBe(0)
    expect(world.left('job')).toBe('')
    expect(journal()).toMatch(message)
  })

  describe('as to its scripts', () => {
    it.each([
      ['the right sum', (sum: string) => sum, 0, 'run.sh'],
      ['a wrong sum', () => 'e'.repeat(64), 1, 'does not have the SHA-256'],
      ['no sum', () => '', 1, 'was not given. Take it from runner-images/versions.json'],
      ['what is no sum', () => '0 /dev/null', 1, 'was not given'],
    ])('the runner is installed with %s alone', async (_, change, exitCode, told) => {
      const sum = change(digestOf(readFileSync(join(world.folder, 'www/runner.tar.gz'))).slice('sha256:'.length))
      const result = await world.shell(`/usr/local/lib/ctss/install-runner https://ctss.example/runner.tar.gz '${sum}' /opt/r; code=$?; ls /opt/r; exit $code`)

      expect(result.exitCode).toBe(exitCode)
      expect(result.stdout + result.stderr).toContain(told)
      if (exitCode !== 0) expect(result.stdout).toBe('')
    })

    it('a configuration is good for one run', async () => {
      const one = 'RUNNER_FOLDER=/world/runner CTSS_DEADLINE=2026-11-21T20:00:00Z /usr/local/lib/ctss/run-one-job /run/ctss/job/jit'
      const { exitCode, stderr } = await world.shell(`mkdir -p /run/ctss/job; echo ${JIT} >/run/ctss/job/jit; ${one} && ${one}`)

      expect(world.left('job')).toContain(`configuration ${JIT}\n`)
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('/run/ctss/job/jit has no just-in-time configuration: it is used once, and gone.')])
    })

    it('a configuration that cannot be removed is not used', async () => {
      const { exitCode } = await world.shell('RUNNER_FOLDER=/world/runner /usr/local/lib/ctss/run-one-job /run/ctss/job/jit', [
        '--volume',
        `${world.folder}/www/runner.tar.gz:/run/ctss/job/jit:ro`,
      ])
      expect([exitCode === 0, world.left('job')]).toEqual([false, ''])
    })

    it('no copy of the user data is left, the configuration drive included', async () => {
      // A file system of one megabyte ends as a partition does.
      const { exitCode, stdout } = await world.shell(
        `for file in instances/i-1/user-data.txt instances/i-1/user-data.txt.i instances/i-1/obj.pkl instances/i-1/cloud-config.txt seed/nocloud/user-data data/x; do
          mkdir -p /var/lib/cloud/$(dirname $file); echo SECRET >/var/lib/cloud/$file
        done
        ln -s instances/i-1 /var/lib/cloud/instance
        mkdir -p /run/cloud-init; echo SECRET | tee /run/cloud-init/instance-data-sensitive.json >/run/cloud-init/combined-cloud-config.json
        yes SECRET | head -c 100000 >/drives/config
        mkdir /fakes; printf '#!/bin/sh\\n[ "$1" = -t ] && echo /drives/config; exit 0\\n' >/fakes/blkid; chmod 755 /fakes/blkid
        PATH=/fakes:$PATH /usr/local/lib/ctss/wipe-user-data
        grep -rl SECRET /var/lib/cloud /run /drives; ls /etc/cloud/cloud-init.disabled`,
        ['--tmpfs=/drives:size=1m'],
      )
      expect([exitCode, stdout]).toEqual([0, 'ctss: wiped the configuration drive /drives/config\n/etc/cloud/cloud-init.disabled\n'])
    })

    it('a configuration drive that cannot be written is told', async () => {
      const { exitCode, stderr } = await world.shell(
        `mkdir /fakes; printf '#!/bin/sh\\n[ "$1" = -t ] && echo /world/readonly || echo config-2\\n' >/fakes/blkid; chmod 755 /fakes/blkid; PATH=/fakes:$PATH /usr/local/lib/ctss/wipe-user-data`,
        ['--volume', `${world.folder}/www/job:/world/readonly:ro`],
      )
      expect([exitCode, stderr]).toEqual([0, 'ctss: the configuration drive /world/readonly cannot be written: root can still read it\n'])
    })

    const SHIP = `mkdir -p /opt/actions-runner/_diag; echo listener >/opt/actions-runner/_diag/Runner_1.log; echo WORKER >/opt/actions-runner/_diag/Worker_1.log
      mkdir /fakes; printf '#!/bin/sh\\necho JOURNAL\\n' >/fakes/journalctl; chmod 755 /fakes/journalctl; export PATH=/fakes:$PATH; echo t-1 >/run/ctss/values/log-token;`

    it('logs go out once, without those of the job', async () => {
      const { exitCode } = await world.shell(
        `${SHIP} echo https://ctss.example/logs >/run/ctss/values/log-address; /usr/local/lib/ctss/ship-logs && /usr/local/lib/ctss/ship-logs`,
      )
      const list = spawnSync('tar', ['--list', '--gzip', `--file=${world.folder}/out/upload.tar.gz`], { encoding: 'utf8' }).stdout

      expect([exitCode, world.left('uploads'), journal()]).toEqual([0, '/logs Bearer t-1\n', 'JOURNAL\n'])
      expect(list.split('\n').toSorted()).toEqual(['', './', './Runner_1.log', './journal.log'])
    })

    it('an address for logs is not read by a shell, and one that refuses is told', async () => {
      const { stdout } = await world.shell(
        `${SHIP} printf %s 'https://ctss.example/$(touch /pwned)\`touch /pwned\`;touch /pwned' >/run/ctss/values/log-address; /usr/local/lib/ctss/ship-logs; ls /pwned`,
      )
      const refused = await world.shell(`${SHIP} echo https://ctss.example/refused >/run/ctss/values/log-address; /usr/local/lib/ctss/ship-logs`)

      expect(stdout).toBe('')
      expect([refused.exitCode === 0, refused.stderr]).toEqual([false, expect.stringContaining('403')])
    })

    const VALUES = `cd /run/ctss/values; echo https://ctss.example/ >clock-address; echo 1 >disk-gib; echo none >gpu; echo 0 >gpus; echo cuda@sha256:x >gpu-image;`

    it('the self-check runs a container on a real engine, made of what is on the machine', async (context) => {
      const socket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace('unix://', '')
      if (!existsSync(socket)) return context.skip(`the engine is not at a socket of this machine, but at ${socket}`)
      const { exitCode, stdout, stderr } = await world.shell(`${VALUES} /usr/local/lib/ctss/self-check`, ['--volume', `${socket}:/var/run/docker.sock`])

      expect([exitCode, stdout, stderr]).toEqual([0, '', ''])
    })

    it('the self-check tells everything that is wrong, not just the first', async () => {
      const { exitCode, stderr } = await world.shell(`${VALUES} echo 100000 >disk-gib; echo nvidia >gpu; echo 2 >gpus; /usr/local/lib/ctss/self-check`, [
        '--env',
        'WORLD_SKEW=-500',
      ])

      expect(exitCode).toBe(1)
      for (const line of [
        /the clock is wrong by (499|500|501) s\./,
        /100000 are needed/,
        /Docker does not answer/,
        /2 GPUs are needed, and the machine shows 0/,
        /2 GPUs are needed, and a container shows 0/,
      ])
        expect(stderr).toMatch(line)
    })

    it('the self-check wants to be answered by GitHub', async () => {
      const { exitCode, stderr } = await world.shell(
        `${VALUES} echo https://127.0.0.1:9/ >clock-address; PATH=/usr/local/lib/world/fakes:$PATH /usr/local/lib/ctss/self-check`,
      )
      expect([exitCode, stderr]).toEqual([1, 'ctss: https://127.0.0.1:9/ does not answer: there is no way out, or no name server.\n'])
    })

    it.each([
      ['2', '2', 0, ''],
      ['1', '1', 1, 'ctss: 2 GPUs are needed, and the machine shows 1.\nctss: 2 GPUs are needed, and a container shows 1.\n'],
      ['2', '0', 1, 'ctss: 2 GPUs are needed, and a container shows 0.\n'],
    ])('with two GPUs ordered, %s on the machine and %s in a container end with %i', async (here, inside, code, told) => {
      const { exitCode, stderr } = await world.shell(
        `${VALUES} echo nvidia >gpu; echo 2 >gpus; PATH=/usr/local/lib/world/fakes:$PATH FAKE_GPUS=${here} FAKE_GPUS_INSIDE=${inside} /usr/local/lib/ctss/self-check`,
      )

      expect([exitCode, stderr]).toEqual([code, told])
      expect(world.left('calls')).toContain('docker run --rm --network=none --gpus=all cuda@sha256:x nvidia-smi --list-gpus')
    })

    it("NVIDIA's toolkit is installed if every package has its sum, and not at all otherwise", async () => {
      const content = 'a package'
      writeFileSync(join(world.folder, 'www/toolkit.deb'), content)
      writeFileSync(join(world.folder, 'www/other.deb'), content)
      const line = (
        sum: string,
      ): string => `mkdir /fakes; printf '#!/bin/sh\\n' >/fakes/systemctl; chmod 755 /fakes/systemctl; export PATH=/fakes:/usr/local/lib/world/fakes:$PATH; echo nvidia >/run/ctss/values/gpu
        printf '%s https://ctss.example/%s\\n' ${digestOf(content).slice(7)} toolkit.deb ${sum} other.deb >/run/ctss/values/toolkit; /usr/local/lib/ctss/install-packages`
      const right = await world.shell(`${line(digestOf(content).slice(7))} && cat /etc/docker/daemon.json`)
      const calls = world.left('calls')
      world.begin()
      const wrong = await world.shell(line('e'.repeat(64)))

      expect(right).toMatchObject({ exitCode: 0, stdout: '{"exec-opts": ["native.cgroupdriver=cgroupfs"]}\n' })
      expect(calls).toMatch(/install \/tmp\/\S+\/other\.deb \/tmp\/\S+\/toolkit\.deb\n/)
      expect(calls).toContain('nvidia-ctk runtime configure --runtime=docker')
      expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('https://ctss.example/other.deb does not have the SHA-256') })
      expect(world.left('calls')).not.toMatch(/\.deb|nvidia-ctk/)
    })

    it('a node is prepared again without harm, and without Docker it says what that means', async () => {
      const sum = digestOf(readFileSync(join(world.folder, 'www/runner.tar.gz'))).slice(7)
      const { exitCode, stdout, stderr } = await world.shell(
        `mkdir /fakes; for name in systemctl loginctl; do printf '#!/bin/sh\\necho ${'${0##*/}'} "$@" >>/world/out/calls\\n' >/fakes/$name; chmod 755 /fakes/$name; done; export PATH=/fakes:$PATH
         for _ in 1 2; do /runner-images/waggle-arm64/set-up https://ctss.example/runner.tar.gz ${sum}; done
         stat --format '%U %a %n' /var/lib/ctss-runner /var/lib/ctss-runner/actions-runner/run.sh /usr/local/lib/ctss/run-one-job /etc/systemd/system/user-7990.slice.d/limits.conf; id -u ctss-runner; grep ctss-runner /etc/subuid`,
        CONTAINER,
      )
      expect(exitCode, stderr).toBe(0)
      expect(stdout).toMatch(
        /^ctss-runner 700 \/var\/lib\/ctss-runner\nctss-runner 755 \S+run\.sh\nroot 755 \S+run-one-job\nroot 644 \S+limits\.conf\n7990\nctss-runner:\d+:65536\n$/,
      )
      expect(stderr).toContain('jobs on this node start no containers')
      expect(world.left('calls')).toContain('loginctl enable-linger ctss-runner\n')
    })
  })
})

describe('images', () => {
  let server: Server
  let source = ''
  const folder = scratchFolder()
  const archive = join(folder, 'runner.tar.gz')

  beforeAll(async () => {
    mkdirSync(join(folder, 'runner/bin'), { recursive: true })
    writeFileSync(join(folder, 'runner/run.sh'), '#!/bin/sh\necho "ran as $(id -un) with $ACTIONS_RUNNER_INPUT_JITCONFIG until $CTSS_DEADLINE"\n', {
      mode: 0o755,
    })
    writeFileSync(join(folder, 'runner/bin/installdependencies.sh'), '#!/bin/sh\ntouch /dependencies\n', { mode: 0o755 })
    spawnSync('tar', ['--create', '--gzip', `--file=${archive}`, `--directory=${join(folder, 'runner')}`, '.'])
    server = createServer((request, response) => {
      if (/^\/v2\.999\.0\/actions-runner-linux-(x64|arm64)-2\.999\.0\.tar\.gz$/.test(request.url ?? '')) response.end(readFileSync(archive))
      else response.writeHead(404).end()
    })
    // Builds run in a network of the engine's, or in the machine's own: this address is there in both.
    const { stdout } = await run({ command: 'docker', args: ['network', 'inspect', '--format={{(index .IPAM.Config 0).Gateway}}', 'bridge'] })
    await new Promise<void>((resolve) => server.listen(0, stdout.trim(), resolve))
    const address = server.address()
    source = `http://${stdout.trim()}:${typeof address === 'object' && address ? address.port : 0}`
  })
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  async function build(name: string, ...more: readonly string[]): Promise<RunResult> {
    const args = ['scripts/runner-images/build.ts', name, `--builder=${BUILDER_NAME}`, '--progress=plain', '--build-arg=BASE=debian:bookworm-slim', ...more]
    return run({ command: process.execPath, args }, { timeoutMs: 1_200_000, limitBytes: 2 ** 22 })
  }

  const sums = (sum: string): string[] => [
    `--build-arg=RUNNER_SOURCE=${source}`,
    '--build-arg=RUNNER_VERSION=2.999.0',
    // Debian 12 has no package of buildx; Ubuntu and newer Debians have.
    '--build-arg=DOCKER_PACKAGES=docker.io',
    `--build-arg=RUNNER_SHA256_AMD64=${sum}`,
    `--build-arg=RUNNER_SHA256_ARM64=${sum}`,
  ]
  const native = process.arch === 'arm64' ? 'waggle-arm64' : 'chameleon-cpu'

  it.each([
    ['of another archive', 'e'.repeat(64), /does not have the SHA-256 e{64}: nothing of it was unpacked/],
    ['that is not given', '', /The SHA-256 of \S+2\.999\.0\.tar\.gz was not given|the SHA-256 of \S+2\.999\.0\.tar\.gz was not given/],
  ])('of the runner are not built with a sum %s', async (_, sum, message) => {
    const { exitCode, stderr } = await build(native, ...sums(sum), '--output=type=cacheonly')

    expect(exitCode).not.toBe(0)
    expect(stderr).toMatch(message)
  })

  it('of the runner run one job as a user without rights, and then never again', async () => {
    const sum = digestOf(readFileSync(archive)).slice('sha256:'.length)
    const image = join(folder, 'image.tar')
    const built = await build(native, ...sums(sum), `--output=type=docker,dest=${image}`)
    expect(built.exitCode, built.stderr).toBe(0)
    const loaded = await run({ command: 'docker', args: ['load', '--quiet', `--input=${image}`] })
    const name = /Loaded image(?: ID)?: (\S+)/.exec(loaded.stdout)?.[1] ?? `ctss-${native}`
    const jit = join(folder, 'jit')
    mkdirSync(jit, { mode: 0o777 })
    try {
      const once = async (): Promise<RunResult> =>
        run({
          command: 'docker',
          args: [
            'run',
            '--rm',
            '--network=none',
            '--cap-drop=ALL',
            '--security-opt=no-new-privileges',
            `--volume=${jit}:/run/ctss/job`,
            '--env=CTSS_DEADLINE=2026-11-21T20:00:00Z',
            name,
          ],
        })
      writeFileSync(join(jit, 'jit'), JIT, { mode: 0o644 })
      spawnSync('chmod', ['777', jit])
      spawnSync('chmod', ['666', join(jit, 'jit')])
      const first = await once()

      expect([first.exitCode, first.stdout, first.stderr]).toEqual([0, `ran as runner with ${JIT} until 2026-11-21T20:00:00Z\n`, ''])
      expect(readdirSync(jit)).toEqual([])
      expect(await once()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('has no just-in-time configuration') })
    } finally {
      await run({ command: 'docker', args: ['image', 'rm', '--force', name] })
    }
  })

  it('of the Virtual Waggle are built for every platform that plugins have', async () => {
    const { exitCode, stderr } = await build('virtual-waggle', `--output=type=oci,tar=false,dest=${join(folder, 'layout')}`)
    expect(exitCode, stderr.slice(-4000)).toBe(0)
    const { manifests } = JSON.parse(readFileSync(join(folder, 'layout/index.json'), 'utf8')) as { manifests: { digest: string }[] }
    const index = JSON.parse(readFileSync(join(folder, 'layout/blobs', manifests[0]?.digest.replace(':', '/') ?? ''), 'utf8')) as {
      manifests: { platform: { architecture: string; variant?: string } }[]
    }
    const platforms = index.manifests.map(({ platform: { architecture, variant } }) => [architecture, variant].filter(Boolean).join('/'))

    expect(platforms.filter((platform) => platform !== 'unknown').toSorted()).toEqual(['amd64', 'arm/v7', 'arm64'])
    // Two of three are emulated: four minutes on two cores, the first time.
  }, 1_200_000)

  it.each([['5000'], ['0.0.0.0:5000']])('of the Virtual Waggle hold a registry for a job: `registry %s`', async (address) => {
    const image = readTestbedImage()
    const docker = connectEngine(process.env['DOCKER_HOST'])
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch
    await ensureTestbedImage(docker, image, { architecture }, { step: () => undefined, output: () => undefined }, new AbortController().signal)
    const options = [
      '--detach',
      '--rm',
      '--read-only',
      '--volume=/var/lib/registry',
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      '--publish=127.0.0.1::5000',
    ]
    const started = await run({ command: 'docker', args: ['run', ...options, image.reference, 'sh', '/usr/local/lib/ctss/registry', address] })
    const container = started.stdout.trim()
    try {
      const port = await run({ command: 'docker', args: ['port', container, '5000'] })
      const host = port.stdout.split('\n')[0] ?? ''
      const registry = new OciRegistry({ retryDelaysMs: [200, 500, 1000] })
      await vi.waitFor(async () => expect((await fetch(`http://${host}/v2/`)).status).toBe(200), 10_000)
      const digest = await registry.putBlob(`${host}/job/image`, Buffer.from('a layer'))

      expect((await registry.blob(`${host}/job/image`, digest, 100))?.toString()).toBe('a layer')
      expect((await run({ command: 'docker', args: ['exec', container, 'id', '-un'] })).stdout).toBe('docker-registry\n')
    } finally {
      await run({ command: 'docker', args: ['rm', '--force', '--volumes', container] })
    }
  })

  it('that cannot be built for want of a digest say so', async () => {
    const args = ['scripts/runner-images/build.ts', 'chameleon-gpu-rocm']
    expect(await run({ command: process.execPath, args })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^chameleon-gpu-rocm: nobody knows the digest of docker\.io\/rocm\/.*--build-arg=BASE=/),
    })
  })

  it.each(['runner', 'virtual-waggle'])("of %s have a Dockerfile that BuildKit's check finds nothing in", async (name) => {
    // The base by its digest is not to be had everywhere; the check looks at the rest.
    const copy = join(folder, `check-${name}`)
    cpSync(join(IMAGES, name), copy, { recursive: true })
    writeFileSync(join(copy, 'Dockerfile'), readFileSync(join(copy, 'Dockerfile'), 'utf8').replace(/^ARG BASE=.*$/m, 'ARG BASE=debian:bookworm-slim'))

    expect(await checkDockerfile({ context: copy, dockerfile: 'Dockerfile', signal: new AbortController().signal })).toEqual([])
  })
})
