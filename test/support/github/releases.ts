/** Releases as GitHub has them: `emulate` finds drafts by their tag, keeps no bytes of an asset, and takes two assets of one name. */
import { createHash } from 'node:crypto'
import { completeAnswer, type Route } from './openapi.ts'

/** What GitHub answers to a request that is handled here. */
export interface LocalAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface LocalRequest {
  readonly route: Route
  /** `owner/name` */
  readonly repository: string
  readonly url: URL
  readonly body: Readonly<Record<string, unknown>>
  readonly raw: Buffer
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Where the stand-in is reached, for addresses in answers. */
  readonly origin: string
  /** Who asks. */
  readonly login: string
  readonly mayWrite: boolean
  /** False: its token has no permission `workflows`. */
  readonly mayChangeWorkflows?: boolean
  /** An upload that breaks off, and leaves an asset in state `starter`. */
  readonly isHalfDone?: boolean
}

export interface StoredAsset {
  readonly id: number
  readonly name: string
  readonly contentType: string
  readonly content: Buffer
  readonly state: 'uploaded' | 'starter'
}

export interface StoredRelease {
  readonly id: number
  readonly author: string
  tag: string
  target: string
  name: string | null
  body: string | null
  draft: boolean
  prerelease: boolean
  immutable: boolean
  makeLatest: string | undefined
  readonly assets: StoredAsset[]
}

export interface ReleaseSettings {
  /** The repository's setting: a release can be changed no more once it is published. */
  immutableReleases: boolean
  /** Commits that change files of `.github/workflows`: the workflow's token may not release them when it names them. */
  readonly workflowCommits: Set<string>
  /** Whether digests are told, as GitHub does since 2025. */
  tellsDigests: boolean
}

/** The repository that releases are of. */
export interface TagStore {
  commitOf(repository: string, tag: string): Promise<string | undefined>
  create(repository: string, tag: string, target: string, login: string): Promise<boolean>
}

/** Hears what becomes of a release, as webhooks tell it. */
export type OnRelease = (request: LocalRequest, action: 'created' | 'published' | 'released' | 'prereleased' | 'edited' | 'deleted', release: unknown) => void

export type LocalRoute = readonly [pattern: RegExp, handle: (request: LocalRequest, parts: readonly string[]) => Promise<LocalAnswer> | LocalAnswer]

const NOT_FOUND: LocalAnswer = { status: 404, body: { message: 'Not Found' } }
const FORBIDDEN: LocalAnswer = { status: 403, body: { message: 'Resource not accessible by integration' } }
const MOST_ASSETS = 1000
const LONGEST_BODY = 125_000
const REPOSITORY = '/repos/([^/]+/[^/]+)'

function invalid(...errors: readonly Readonly<Record<string, string>>[]): LocalAnswer {
  return { status: 422, body: { message: 'Validation Failed', errors, documentation_url: 'https://docs.github.com/rest/releases' } }
}

/** GitHub's own renaming, as far as it was seen (travis-ci/dpl#821). */
export function renameAsset(name: string): string {
  return name
    .replace(/[^\w.-]+/g, '.')
    .replace(/\.{2,}/g, '.')
    .replace(/^\.|\.$/g, '')
}

