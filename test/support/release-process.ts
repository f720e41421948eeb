/** One run of `publish` in a process of its own: `REGISTRY REPOSITORY FOLDER CONTENT`; prints the stage's result. */
import { openCatalogue } from '../../adapters/catalogue/catalogue.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { runPublish } from '../../pipeline/publish/publish.ts'
import { makePipeline } from './pipeline.ts'
import { memoryBlobs } from './memory-blobs.ts'
import { memoryTree } from './memory-tree.ts'
import { makeContext, makeStages } from './publication.ts'

const [host = '', repository = '', folder = '', content = ''] = process.argv.slice(2)
const registry = new OciRegistry()
const blobs = memoryBlobs()
const stages = await makeStages(registry, blobs, `${host}/staging/${repository}`, content)
const tree = memoryTree({ 'sage.yaml': 'name: cloud-counter\n', 'app/main.py': content })
const result = await runPublish(makeContext(tree, blobs), {
  pipeline: makePipeline(),
  ...stages,
  registry,
  catalogue: openCatalogue({ folder }),
  release: true,
  repository: `${host}/${repository}`,
})
process.stdout.write(JSON.stringify(result))
