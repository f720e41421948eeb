import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** The label of everything that we create in an engine; its value is the run id. */
export const RUN_LABEL = 'org.sagecontinuum.ctss'

const RUN_ID = /^([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{6}$/

/**
 * A name for one run of this process, `<machine>-<boot>-<pid>-<start>-<random>`: whoever finds something that carries it can tell
 * whether the process that made it is still alive, even after a `kill -9`. Lower-case letters, digits and hyphens.
 */
export function makeRunId(): string {
  return [machine(), boot(), process.pid, startTime(process.pid) ?? 0, randomBytes(3).toString('hex')].join('-')
}

/** Whether the process that a run id names is known to be gone. One of another machine, and a label that is no run id, is not. */
export function isRunOver(runId: string): boolean {
  const [, itsMachine, itsBoot, pid, started] = RUN_ID.exec(runId) ?? []
  if (itsMachine !== machine()) return false
  return itsBoot !== boot() || startTime(Number(pid)) !== Number(started)
}

/** A process id means something only in its process namespace: containers that share an engine's socket are different machines. */
function machine(): string {
  return shortHash(`${readOptional('/etc/machine-id') ?? hostname()} ${processNamespace()}`)
}

function boot(): string {
  return shortHash(readOptional('/proc/sys/kernel/random/boot_id') ?? 'unknown')
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'none'
  }
}

/** Start time in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)); undefined when there is no such process. */
function startTime(pid: number): number | undefined {
  const stat = readOptional(`/proc/${pid}/stat`)
  // The second field is the program's name in brackets and may hold blanks and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined ? undefined : Number(fields[19])
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
