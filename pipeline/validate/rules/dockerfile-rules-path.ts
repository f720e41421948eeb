import { resolveTreePath } from '../../tree.ts'
import { directoryOf, dockerfileOf, resolveDockerfile } from '../build-location.ts'
import { MAX_DOCKERFILE_CHARACTERS } from '../dockerfile/dockerfile.ts'
import type { Finding, RepositoryFacts, RepositoryRule } from '../rule.ts'
import { explainPath } from '../tree-words.ts'
import { alternatives, closestWord, quote } from '../words.ts'
import { manifestFor } from './dockerfile-examples.ts'

const manifestWith = (source: string): string => manifestFor('linux/amd64', 'linux/arm64') + source

/** Where the build context and the Dockerfile are, as `source` says. */
function locate({ manifest, tree, subject }: RepositoryFacts): {
  readonly context: ReturnType<typeof resolveTreePath>
  readonly directory: string
  readonly dockerfile: string
  readonly found: ReturnType<typeof resolveTreePath>
} {
  const [directory, dockerfile] = [directoryOf(manifest.value, subject), dockerfileOf(manifest.value)]
  return { context: resolveTreePath(tree, directory), directory, dockerfile, found: resolveDockerfile(tree, directory, dockerfile) }
}

const contextIsMissing: RepositoryRule = {
  code: 'CTSS-D001',
  name: 'directory-missing',
  severity: 'error',
  title: '`source.directory` is no folder of the repository.',
  reason: 'Sage builds in that folder of a fresh clone. When it is not there the build fails, after the plugin was registered. Upper and lower case count.',
  source: 'waggle-sensor/sage-ecr 55a1a7e, jenkins_server.py L104-105.',
  example: { bad: { 'sage.yaml': manifestWith('  directory: plugin\n') }, good: { 'sage.yaml': manifestWith('') } },
  *check(facts) {
    const { context, directory } = locate(facts)
    if (context.kind === 'folder') return
    yield {
      place: facts.manifest.place(['source', 'directory']),
      ...explainPath('`source.directory`', directory, context, 'folder', withSlashes(directory) ?? suggestDirectory(facts, directory)),
    }
  },
}