/** The releases of all repositories of a stand-in, and the routes that lead to them. */
export function releaseStore(tags: TagStore, settings: ReleaseSettings, onRelease: OnRelease = () => undefined) {
  // Real ids passed 2^31 long ago.
  let lastId = 9_000_000_000
  const nextId = () => (lastId += 1)
  const releases = new Map<string, StoredRelease[]>()
  const of = (repository: string): StoredRelease[] => releases.get(repository) ?? releases.set(repository, []).get(repository)!
  const find = ({ repository, mayWrite }: LocalRequest, id: string): StoredRelease | undefined =>
    of(repository).find((release) => release.id === Number(id) && (!release.draft || mayWrite))
  const findAsset = (request: LocalRequest, id: string) =>
    of(request.repository)
      .flatMap((release) => release.assets.map((asset) => ({ release, asset })))
      .find(({ asset }) => asset.id === Number(id))

  const showAsset = ({ origin, repository }: LocalRequest, release: StoredRelease, asset: StoredAsset) => ({
    id: asset.id,
    name: asset.name,
    state: asset.state,
    size: asset.content.length,
    content_type: asset.contentType,
    digest: settings.tellsDigests && asset.state === 'uploaded' ? `sha256:${createHash('sha256').update(asset.content).digest('hex')}` : null,
    url: `${origin}/repos/${repository}/releases/assets/${asset.id}`,
    browser_download_url: `${origin}/${repository}/releases/download/${release.tag}/${asset.name}`,
  })
  const show = (request: LocalRequest, release: StoredRelease) => ({
    id: release.id,
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    body: release.body,
    draft: release.draft,
    prerelease: release.prerelease,
    immutable: release.immutable,
    author: { login: release.author },
    html_url: `${request.origin}/${request.repository}/releases/tag/${release.draft ? `untagged-${release.id}` : release.tag}`,
    upload_url: `${request.origin}/repos/${request.repository}/releases/${release.id}/assets{?name,label}`,
    // The list of a release's assets is asked for by itself: GitHub does not promise that all of them stand here.
    assets: release.assets.slice(0, 1).map((asset) => showAsset(request, release, asset)),
  })
  const answer = (request: LocalRequest, status: number, body: unknown, headers = {}): LocalAnswer => ({
    status,
    body: completeAnswer(request.route, status, body),
    headers,
  })
  const page = (request: LocalRequest, items: readonly unknown[]): LocalAnswer => {
    const [size, number] = [Number(request.url.searchParams.get('per_page') ?? 30), Number(request.url.searchParams.get('page') ?? 1)]
    const next = new URL(request.url)
    next.searchParams.set('page', String(number + 1))
    return answer(request, 200, items.slice((number - 1) * size, number * size), number * size < items.length ? { link: `<${next.href}>; rel="next"` } : {})
  }

  /** Undefined: it is public now. */
  const publish = async (request: LocalRequest, release: StoredRelease): Promise<LocalAnswer | undefined> => {
    if (of(request.repository).some((other) => other !== release && !other.draft && other.tag === release.tag))
      return invalid({ resource: 'Release', code: 'already_exists', field: 'tag_name' })
    if (
      release.tag.startsWith('untagged-') ||
      (!(await tags.commitOf(request.repository, release.tag)) && !(await tags.create(request.repository, release.tag, release.target, request.login)))
    )
      return invalid({ resource: 'Release', code: 'custom', message: 'Published releases must have a valid tag' })
    Object.assign(release, { draft: false, immutable: settings.immutableReleases })
    return undefined
  }
  const tell = (request: LocalRequest, release: StoredRelease, ...actions: readonly Parameters<OnRelease>[1][]): void => {
    for (const action of actions) onRelease(request, action, show(request, release))
  }
  const published = ({ prerelease }: StoredRelease): readonly Parameters<OnRelease>[1][] => ['published', prerelease ? 'prereleased' : 'released']
  const isForbiddenTarget = ({ login, mayChangeWorkflows }: LocalRequest, target: unknown): boolean =>
    (login === 'github-actions[bot]' || mayChangeWorkflows === false) && typeof target === 'string' && settings.workflowCommits.has(target)
  const change = (release: StoredRelease, body: LocalRequest['body']): void => {
    const text = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined)
    release.target = text('target_commitish') ?? release.target
    release.name = text('name') ?? release.name
    release.body = text('body') ?? release.body
    release.prerelease = body['prerelease'] === undefined ? release.prerelease : body['prerelease'] === true
    release.makeLatest = text('make_latest') ?? release.makeLatest
  }

  const create = async (request: LocalRequest): Promise<LocalAnswer> => {
    const { repository, body, login } = request
    if (isForbiddenTarget(request, body['target_commitish'])) return NOT_FOUND
    if (typeof body['body'] === 'string' && body['body'].length > LONGEST_BODY)
      return invalid({ resource: 'Release', code: 'custom', message: `body is too long (maximum is ${LONGEST_BODY} characters)` })
    const release: StoredRelease = {
      id: nextId(),
      author: login,
      tag: String(body['tag_name']),
      target: 'main',
      name: null,
      body: null,
      draft: true,
      prerelease: false,
      immutable: false,
      makeLatest: undefined,
      assets: [],
    }
    change(release, body)
    const refused = body['draft'] === true ? undefined : await publish(request, release)
    if (refused !== undefined) return refused
    of(repository).push(release)
    tell(request, release, 'created', ...(release.draft ? [] : published(release)))
    return answer(request, 201, show(request, release))
  }
  const update = async (request: LocalRequest, [, id = '']: readonly string[]): Promise<LocalAnswer> => {
    const release = find(request, id)
    if (release === undefined || isForbiddenTarget(request, request.body['target_commitish'])) return NOT_FOUND
    const { tag_name: tag, draft } = request.body
    // A draft whose change does not repeat its tag loses it (release-drafter/release-drafter#367).
    if (release.draft) release.tag = typeof tag === 'string' ? tag : `untagged-${release.id}`
    change(release, request.body)
    const wasDraft = release.draft
    const refused = release.draft && draft === false ? await publish(request, release) : undefined
    if (refused === undefined) tell(request, release, ...(wasDraft && !release.draft ? published(release) : (['edited'] as const)))
    return refused ?? answer(request, 200, show(request, release))
  }
  const upload = (request: LocalRequest, [, id = '']: readonly string[]): LocalAnswer => {
    const release = find(request, id)
    if (release === undefined) return NOT_FOUND
    if (release.immutable) return { status: 422, body: { message: 'Cannot upload assets to an immutable release.' } }
    const name = renameAsset(request.url.searchParams.get('name') ?? '')
    if (release.assets.some((asset) => asset.name === name)) return invalid({ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' })
    if (request.raw.length === 0)
      return invalid({ resource: 'ReleaseAsset', code: 'custom', field: 'size', message: 'size must be greater than or equal to 1' })
    if (release.assets.length >= MOST_ASSETS)
      return invalid({ resource: 'ReleaseAsset', code: 'custom', message: `file_count limited to ${MOST_ASSETS} assets per release` })
    const isBroken = request.isHalfDone === true
    const asset: StoredAsset = {
      id: nextId(),
      name,
      contentType: String(request.headers['content-type']),
      content: isBroken ? Buffer.alloc(0) : request.raw,
      state: isBroken ? 'starter' : 'uploaded',
    }
    release.assets.push(asset)
    return answer(request, 201, showAsset(request, release, asset))
  }
  const download = (request: LocalRequest, [, id = '']: readonly string[]): LocalAnswer => {
    const found = findAsset(request, id)
    if (found === undefined) return NOT_FOUND
    if (!String(request.headers['accept']).includes('octet-stream')) return answer(request, 200, showAsset(request, found.release, found.asset))
    return { status: 200, body: found.asset.content, headers: { 'content-type': 'application/octet-stream' } }
  }
  const removeAsset = (request: LocalRequest, [, id = '']: readonly string[]): LocalAnswer => {
    const found = findAsset(request, id)
    if (found === undefined) return NOT_FOUND
    if (found.release.immutable) return { status: 422, body: { message: 'Cannot delete asset from an immutable release.' } }
    found.release.assets.splice(found.release.assets.indexOf(found.asset), 1)
    return { status: 204 }
  }
  const remove = (request: LocalRequest, [, id = '']: readonly string[]): LocalAnswer => {
    const release = find(request, id)
    if (release === undefined) return NOT_FOUND
    of(request.repository).splice(of(request.repository).indexOf(release), 1)
    tell(request, release, 'deleted')
    return { status: 204 }
  }

  const reading = (method: string, path: string, handle: LocalRoute[1]): LocalRoute => [new RegExp(`^${method} ${REPOSITORY}${path}$`), handle]
  const writing = (method: string, path: string, handle: LocalRoute[1]): LocalRoute =>
    reading(method, path, (request, parts) => (request.mayWrite ? handle(request, parts) : FORBIDDEN))
  const visible = (request: LocalRequest): readonly StoredRelease[] => of(request.repository).filter((release) => !release.draft || request.mayWrite)
  const one = (request: LocalRequest, release: StoredRelease | undefined): LocalAnswer =>
    release === undefined ? NOT_FOUND : answer(request, 200, show(request, release))
  const routes: readonly LocalRoute[] = [
    reading('GET', '/releases', (request) =>
      page(
        request,
        visible(request)
          .toReversed()
          .map((release) => show(request, release)),
      ),
    ),
    writing('POST', '/releases', create),
    reading('GET', '/releases/tags/([^/]+)', (request, [, tag = '']) =>
      one(
        request,
        of(request.repository).find((release) => !release.draft && release.tag === decodeURIComponent(tag)),
      ),
    ),
    reading('GET', '/releases/assets/(\\d+)', download),
    writing('DELETE', '/releases/assets/(\\d+)', removeAsset),
    reading('GET', '/releases/(\\d+)', (request, [, id = '']) => one(request, find(request, id))),
    writing('PATCH', '/releases/(\\d+)', update),
    writing('DELETE', '/releases/(\\d+)', remove),
    reading('GET', '/releases/(\\d+)/assets', (request, [, id = '']) => {
      const release = find(request, id)
      return release === undefined
        ? NOT_FOUND
        : page(
            request,
            release.assets.map((asset) => showAsset(request, release, asset)),
          )
    }),
    writing('POST', '/releases/(\\d+)/assets', upload),
  ]
  /** A repository has another name now. */
  const move = (from: string, to: string): void => {
    releases.set(to, of(from))
    releases.delete(from)
  }
  return { routes, of, move, create }
}
