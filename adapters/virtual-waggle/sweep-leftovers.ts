import type Docker from 'dockerode'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunOver } from '../engine/run-id.ts'
import { sweepEngine } from '../engine/sweep.ts'
import { sweepCgroups, type CgroupSetting } from './cgroup.ts'
import { readEngineFacts, type EngineFacts } from './engine-facts.ts'

/** What the folders of trials are called, with the run's id behind. */
export const FOLDER_PREFIX = 'ctss-virtual-'

/** Removes what earlier runs left that were killed: containers, networks, volumes, cgroups, folders. Those of living processes stay. */
export async function sweepLeftovers({
  docker,
  engine,
  workParent = tmpdir(),
}: {
  readonly docker: Docker
  readonly engine?: EngineFacts
  readonly workParent?: string
}): Promise<void> {
  const facts = engine ?? (await readEngineFacts(docker))
  await sweepEngine(docker)
  if (facts.isLocal) await sweepCgroups(cgroupSetting(facts))
  for (const name of await readdir(workParent).catch(() => [])) {
    if (name.startsWith(FOLDER_PREFIX) && isRunOver(name.slice(FOLDER_PREFIX.length))) await rm(join(workParent, name), { recursive: true, force: true })
  }
}

/** Where an engine keeps the control groups of its containers. */
export function cgroupSetting({ cgroup, cgroupDriver }: EngineFacts): CgroupSetting {
  return { version: cgroup, driver: cgroupDriver, root: '/sys/fs/cgroup' }
}