function suggestDirectory({ tree }: RepositoryFacts, directory: string): string {
  const near = closestWord(tidy(directory), [...tree.folders].slice(0, 2000))
  if (near !== undefined) return `Did you mean ${quote(near)}?`
  const folders = [...new Set(dockerfilesOf(tree).map((path) => path.slice(0, Math.max(path.lastIndexOf('/'), 0))))]
  if (folders.length === 0) return 'Name a folder of the repository; without it Sage builds in the root.'
  const [below, isRoot] = [folders.filter((folder) => folder !== ''), folders.includes('')]
  return [
    isRoot ? 'A Dockerfile is in the root: leave `directory` out for that.' : '',
    below.length > 0 ? `A Dockerfile is in ${alternatives(below.map(quote))}.` : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ')
}

/** The first few. */
function dockerfilesOf({ entries }: RepositoryFacts['tree']): readonly string[] {
  return [...entries.keys()].filter((path) => /(?:^|\/)(?:[^/]*\.)?dockerfile(?:\.[^/]*)?$/i.test(path)).slice(0, 5)
}

/** For paths as Windows writes them; undefined: it is none. */
function withSlashes(path: string): string | undefined {
  return path.includes('\\') ? `Folders are separated by /: write ${quote(tidy(path.replaceAll('\\', '/')))}.` : undefined
}

/** Without parts that mean nothing: `app` of `./app//`. */
function tidy(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.length === 0 ? '.' : parts.join('/')
}

const dockerfileIsMissing: RepositoryRule = {
  code: 'CTSS-D002',
  name: 'dockerfile-missing',
  severity: 'error',
  title: 'The Dockerfile is not there.',
  reason:
    'Sage builds the plugin with the file that `source.dockerfile` names, relative to `source.directory`; without it, with `Dockerfile`. Registering succeeds without one, building does not.',
  source: 'waggle-sensor/sage-ecr 55a1a7e, jenkins_server.py L123-156; docs/api_spec.md.',
  example: { bad: { 'sage.yaml': manifestWith('  dockerfile: Dockerfile.edge\n') }, good: { 'sage.yaml': manifestWith('') } },
  *check(facts) {
    const { context, directory, dockerfile, found } = locate(facts)
    if (context.kind !== 'folder' || found.kind === 'file' || leaves(dockerfile)) return
    const hint = withSlashes(dockerfile) ?? suggestDockerfile(facts.tree, context.path, dockerfile)
    yield {
      place: facts.manifest.place(['source', 'dockerfile']),
      ...explainPath('`source.dockerfile`', tidy(`${directory}/${dockerfile}`), found, 'file', hint),
    }
  },
}

function suggestDockerfile(tree: RepositoryFacts['tree'], context: string, dockerfile: string): string {
  const others = dockerfilesOf(tree)
  if (others.length === 0) return 'Write one: https://docs.docker.com/reference/dockerfile.'
  const held = `The repository holds ${others.join(', ')}.`
  if (context === '.') return held
  const counted = `It is counted from \`source.directory\` (${quote(context)})`
  const fromRoot = resolveTreePath(tree, dockerfile)
  const isMeant = fromRoot.kind === 'file' && fromRoot.path.startsWith(`${context}/`)
  return isMeant ? `${counted}: write ${quote(fromRoot.path.slice(context.length + 1))}.` : `${counted}. ${held}`
}

const dockerfileIsOutside: RepositoryRule = {
  code: 'CTSS-D003',
  name: 'dockerfile-outside',
  severity: 'error',
  title: '`source.dockerfile` leads out of the build context.',
  reason:
    'The builder is given one folder, `source.directory`, and looks for the Dockerfile in it. It does not see what lies above, and links that lead out of the folder lead nowhere.',
  source: 'waggle-sensor/sage-ecr 55a1a7e, jenkins_server.py L142-156 (`--local context=. --local dockerfile=.`).',
  example: {
    bad: { 'sage.yaml': manifestWith('  directory: plugin\n  dockerfile: ../Dockerfile\n'), 'plugin/main.py': 'print(1)\n' },
    good: { 'sage.yaml': manifestWith('') },
  },
  *check(facts) {
    const { context, dockerfile, found } = locate(facts)
    if (context.kind !== 'folder') return
    const isInside = found.kind !== 'file' || context.path === '.' || found.path.startsWith(`${context.path}/`)
    if (isInside && !leaves(dockerfile)) return
    yield {
      place: facts.manifest.place(['source', 'dockerfile']),
      message: `\`source.dockerfile\` (${quote(dockerfile)}) leads out of the build context ${quote(context.path)}.`,
      suggestion: 'Move the Dockerfile into `source.directory`, or choose a higher directory.',
    }
  },
}

/** Whether a path begins with steps upwards, once those in its middle are taken. */
function leaves(path: string): boolean {
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '..') depth--
    else if (part !== '' && part !== '.') depth++
    if (depth < 0) return true
  }
  return false
}

const dockerfileIsTooLarge: RepositoryRule = {
  code: 'CTSS-D004',
  name: 'dockerfile-not-read',
  severity: 'hint',
  title: 'The Dockerfile was not looked into.',
  reason: `Dockerfiles of more than ${MAX_DOCKERFILE_CHARACTERS / 1024} Ki characters, and those for a frontend that is not Docker's own, are not judged by the other rules about Dockerfiles. The build is not affected.`,
  source: 'A limit of ctss, so that every answer comes within a second.',
  example: { bad: { Dockerfile: '# syntax=example.org/frontend:1\nFROM python:3.12-slim\n' } },
  *check({ dockerfile }): Iterable<Finding> {
    if (dockerfile === undefined || (!dockerfile.isTooLarge && !dockerfile.isForeign)) return
    yield {
      place: dockerfile.text.place({ start: 0, end: 0 }),
      message: dockerfile.isTooLarge
        ? 'The Dockerfile is too large to be looked into.'
        : 'The Dockerfile is for another frontend (`# syntax=`), and was not looked into.',
    }
  },
}

/** Rules about where the Dockerfile is. */
export const PATH_RULES: readonly RepositoryRule[] = [contextIsMissing, dockerfileIsMissing, dockerfileIsOutside, dockerfileIsTooLarge]
