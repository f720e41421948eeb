import { describeImageBuilderContract } from '../../../contract/image-builder.ts'
import { memoryBuilder } from '../../../support/memory-builder.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'

describeImageBuilderContract('the builder in memory', async () => {
  const registry = memoryRegistry()
  return { builder: memoryBuilder(registry), registry, repository: 'registry.test/plugin' }
})
