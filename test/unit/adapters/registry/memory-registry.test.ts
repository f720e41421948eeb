import { describeRegistryContract } from '../../../contract/registry.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'

describeRegistryContract('the registry in memory', async () => ({ registry: memoryRegistry(), prefix: 'registry.test' }))
