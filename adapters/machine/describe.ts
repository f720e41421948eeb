import { arch, cpus, release, totalmem, type } from 'node:os'
import type { Environment } from '../../schemas/generated/types.ts'

/** What a record says about the machine that a stage ran on. */
export function describeMachine(): Environment {
  const [first] = cpus()
  return {
    kind: 'laptop',
    os: type(),
    kernel: release(),
    architecture: arch(),
    ...(first && { cpu: first.model.trim() }),
    cpus: cpus().length,
    memoryBytes: totalmem(),
  }
}
