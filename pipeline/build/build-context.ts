import { Failure } from '../failure.ts'
import type { Model } from '../../schemas/generated/types.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { RepositoryTree, TreeEntry } from '../ports/repository-tree.ts'
import { error } from '../problem.ts'
import type { Place, Problem } from '../problem.ts'
import type { StageContext } from '../stage.ts'
import { contextFiles } from './context-files.ts'

/** Which part of a repository is built, paths as its author wrote them. */
export interface ContextRequest {
  /** Build context inside the repository; `.` is the root. */
  readonly directory: string
  /** Relative to the directory; it may lie outside of it, inside the repository. */
  readonly dockerfile: string
  /** The file that names the two, for problems' places. */
  readonly declaredIn: string
  /** A model that is placed into the context, replacing what lies there; its path is relative to the repository's root. */
  readonly model?: { readonly path: string; readonly model: Model } | undefined
}

/** A build context that was read, and not yet written to a folder. */
export interface BuildContext {
  /** Clean path from the root; empty: the root. */
  readonly directory: string
  /** Clean path from the root. */
  readonly dockerfile: string
  readonly dockerfileText: string
  readonly dockerignoreText: string | undefined
  /** Every file of the directory, its path relative to it, with the model's in the place of what lies there. */
  readonly entries: readonly TreeEntry[]
  /** Those that the build can read. */
  readonly files: readonly TreeEntry[]
  /** Why that is the whole context, where it is. */
  readonly whole: string | undefined
  readonly model: { readonly path: string; readonly model: Model } | undefined
}

export type ContextReading = { readonly kind: 'read'; readonly context: BuildContext } | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

const DOCKERFILE_BYTES = 2 ** 20
const DOCKERIGNORE_BYTES = 65_536
const DECLARATION_BYTES = 262_144

/** Finds directory, Dockerfile and the files that the build can read; whatever is wrong with them are problems. */
export async function readBuildContext(tree: RepositoryTree, request: ContextRequest): Promise<ContextReading> {
  const entries = await tree.entries()
  const directory = cleanPath('', request.directory)
  const dockerfile = directory === undefined ? undefined : cleanPath(directory, request.dockerfile)
  const modelPath = request.model && cleanPath('', request.model.path)
  const problems = [
    ...(directory === undefined ? [await outside(tree, request, 'directory')] : checkDirectory(entries, directory, await placeOf(tree, request, 'directory'))),
    ...(directory !== undefined && dockerfile === undefined ? [await outside(tree, request, 'dockerfile')] : []),
    ...(request.model && !modelPath
      ? [
          error('model-path-outside', `model.path "${request.model.path.slice(0, 200)}" leaves the repository, or is all of it`, {
            suggestion: 'name a folder below the root of the repository',
          }),
        ]
      : []),
  ]
  if (problems.length > 0 || directory === undefined || dockerfile === undefined) return { kind: 'refused', problems }
  const text = await readDockerfileText(tree, entries, dockerfile, request)
  if (typeof text !== 'string') return { kind: 'refused', problems: [text] }
  const dockerignoreText = (await readDockerignore(tree, `${dockerfile}.dockerignore`)) ?? (await readDockerignore(tree, join(directory, '.dockerignore')))
  const model = request.model && modelPath !== undefined ? { path: modelPath, model: request.model.model } : undefined
  const inContext = below(withModel(entries, model), directory)
  const { entries: files, whole } = contextFiles(text, inContext, dockerignoreText)
  return { kind: 'read', context: { directory, dockerfile, dockerfileText: text, dockerignoreText, entries: inContext, files, whole, model } }
}

/** Whether the files of the model reach the image at all, as far as the Dockerfile tells. */
export function copiesModel({ directory, files, model }: BuildContext): boolean {
  return !model || files.some((entry) => isBelow(join(directory, entry.path), model.path))
}

