import type { Subject } from '../../schemas/generated/types.ts'
import type { RepositoryTree } from '../ports/repository-tree.ts'
import type { Problem } from '../problem.ts'
import { normaliseRepositoryUrl } from '../repository-url.ts'
import { indexTree, resolveTreePath } from '../tree.ts'
import type { TreeIndex } from '../tree.ts'
import { directoryOf, dockerfileOf, resolveDockerfile } from './build-location.ts'
import { MANIFEST_FILES, findManifests } from './find-manifests.ts'
import { judgeManifest } from './judge-manifest.ts'
import type { JudgeOptions, JudgedManifest, Verdict } from './judge-manifest.ts'
import { readPipelineFile } from './pipeline-file.ts'
import type { PipelineFileReading } from './pipeline-file.ts'
import { tidyProblems } from './problem-list.ts'
import { problemOf } from './rule.ts'
import type { ManifestFile, RepositoryFacts } from './rule.ts'
import { MANIFEST_UNREADABLE, NO_MANIFEST } from './rules/reading-rules.ts'
import { pipelineFileProblems } from './rules/pipeline-file-rules.ts'
import { textFile } from './text-file.ts'
import type { TextFile } from './text-file.ts'
import { explainPath } from './tree-words.ts'
import { closestWord } from './words.ts'
import { MAX_FILE_BYTES } from './yaml-source.ts'

/** What is said about one manifest. */
export interface ManifestReport {
  /** Inside the repository, or as it was given. */
  readonly path: string
  readonly verdict: Verdict
  /** Errors first, at most 100 (or as many as were asked for) and a count of the rest. */
  readonly problems: readonly Problem[]
}

/** Judges a file alone: nothing is known of its repository but what the options say. Never throws. */
export function validateManifestText(path: string, content: Uint8Array, options: JudgeOptions = {}): ManifestReport {
  const { verdict, problems } = judgeManifest(path, content, options)
  return { path, verdict, problems: tidyProblems(problems, options.limit) }
}

/** Judges every manifest of a repository, each with the files that belong to it; the pipeline file goes with the root's. Fails only as the tree does. */
export async function validateRepository(tree: RepositoryTree, options: JudgeOptions = {}): Promise<readonly ManifestReport[]> {
  const repository = await openForJudging(tree)
  const paths = await findManifests(tree, repository.index)
  if (paths.length === 0) {
    const problems = tidyProblems([missingManifest(repository.index), ...repository.pipelineFile.problems])
    return [{ path: 'sage.yaml', verdict: { portal: 'refused', submitted: 'refused' }, problems }]
  }
  const reports: ManifestReport[] = []
  for (const path of paths) {
    const { judged, problems } = await judgeInRepository(tree, repository, path, options)
    reports.push({ path, verdict: judged.verdict, problems: tidyProblems(problems, options.limit) })
  }
  return reports
}

/** What every manifest of a repository is judged with. */
export interface OpenedRepository {
  readonly subject: Subject
  readonly index: TreeIndex
  readonly pipelineFile: PipelineFileReading
}

/** Reads what is the same for all manifests of a repository. */
export async function openForJudging(tree: RepositoryTree): Promise<OpenedRepository> {
  const [subject, entries] = await Promise.all([tree.subject(), tree.entries()])
  const index = indexTree(entries)
  return { subject, index, pipelineFile: await readPipelineFile(tree, index) }
}

/** A repository without any manifest. */
export function missingManifest(index: TreeIndex): Problem {
  const meant = [...index.entries.keys()].filter((path) => !path.includes('/')).find((path) => closestWord(path, MANIFEST_FILES) !== undefined)
  const suggestion =
    meant === undefined
      ? 'Write one (`ctss init` makes a plugin with all its files); for a trial without one, `ctss test FOLDER` needs only a Dockerfile.'
      : `Rename ${meant} to sage.yaml.`
  return problemOf(NO_MANIFEST, { place: { file: 'sage.yaml' }, message: 'There is no sage.yaml in the repository.', suggestion })
}

/** One manifest with the files that belong to it: its own problems, the pipeline file's where it is the root's, and those of both together. */
export async function judgeInRepository(
  tree: RepositoryTree,
  { subject, index, pipelineFile }: OpenedRepository,
  path: string,
  options: JudgeOptions,
): Promise<{ readonly judged: JudgedManifest; readonly problems: readonly Problem[] }> {
  const known = withSubject(options, subject)
  const found = resolveTreePath(index, path)
  const content = found.kind === 'file' ? await tree.read(path, MAX_FILE_BYTES) : undefined
  if (content === undefined) {
    const judged = judgeManifest(path, Buffer.alloc(0), known)
    const problem = problemOf(MANIFEST_UNREADABLE, { place: { file: path }, ...explainPath('The manifest', path, found, 'file') })
    return { judged: { ...judged, problems: [problem], manifest: undefined }, problems: [problem] }
  }
  const judged = withoutOverwriting(judgeManifest(path, content, known), index)
  const isRoot = !path.includes('/')
  const own = isRoot ? pipelineFile.problems : []
  if (judged.manifest === undefined) return { judged, problems: [...judged.problems, ...own] }
  const facts: RepositoryFacts = {
    manifest: judged.manifest,
    ...judged.facts,
    pipelineFile: isRoot ? pipelineFile.file : undefined,
    subject,
    tree: index,
    ...(await readSources(tree, index, judged.manifest, subject)),
  }
  const { REPOSITORY_RULE_LIST } = await import('./rules/repository-rule-list.ts')
  const noticed = REPOSITORY_RULE_LIST.flatMap((rule) => [...rule.check(facts)].map((finding) => problemOf(rule, finding)))
  const crossed = noticed.map((problem) => (judged.isConverted && problem.fix?.edits.some(({ file }) => file === path) ? withoutFix(problem) : problem))
  return { judged, problems: [...judged.problems, ...own, ...crossed, ...pipelineFileProblems(facts)] }
}

