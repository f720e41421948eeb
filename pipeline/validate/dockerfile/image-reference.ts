/** An image's name in its parts. */
export interface ImageReference {
  /** `docker.io` where none is written. */
  readonly registry: string
  /** With `library/` for Docker's official images. */
  readonly repository: string
  /** Undefined: none is written, which means `latest` unless there is a digest. */
  readonly tag: string | undefined
  readonly digest: string | undefined
  /** As people write it: without `docker.io/` and `library/`, without digest. */
  readonly name: string
}

const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/

/** Reads a reference as the builder does (distribution/reference, reference.go); undefined: it is none. */
export function parseImageReference(text: string): ImageReference | undefined {
  if (text.length > 512) return undefined
  const match = /^([^@\s]+?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@([a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?$/.exec(text)
  if (match === null) return undefined
  const [, path = '', tag, digest] = match
  const [first = '', ...others] = path.split('/')
  const hasRegistry = others.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const parts = hasRegistry ? others : [first, ...others]
  if (!parts.every((part) => PART.test(part)) || (hasRegistry && !/^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/.test(first))) return undefined
  const registry = hasRegistry && first !== 'index.docker.io' ? first : 'docker.io'
  const isOfficial = registry === 'docker.io' && parts.length === 1
  const shown = parts[0] === 'library' && registry === 'docker.io' ? parts.slice(1) : parts
  return {
    registry,
    repository: isOfficial ? `library/${parts.join('/')}` : parts.join('/'),
    tag,
    digest,
    name: `${registry === 'docker.io' ? '' : `${registry}/`}${shown.join('/')}${tag === undefined ? '' : `:${tag}`}`,
  }
}
