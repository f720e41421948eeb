import { digestOf } from '../../../pipeline/digest.ts'
import { Failure } from '../../../pipeline/failure.ts'
import type { Forge, ForgeAsset, ForgeComment, ForgeRelease, ReleaseFields } from '../../../pipeline/ports/forge.ts'

/** What a forge in memory holds, to look at and to change. */
export interface ForgeWorld {
  author: string
  /** Newest commit of each pull request. */
  readonly heads: Map<number, string>
  readonly comments: Map<number, ForgeComment[]>
  readonly tags: Map<string, string>
  readonly releases: ForgeRelease[]
  isImmutable: boolean
}

/** A world without anything in it. */
export function emptyWorld(): ForgeWorld {
  return { author: 'github-actions[bot]', heads: new Map(), comments: new Map(), tags: new Map(), releases: [], isImmutable: false }
}

let lastId = 0

/** A comment that somebody wrote. */
export function putComment(world: ForgeWorld, pullRequest: number, author: string | undefined, body: string): ForgeComment {
  const id = (lastId += 1)
  const comment = { id, author, body, url: `https://forge.invalid/pull/${pullRequest}#${id}` }
  world.comments.set(pullRequest, [...(world.comments.get(pullRequest) ?? []), comment])
  return comment
}

/** A release that somebody made; a draft, unless it says otherwise. */
export function putRelease(world: ForgeWorld, changes: Partial<ForgeRelease> & { readonly tag: string }): ForgeRelease {
  const id = (lastId += 1)
  const release: ForgeRelease = {
    id,
    title: '',
    text: '',
    isDraft: true,
    isPrerelease: false,
    isImmutable: false,
    url: `https://forge.invalid/releases/${id}`,
    uploadUrl: `https://forge.invalid/releases/${id}/assets`,
    assets: [],
    ...changes,
  }
  world.releases.push(release)
  return release
}

/** An asset as the forge shows it; whole, unless it says otherwise. */
export function makeAsset(name: string, content: string | Uint8Array, changes: Partial<ForgeAsset> = {}): ForgeAsset {
  return { id: (lastId += 1), name, bytes: Buffer.byteLength(content), digest: digestOf(content), isWhole: true, ...changes }
}

/** A forge in memory, in which everything happens at once. */
export function memoryForge(world: ForgeWorld): Forge {
  const of = (pullRequest: number): readonly ForgeComment[] => {
    if (!world.heads.has(pullRequest)) throw refused(`there is no pull request ${pullRequest}`)
    return world.comments.get(pullRequest) ?? []
  }
  const changeComment = (id: number, change: (comment: ForgeComment) => readonly ForgeComment[]): boolean => {
    const found = [...world.comments].find(([, comments]) => comments.some((comment) => comment.id === id))
    if (found === undefined) return false
    world.comments.set(
      found[0],
      found[1].flatMap((comment) => (comment.id === id ? change(comment) : [comment])),
    )
    return true
  }
  const changeRelease = (id: number, change: (release: ForgeRelease) => Partial<ForgeRelease>): ForgeRelease => {
    const index = world.releases.findIndex((release) => release.id === id)
    const release = world.releases[index]
    if (release === undefined) throw refused(`there is no release ${id}`)
    return (world.releases[index] = { ...release, ...change(release) })
  }
  const changeable = (release: ForgeRelease): ForgeRelease => {
    if (release.isImmutable) throw refused('the release is immutable')
    return release
  }
  const tag = (name: string, { commit }: ReleaseFields): void => {
    if (world.tags.has(name)) return
    if (commit === undefined) throw refused('published releases must have a valid tag')
    world.tags.set(name, commit)
  }

  return {
    author: async () => world.author,
    async pullRequest(number) {
      const head = world.heads.get(number)
      return head === undefined ? undefined : { head }
    },
    comments: async (number) => of(number),
    async createComment(number, body) {
      of(number)
      return putComment(world, number, world.author, checkLength(body))
    },
    updateComment: async (id, body) => changeComment(id, (comment) => [{ ...comment, body: checkLength(body) }]),
    async deleteComment(id) {
      changeComment(id, () => [])
    },
    tagCommit: async (name) => world.tags.get(name),
    releases: async (name) => world.releases.filter((release) => release.tag === name),
    release: async (id) => world.releases.find((release) => release.id === id),
    createDraft: async (name, { title, text, isPrerelease }) => putRelease(world, { tag: name, title, text, isPrerelease }),
    async publishRelease({ id }, fields) {
      const { title, text, isPrerelease } = fields
      changeRelease(id, (release) => {
        if (world.releases.some((other) => other.id !== id && !other.isDraft && other.tag === release.tag)) throw refused('the tag has a release')
        tag(release.tag, fields)
        return { title, text, isPrerelease, isDraft: false, isImmutable: world.isImmutable }
      })
    },
    async deleteDraft(id) {
      const index = world.releases.findIndex((release) => release.id === id && release.isDraft)
      if (index >= 0) world.releases.splice(index, 1)
    },
    async uploadAsset({ id }, name, _, content) {
      const asset = makeAsset(name, content)
      let isTaken = false
      changeRelease(id, (release) => {
        isTaken = changeable(release).assets.some((present) => present.name === name)
        return isTaken ? {} : { assets: [...release.assets, asset] }
      })
      return isTaken ? undefined : asset
    },
    async deleteAsset(id) {
      const release = world.releases.find(({ assets }) => assets.some((asset) => asset.id === id))
      if (release !== undefined) changeRelease(changeable(release).id, ({ assets }) => ({ assets: assets.filter((asset) => asset.id !== id) }))
    },
  }
}

function checkLength(body: string): string {
  if (Array.from(body).length > 65_536) throw refused('the body is too long')
  return body
}

function refused(message: string): Failure {
  return new Failure('forge-refused', message)
}

export interface Interruption {
  /** The number of the call that it hits, from 0. */
  readonly at: number
  /** `after`: the call is carried out, and only its answer is lost. */
  readonly when: 'before' | 'after'
  readonly error: Error
}

/** The same forge, one of whose calls fails. */
export function interruptedForge(forge: Forge, { at, when, error }: Interruption): Forge {
  let calls = 0
  return new Proxy(forge, {
    get(target, name: keyof Forge) {
      return async (...parameters: unknown[]): Promise<unknown> => {
        const isHit = calls === at
        calls += 1
        if (isHit && when === 'before') throw error
        const answer: unknown = await (target[name] as (...all: unknown[]) => Promise<unknown>)(...parameters)
        if (isHit) throw error
        return answer
      }
    },
  })
}
