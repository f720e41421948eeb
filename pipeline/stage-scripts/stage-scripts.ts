import type { StageScript } from '../run.ts'
import { buildScript } from './build-script.ts'
import { publishScript } from './publish-script.ts'
import type { StageOptions, StagePorts } from './stage-ports.ts'
import { trainScript } from './train-script.ts'
import { nodeScript, virtualScript } from './trial-scripts.ts'
import { validateScript } from './validate-script.ts'

/** Binds each stage to its inputs, its ports and its gates. */
export function makeStageScripts(options: StageOptions, ports: StagePorts): readonly StageScript[] {
  const node = nodeScript(options, ports)
  return [
    validateScript(options),
    trainScript(options, ports),
    buildScript(options, ports),
    virtualScript(options, ports),
    ...(node ? [node] : []),
    publishScript(options, ports),
  ]
}