/**
 * Writes the context to the stage's work folder: the files that the build can read, Dockerfile and .dockerignore, and the model's files, verified.
 * Returns the folder and the Dockerfile's path relative to it. Fails with `storage-full`, `storage-unavailable`, `storage-corrupt`.
 */
export async function writeBuildContext(
  { tree, blobs, signal }: Pick<StageContext, 'tree' | 'blobs' | 'signal'>,
  context: BuildContext,
  folder: string,
): Promise<{ readonly context: string; readonly dockerfile: string }> {
  const { directory, dockerfile, files, model } = context
  const entries = await tree.entries()
  const wanted = new Set([...files.map((entry) => join(directory, entry.path)), dockerfile, `${dockerfile}.dockerignore`, join(directory, '.dockerignore')])
  const present = entries.filter((entry) => wanted.has(entry.path) && entry.mode !== '160000' && !(model && isBelow(entry.path, model.path)))
  await tree.materialise(
    present.map((entry) => entry.path),
    folder,
    signal,
  )
  const isWritten = present.some((entry) => entry.path === dockerfile && entry.mode !== '120000')
  await writeDockerfile(blobs, context, folder, isWritten)
  for (const file of model?.model.files ?? []) await writeModelFile(blobs, file, `${folder}/${model?.path}`)
  return { context: directory === '' ? folder : `${folder}/${directory}`, dockerfile: relativeTo(directory, dockerfile) }
}

