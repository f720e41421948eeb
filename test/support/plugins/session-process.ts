import { connectEngine } from '../../../adapters/engine/connect.ts'
import { makeRunId } from '../../../adapters/engine/run-id.ts'
import { openVirtualWaggle } from '../../../adapters/virtual-waggle/virtual-waggle.ts'
import { memoryBlobs } from '../memory-blobs.ts'
import { makeTrialRequest, NEVER, QUIET } from './trials.ts'

// A process of its own that runs a trial without end, to be killed. usage: session-process.ts IMAGE PLATFORM FOLDER
const [image = '', platform = '', workParent = ''] = process.argv.slice(2)
const runId = makeRunId()
const session = await openVirtualWaggle({ docker: connectEngine(process.env['DOCKER_HOST']), blobs: memoryBlobs(), workParent, runId }).open(QUIET, NEVER)
process.stdout.write(`${runId}\n`)
await session.run(makeTrialRequest({ image, platform }, ['never']), QUIET, NEVER)
