import { digestOf } from '../digest.ts'
import type { Json } from '../digest.ts'
import type { Pipeline } from '../pipeline.ts'
import type { RepositoryTree } from '../ports/repository-tree.ts'
import type { Place, Problem } from '../problem.ts'
import { indexTree, resolveTreePath } from '../tree.ts'
import { completePipeline } from './complete.ts'
import { mappingOf, textOf } from './lenient.ts'
import type { Mapping } from './lenient.ts'
import { readManifest } from './manifest-file.ts'
import { readPipelineFile } from './pipeline-file.ts'
import { tidyProblems } from './problem-list.ts'
import { RULES } from './rules/rules.ts'
import { MAX_FILE_BYTES } from './yaml-source.ts'
import type { DocumentPath } from './yaml-source.ts'

/** What sage.yaml and ctss.yaml say, and everything that is wrong with them. */
export interface PipelineReading {
  /** Complete, also when there are errors, as long as something can be built; undefined: nothing can. */
  readonly pipeline: Pipeline | undefined
  readonly problems: readonly Problem[]
  /** What the key of `validate` is made of: both files (without gates), the Dockerfile, and all that was concluded from the rest of the tree. */
  readonly inputs: Json
  /** Where something stands in the pipeline file, for what is decided later; undefined without one. */
  placeOf(path: DocumentPath): Place | undefined
}

/**
 * Parses with positions, checks the schema, then the rules, then completes; all problems at once. Called in every run: pure but for the tree.
 * Fails only as the tree does.
 */
export async function readPipeline(tree: RepositoryTree): Promise<PipelineReading> {
  const [subject, entries] = await Promise.all([tree.subject(), tree.entries()])
  const index = indexTree(entries)
  const [{ manifest, problems }, pipelineFile] = await Promise.all([readManifest(tree, index), readPipelineFile(tree, index)])
  const placeOf = (path: DocumentPath): Place | undefined => pipelineFile.file?.place(path)
  if (manifest === undefined) return { pipeline: undefined, placeOf, ...conclude([...problems, ...pipelineFile.problems], null) }
  const dockerfilePath = pathOfDockerfile(manifest.value)
  const dockerfile = (await tree.read(dockerfilePath, MAX_FILE_BYTES))?.toString('utf8')
  const facts = { manifest, pipelineFile: pipelineFile.file, subject, tree: index, dockerfile }
  const found = RULES.flatMap((rule) => [...rule(facts)])
  const pipeline = completePipeline({ manifest: manifest.value, path: manifest.file, sections: pipelineFile.sections, subject, tree: index })
  const dockerfileEntry = resolveTreePath(index, dockerfilePath)
  const inputs = {
    manifest: digestOf(JSON.stringify([manifest.file, manifest.value])),
    completed: digestOf(JSON.stringify(pipeline?.manifest ?? null)),
    pipelineFile: digestOf(JSON.stringify(pipelineFile.file === undefined ? null : dropGates(pipelineFile.file.value))),
    dockerfile: dockerfileEntry.kind === 'file' ? dockerfileEntry.entry.blob : null,
  }
  return { pipeline, placeOf, ...conclude([...problems, ...pipelineFile.problems, ...found], inputs) }
}

function conclude(problems: readonly Problem[], inputs: Json): Pick<PipelineReading, 'problems' | 'inputs'> {
  const tidy = tidyProblems(problems)
  return { problems: tidy, inputs: { inputs, problems: digestOf(JSON.stringify(tidy)) } }
}

function pathOfDockerfile(manifest: Mapping): string {
  const source = mappingOf(manifest, 'source')
  return `${textOf(source, 'directory') || '.'}/${textOf(source, 'dockerfile') || 'Dockerfile'}`
}

/** Gates are decided anew in every run, so they are in no key. */
function dropGates(pipelineFile: Mapping): Mapping {
  return { ...pipelineFile, training: { ...mappingOf(pipelineFile, 'training'), gates: null } }
}