/** A fix that writes a new file beside the manifest is none where that file is there already. */
function withoutOverwriting(judged: JudgedManifest, index: TreeIndex): JudgedManifest {
  const isFree = (problem: Problem): boolean =>
    problem.fix === undefined || problem.fix.edits.every(({ file }) => file === problem.place?.file || resolveTreePath(index, file).kind === 'missing')
  return { ...judged, problems: judged.problems.map((problem) => (isFree(problem) ? problem : withoutFix(problem))) }
}

function withoutFix({ fix: _fix, ...problem }: Problem): Problem {
  return problem
}

/** What the repository says of itself, unless somebody said otherwise. */
function withSubject(options: JudgeOptions, { repository, branch, described }: Subject): JudgeOptions {
  const url = normaliseRepositoryUrl(repository)
  return { ...(url !== undefined && { repository: url }), ...(branch !== undefined && { branch }), ...(described !== undefined && { described }), ...options }
}

const MAX_MODULES = 200
/** A clone's worth of code that somebody wrote; larger trees are others' packages. */
const MAX_SOURCE_BYTES = 4 * 2 ** 20
const FOREIGN_CODE = /(?:^|\/)(?:node_modules|site-packages|\.?venv|__pycache__|third_party|vendor)\//
const TEXTS = /(?:^|\/)(?:requirements[^/]*\.txt|requirements\/[^/]*\.txt|pyproject\.toml|setup\.(?:py|cfg)|\.dockerignore)$/
const METADATA = /^ecr-meta\/[^/]+$/

/** The files that rules look into. Everything is bounded: what is left out is simply not judged. */
async function readSources(
  tree: RepositoryTree,
  index: TreeIndex,
  manifest: ManifestFile,
  subject: Subject,
): Promise<Pick<RepositoryFacts, 'dockerfile' | 'modules' | 'texts' | 'metadataFiles'>> {
  const context = resolveTreePath(index, directoryOf(manifest.value, subject))
  const folder = context.kind === 'folder' && context.path !== '.' ? `${context.path}/` : ''
  const text = async (path: string): Promise<TextFile | undefined> => {
    const content = await tree.read(path, MAX_FILE_BYTES)
    return content === undefined || content.length > MAX_FILE_BYTES ? undefined : textFile(path, content.toString('utf8'))
  }
  let budget = MAX_SOURCE_BYTES
  const affordable = [...index.entries.values()].filter(({ path, bytes, mode }) => {
    if (!path.startsWith(folder) || !mode.startsWith('100') || FOREIGN_CODE.test(path) || bytes > MAX_FILE_BYTES || !(path.endsWith('.py') || TEXTS.test(path)))
      return false
    budget -= bytes
    return budget >= 0
  })
  const dockerfilePath = resolveDockerfile(index, directoryOf(manifest.value, subject), dockerfileOf(manifest.value))
  const dockerfileText = dockerfilePath.kind === 'file' ? await text(dockerfilePath.path) : undefined
  const modulePaths = affordable.filter(({ path }) => path.endsWith('.py') && !TEXTS.test(path)).slice(0, MAX_MODULES)
  const texts = new Map<string, TextFile>()
  for (const { path } of affordable.filter((entry) => TEXTS.test(entry.path))) {
    const found = await text(path)
    if (found !== undefined) texts.set(path, found)
  }
  const metadataFiles = new Map<string, Uint8Array>()
  for (const path of [...index.entries.keys()].filter((name) => METADATA.test(name)).slice(0, 32)) {
    const content = await tree.read(path, MAX_FILE_BYTES)
    if (content !== undefined) metadataFiles.set(path, content)
  }
  return {
    dockerfile: await parseIfThere(dockerfileText),
    modules: await readModules(
      modulePaths.map(({ path }) => path),
      text,
    ),
    texts,
    metadataFiles,
  }
}

/** Parsers are loaded when there is something to parse: a manifest alone is judged without them. */
async function parseIfThere(dockerfile: TextFile | undefined): Promise<RepositoryFacts['dockerfile']> {
  return dockerfile === undefined ? undefined : (await import('./dockerfile/dockerfile.ts')).parseDockerfile(dockerfile)
}

async function readModules(paths: readonly string[], text: (path: string) => Promise<TextFile | undefined>): Promise<RepositoryFacts['modules']> {
  if (paths.length === 0) return []
  const { readPythonModule } = await import('./python/module.ts')
  const files = await Promise.all(paths.map(text))
  return files.flatMap((file) => (file === undefined ? [] : [readPythonModule(file)]))
}
