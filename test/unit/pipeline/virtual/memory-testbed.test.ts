import { describeTestbedContract } from '../../../contract/testbed.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { memoryTestbed } from '../../../support/memory-testbed.ts'
import { makeTrialRequest } from '../../../support/plugins/trials.ts'

describeTestbedContract('the testbed in memory', () => {
  const blobs = memoryBlobs()
  const image = { image: 'plugins', platform: 'linux/amd64' }
  return Promise.resolve({ blobs, testbed: memoryTestbed({ blobs }), makeTrial: (args, overrides) => makeTrialRequest(image, args, overrides) })
})
