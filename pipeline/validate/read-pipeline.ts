import { digestOf } from '../digest.ts'
import type { Json } from '../digest.ts'
import type { Pipeline } from '../pipeline.ts'
import type { RepositoryTree } from '../ports/repository-tree.ts'
import type { Place, Problem } from '../problem.ts'
import { directoryOf, dockerfileOf, resolveDockerfile } from './build-location.ts'
import { completePipeline } from './complete.ts'
import { rootManifest } from './find-manifests.ts'
import type { JudgeOptions } from './judge-manifest.ts'
import { judgeInRepository, missingManifest, openForJudging } from './judge-repository.ts'
import { mappingOf } from './lenient.ts'
import type { Mapping } from './lenient.ts'
import { tidyProblems } from './problem-list.ts'
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
 * Judges the manifest at the root as the Portal would send it, looks into the files around it, then completes; all problems at once.
 * Called in every run: pure but for the tree. Fails only as the tree does.
 */
export async function readPipeline(tree: RepositoryTree, options: Pick<JudgeOptions, 'user' | 'users'> = {}): Promise<PipelineReading> {
  const repository = await openForJudging(tree)
  const { subject, index, pipelineFile } = repository
  const placeOf = (path: DocumentPath): Place | undefined => pipelineFile.file?.place(path)
  const path = rootManifest(index)
  if (path === undefined) return { pipeline: undefined, placeOf, ...conclude([missingManifest(index), ...pipelineFile.problems], null) }
  const { judged, problems } = await judgeInRepository(tree, repository, path, options)
  const { manifest, facts } = judged
  if (manifest === undefined) return { pipeline: undefined, placeOf, ...conclude(problems, null) }
  const pipeline = completePipeline({
    manifest: manifest.value,
    path: manifest.file,
    user: facts.portal.user,
    sections: pipelineFile.sections,
    subject,
    tree: index,
  })
  const dockerfile = resolveDockerfile(index, directoryOf(manifest.value, subject), dockerfileOf(manifest.value))
  const inputs = {
    manifest: digestOf(JSON.stringify([manifest.file, manifest.value])),
    completed: digestOf(JSON.stringify(pipeline?.manifest ?? null)),
    pipelineFile: digestOf(JSON.stringify(pipelineFile.file === undefined ? null : dropGates(pipelineFile.file.value))),
    dockerfile: dockerfile.kind === 'file' ? dockerfile.entry.blob : null,
  }
  return { pipeline, placeOf, ...conclude(problems, inputs) }
}

function conclude(problems: readonly Problem[], inputs: Json): Pick<PipelineReading, 'problems' | 'inputs'> {
  const tidy = tidyProblems(problems)
  return { problems: tidy, inputs: { inputs, problems: digestOf(JSON.stringify(tidy)) } }
}

/** Gates are decided anew in every run, so they are in no key. */
function dropGates(pipelineFile: Mapping): Mapping {
  return { ...pipelineFile, training: { ...mappingOf(pipelineFile, 'training'), gates: null } }
}