/** Paths join by forward slashes; an empty one is the root. */
export function join(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`
}

/** A Dockerfile that is a link, lies where the model goes, or asks for the stock frontend from Docker Hub (the builder has it built in), is written anew, with the same lines. */
async function writeDockerfile(blobs: BlobStore, { dockerfile, dockerfileText }: BuildContext, folder: string, isWritten: boolean): Promise<void> {
  const text = withoutStockSyntax(dockerfileText)
  if (isWritten && text === dockerfileText) return
  await blobs.getFile(await blobs.put(Buffer.from(text)), `${folder}/${dockerfile}`)
}

/** `# syntax=docker/dockerfile:1`, up to 1.12, is what BuildKit 0.18 has built in: asking Docker Hub for it only makes a build depend on the network. */
export function withoutStockSyntax(text: string): string {
  return text.replace(/^(\uFEFF?)#[ \t]*syntax[ \t]*=[ \t]*(?:docker\.io\/)?docker\/dockerfile:1(?:\.(?:\d|1[0-2])(?:\.\d+)?)?[ \t]*(?=\r?\n|$)/i, '$1#')
}

async function writeModelFile(blobs: BlobStore, { path, digest }: Model['files'][number], folder: string): Promise<void> {
  const clean = cleanPath('', path)
  if (!clean || !isSha256(digest) || !(await blobs.getFile(digest, `${folder}/${clean}`))) {
    throw new Failure('storage-corrupt', `the model's file ${path.slice(0, 200)} (${digest}) is not in the store`, { suggestion: 'train again with `--force`' })
  }
}

function isSha256(digest: string): digest is `sha256:${string}` {
  return digest.startsWith('sha256:')
}

function checkDirectory(entries: readonly TreeEntry[], directory: string, place: Place): Problem[] {
  const link = linkOn(entries, directory)
  if (link !== undefined)
    return [
      error('directory-outside', `source.directory "${directory}" goes through the symbolic link ${link}`, { place, suggestion: 'name the folder itself' }),
    ]
  if (directory !== '' && !entries.some((entry) => isBelow(entry.path, directory)))
    return [error('directory-missing', `source.directory "${directory}" is no folder of the repository`, { place })]
  return []
}

async function readDockerfileText(tree: RepositoryTree, entries: readonly TreeEntry[], dockerfile: string, request: ContextRequest): Promise<string | Problem> {
  const content = await tree.read(dockerfile, DOCKERFILE_BYTES)
  if (content && content.length <= DOCKERFILE_BYTES) return content.toString('utf8')
  const place = await placeOf(tree, request, 'dockerfile')
  if (content) return error('dockerfile-too-large', `${dockerfile} is larger than 1 MiB`, { place: { file: dockerfile } })
  const link = linkOn(entries, dockerfile)
  if (link !== undefined)
    return error('dockerfile-outside', `${dockerfile} goes through the symbolic link ${link}, which leads to no file of the repository`, {
      place,
      suggestion: 'put the Dockerfile itself there',
    })
  const others = entries.filter((entry) => /(?:^|\/)(?:[^/]*\.)?Dockerfile(?:\.[^/]*)?$/i.test(entry.path) && !/\.dockerignore$/i.test(entry.path)).slice(0, 5)
  return error('dockerfile-missing', `there is no ${dockerfile} in the repository`, {
    place,
    suggestion:
      others.length > 0
        ? `set source.dockerfile (and source.directory) to one of: ${others.map((entry) => entry.path).join(', ')}`
        : 'add a Dockerfile, or name it in source.dockerfile',
  })
}

async function outside(tree: RepositoryTree, request: ContextRequest, key: 'directory' | 'dockerfile'): Promise<Problem> {
  return error(`${key}-outside`, `source.${key} "${request[key].slice(0, 200)}" leaves the repository`, {
    place: await placeOf(tree, request, key),
    suggestion: 'name a path inside the repository',
  })
}

/** The line of the manifest that sets a key, found by its text: YAML and JSON write it alike. */
async function placeOf(tree: RepositoryTree, { declaredIn }: ContextRequest, key: string): Promise<Place> {
  const text = (await tree.read(declaredIn, DECLARATION_BYTES))?.toString('utf8') ?? ''
  const line = text.split('\n').findIndex((candidate) => new RegExp(`^[\\s{,]*["']?${key}["']?\\s*:`).test(candidate)) + 1
  return { file: declaredIn, ...(line > 0 && { line }) }
}

/** A .dockerignore that is too long counts as none here, since half of one could take out too much. */
async function readDockerignore(tree: RepositoryTree, path: string): Promise<string | undefined> {
  const content = await tree.read(path, DOCKERIGNORE_BYTES)
  return content && content.length <= DOCKERIGNORE_BYTES ? content.toString('utf8') : undefined
}

function withModel(entries: readonly TreeEntry[], model: BuildContext['model']): readonly TreeEntry[] {
  if (!model) return entries
  const placed = model.model.files.map(({ path, digest, bytes }): TreeEntry => ({ path: `${model.path}/${path}`, mode: '100644', blob: digest, bytes }))
  return [...entries.filter((entry) => !isBelow(entry.path, model.path)), ...placed]
}

function below(entries: readonly TreeEntry[], directory: string): readonly TreeEntry[] {
  if (directory === '') return entries
  return entries.filter((entry) => entry.path.startsWith(`${directory}/`)).map((entry) => ({ ...entry, path: entry.path.slice(directory.length + 1) }))
}

/** Whether a path is a folder's, or the folder itself. */
function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** The first symbolic link on the way to a path, itself included. */
function linkOn(entries: readonly TreeEntry[], path: string): string | undefined {
  return entries.find((entry) => entry.mode === '120000' && isBelow(path, entry.path))?.path
}

/** A path from a folder, without `.`, `..` and doubled slashes; undefined when it is absolute or leaves the root. */
function cleanPath(folder: string, path: string): string | undefined {
  if (path.startsWith('/') || path.includes('\0')) return undefined
  const parts: string[] = []
  for (const part of join(folder, path).split('/')) {
    if (part === '..' && parts.length === 0) return undefined
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function relativeTo(directory: string, path: string): string {
  if (directory === '') return path
  const from = directory.split('/')
  const to = path.split('/')
  const shared = from.findIndex((part, at) => part !== to[at])
  const depth = shared < 0 ? from.length : shared
  return [...from.slice(depth).map(() => '..'), ...to.slice(depth)].join('/')
}
