import dockerignore from '@balena/dockerignore'

import type { TreeEntry } from '../ports/repository-tree.ts'
import { readDockerfile } from './dockerfile.ts'

export interface ContextFiles {
  /** Files of the context that the build can read, in the order of the entries. */
  readonly entries: readonly TreeEntry[]
  /** Why that is the whole context (after .dockerignore), where it is, in a few words. */
  readonly whole?: string
}

/** More stars in one pattern of .dockerignore than any real one has; matching it could take forever, so it ignores nothing. */
const MAX_STARS = 8

/**
 * The files that COPY and ADD of a Dockerfile can read, after .dockerignore. `entries` are those of the build context, their paths relative to it.
 * Where the text cannot tell (addresses, heredocs, variables, bind mounts, symbolic links), the whole context: too many files build once too often, too few would not build.
 */
export function contextFiles(dockerfileText: string, entries: readonly TreeEntry[], dockerignoreText: string | undefined): ContextFiles {
  const isKept = readDockerignore(dockerignoreText ?? '')
  const kept = entries.filter((entry) => isKept(entry.path))
  const { sources, unclear } = readDockerfile(dockerfileText)
  if (!sources) return { entries: kept, whole: unclear ?? 'unclear' }
  const patterns = sources.map(normalise)
  if (patterns.includes('')) return { entries: kept, whole: 'COPY of the whole context' }
  if (patterns.some((pattern) => pattern.includes('**'))) return { entries: kept, whole: 'COPY with **' }
  const matches = patterns.map(matcherOf)
  // A link that is a source, or leads to one, is followed by the builder.
  if (
    entries.some(
      (entry) => entry.mode === '120000' && patterns.some((pattern, at) => matches[at]?.(entry.path) === 'itself' || pattern.startsWith(`${entry.path}/`)),
    )
  ) {
    return { entries: kept, whole: 'COPY of a symbolic link' }
  }
  return { entries: kept.filter((entry) => matches.some((match) => match(entry.path) !== undefined)) }
}

/** Sources are relative to the context, whatever they look like; `..` ends at its root. */
function normalise(source: string): string {
  const parts: string[] = []
  for (const part of source.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Whether a source names a path itself, or a folder above it. Wildcards as Go's filepath.Match. */
function matcherOf(pattern: string): (path: string) => 'itself' | 'below' | undefined {
  const depth = pattern.split('/').length
  const isMatch = /[*?[\\]/.test(pattern) ? globOf(pattern) : (path: string) => path === pattern
  return (path) => {
    const parts = path.split('/')
    if (parts.length < depth || !isMatch(parts.slice(0, depth).join('/'))) return undefined
    return parts.length === depth ? 'itself' : 'below'
  }
}

function globOf(pattern: string): (path: string) => boolean {
  if (countStars(pattern) > MAX_STARS) return () => true
  const source = pattern.replaceAll(
    /\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|([*?])|([^\w/-])/g,
    (_, escaped?: string, negation?: string, set?: string, wildcard?: string, other?: string) => {
      if (wildcard !== undefined) return wildcard === '*' ? '[^/]*' : '[^/]'
      if (set !== undefined) return `[${negation ?? ''}${set.replaceAll('[', '\\[')}]`
      return `\\u{${(escaped ?? other ?? '').codePointAt(0)?.toString(16) ?? '0'}}`
    },
  )
  try {
    const expression = new RegExp(`^${source}$`, 'u')
    return (path) => expression.test(path)
  } catch {
    return () => true
  }
}

/** A filter of paths that .dockerignore keeps. A pattern that cannot be read ignores nothing. */
function readDockerignore(text: string): (path: string) => boolean {
  const rules = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  if (rules.some((rule) => countStars(rule) > MAX_STARS)) return () => true
  // The package hands these to a regular expression as they are, where Docker takes them literally.
  const escaped = rules.map((rule) => rule.replaceAll(/[+(){}|]/g, String.raw`\$&`))
  try {
    const isKept = dockerignore.default({ ignorecase: false }).add(escaped).createFilter()
    isKept('probe/of/every/pattern')
    return isKept
  } catch {
    return () => true
  }
}

function countStars(pattern: string): number {
  return pattern.split('*').length - 1
}
