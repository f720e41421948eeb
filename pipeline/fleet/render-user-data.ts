/** What a machine at Chameleon is told when it boots. */
export interface MachineOrder {
  /** The just-in-time configuration, as GitHub's `generate-jitconfig` answers it (`encoded_jit_config`): good for one runner and one job. */
  readonly jitConfig: string
  readonly runner: VerifiedFile
  readonly gpu: GpuOrder
  /** When the lease ends. */
  readonly leaseEnd: Date
  /** Free space that jobs need below Docker's folder, in GiB. */
  readonly diskGib: number
  /** TCP ports of public addresses that jobs may use, besides those for names. Plugins' Dockerfiles fetch packages by HTTP too: 80 and 443, and those of the object store. */
  readonly egressPorts: readonly number[]
  /** Asked for its clock before the machine offers itself to GitHub: GitHub's API. */
  readonly clockAddress: string
  /** Where the machine's logs go, once; undefined: nowhere. */
  readonly logs: { readonly address: string; readonly token: string } | undefined
}

/** What GPUs the job counts on. */
export type GpuOrder =
  | { readonly kind: 'none' }
  /** On an image of Chameleon's with CUDA: the toolkit's Debian packages, and an image with nvidia-smi to look through. */
  | { readonly kind: 'nvidia'; readonly count: number; readonly toolkit: readonly VerifiedFile[]; readonly image: string }
  /** On an image of Chameleon's with ROCm. */
  | { readonly kind: 'amd'; readonly count: number }

/** A file that is fetched, and used only if it has the sum. */
export interface VerifiedFile {
  readonly address: string
  readonly sha256: string
}

/** A file of `runner-images/chameleon` or `runner-images/runner`: scripts, units, rules. */
export interface MachineFile {
  readonly name: string
  readonly content: string
}

interface WrittenFile {
  readonly path: string
  readonly content: string
  readonly permissions: '0600' | '0644' | '0755'
}

/**
 * Training is told to be at its end this long before the lease: time to write a checkpoint and to upload it. Leases at Chameleon end ten minutes
 * before the hour, so that they do not race the next one.
 */
const DEADLINE_MARGIN_MS = 10 * 60_000
/** The machine powers itself off this long before the lease ends: what it still has to send takes two minutes at most (`ship-logs`). */
const POWER_OFF_MARGIN_MS = 4 * 60_000
/** Nova takes 65,535 characters of base64 (its API's schema), three quarters of which are bytes; with a margin. */
const LIMIT_BYTES = 48_000

const PATTERNS = {
  base64: /^[A-Za-z0-9+/]+={0,2}$/,
  sha256: /^[0-9a-f]{64}$/,
  https: /^https:\/\/[\x21-\x7e]+$/,
  token: /^[\x21-\x7e]+$/,
  image: /^[\w./:-]+@sha256:[0-9a-f]{64}$/,
} as const

/** By which jobs on the machine should have come to their end: what they are told as `CTSS_DEADLINE`. */
export function jobDeadline({ leaseEnd }: Pick<MachineOrder, 'leaseEnd'>): Date {
  return new Date(leaseEnd.getTime() - DEADLINE_MARGIN_MS)
}

/**
 * The user data of a machine: `#cloud-config`, as JSON, which is YAML. No value is part of a script or of a command: each lies in a file of its own,
 * which scripts read as data. Holds no credential of the cloud. Throws where a value is not what it says, or the whole is too long for Nova.
 */
export function renderUserData(files: readonly MachineFile[], order: MachineOrder): string {
  const document = {
    ssh_pwauth: false,
    disable_root: true,
    package_upgrade: false,
    write_files: [...files.map(placeFile), ...orderFiles(order)].map(({ path, content, permissions }) => ({
      path,
      permissions,
      content: plainText(path, content),
    })),
    runcmd: [
      ['systemctl', 'daemon-reload'],
      // First of all, so that even a machine that fails at everything else goes off in time.
      ['systemctl', 'enable', '--now', 'ctss-power-off.timer'],
      ['systemctl', 'start', '--no-block', 'ctss-machine.service'],
    ],
  }
  const text = `#cloud-config\n${JSON.stringify(document, undefined, 1)}\n`
  if (text.length > LIMIT_BYTES) throw new Error(`the user data has ${text.length} bytes; ${LIMIT_BYTES} is the limit`)
  return text
}

