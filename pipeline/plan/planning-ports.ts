import { TESTBED_VERSION } from '../virtual/testbed-version.ts'
import type { StagePorts } from '../stage-scripts/stage-ports.ts'

/** What the keys of stages are made with. */
export type KnownPorts = Pick<StagePorts, 'registry' | 'registryRoot' | 'lookUpBase' | 'catalogue'>

/** The ports of a place where stages are planned and none is run: whatever a stage would run on is never opened. */
export function planningPorts(known: KnownPorts): StagePorts {
  return {
    ...known,
    testbedVersion: TESTBED_VERSION,
    openBuilder: neverOpened,
    openTrainer: neverOpened,
    openTestbed: neverOpened,
    openStaging: neverOpened,
    datasets: { fetch: neverOpened },
    folders: { list: neverOpened, read: neverOpened },
  }
}

async function neverOpened(): Promise<never> {
  throw new TypeError('this stage does not run on that')
}