function placeFile({ name, content }: MachineFile): WrittenFile {
  if (!/^[a-z][a-z0-9-]*(\.(service|timer|nft))?$/.test(name)) throw new Error(`${name} has no place on a machine`)
  if (/\.(service|timer)$/.test(name)) return { path: `/etc/systemd/system/${name}`, content, permissions: '0644' }
  if (name.endsWith('.nft')) return { path: `/etc/ctss/${name}`, content, permissions: '0644' }
  return { path: `/usr/local/lib/ctss/${name}`, content, permissions: '0755' }
}

/** What is this machine's alone. `/run` is memory: nothing of it is left on a disk. */
function orderFiles(order: MachineOrder): WrittenFile[] {
  const { gpu, runner, logs } = order
  const powerOff = new Date(order.leaseEnd.getTime() - POWER_OFF_MARGIN_MS)
  const values: Record<string, string> = {
    jit: check('base64', 'the just-in-time configuration', order.jitConfig),
    'runner-address': check('https', 'the address of the runner', runner.address),
    'runner-sha256': check('sha256', 'the sum of the runner', runner.sha256),
    gpu: gpu.kind,
    gpus: gpu.kind === 'none' ? '0' : count('the number of GPUs', gpu.count, 64),
    'disk-gib': count('the disk that is needed', order.diskGib, 100_000),
    'clock-address': check('https', 'the address of the clock', order.clockAddress),
    ...(gpu.kind === 'nvidia' && {
      'gpu-image': check('image', 'the image of the GPU check', gpu.image),
      toolkit: gpu.toolkit.map(renderVerifiedFile).join(''),
    }),
    ...(logs && { 'log-address': check('https', 'the address for logs', logs.address), 'log-token': check('token', 'the token for logs', logs.token) }),
  }
  const ports = order.egressPorts.map((port) => count('a port', port, 65_535))
  if (ports.length === 0) throw new Error('a machine without a port cannot reach GitHub')
  return [
    ...Object.entries(values).map(([name, content]): WrittenFile => ({ path: `/run/ctss/values/${name}`, content, permissions: '0600' })),
    { path: '/etc/ctss/egress-ports.nft', content: `define ctss_ports = { ${ports.join(', ')} }\n`, permissions: '0644' },
    { path: '/etc/ctss/job.env', content: `CTSS_DEADLINE=${seconds(jobDeadline(order))}Z\n`, permissions: '0644' },
    {
      path: '/etc/systemd/system/ctss-power-off.timer.d/time.conf',
      content: `[Timer]\nOnCalendar=${seconds(powerOff).replace('T', ' ')} UTC\n`,
      permissions: '0644',
    },
  ]
}

/** A line of what `install-packages` reads. */
function renderVerifiedFile({ address, sha256 }: VerifiedFile): string {
  return `${check('sha256', 'the sum of a package', sha256)} ${check('https', 'the address of a package', address)}\n`
}

function check(pattern: keyof typeof PATTERNS, what: string, value: string): string {
  // Without the value: it may be a secret.
  if (!PATTERNS[pattern].test(value)) throw new Error(`${what} is not of the form that it must have (${pattern})`)
  return value
}

function count(what: string, value: number, most: number): string {
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${what} is ${value}, and must be a whole number from 1 to ${most}`)
  return String(value)
}

/** For instance `2026-11-21T20:00:00`. Throws for a date that is none. */
function seconds(date: Date): string {
  return date.toISOString().slice(0, 19)
}

/** Of ASCII alone JSON is YAML for every parser: they differ in surrogates, and in what a line break is. */
function plainText(path: string, content: string): string {
  if (!/^[\t\n\x20-\x7e]*$/.test(content)) throw new Error(`${path} has other characters than those of ASCII`)
  return content
}
