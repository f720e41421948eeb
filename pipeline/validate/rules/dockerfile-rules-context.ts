import { resolveTreePath } from '../../tree.ts'
import { analyse } from '../dockerfile/analysis.ts'
import { MAX_DOCKERFILE_CHARACTERS } from '../dockerfile/dockerfile.ts'
import { ignoringLine } from '../dockerfile/ignore-file.ts'
import type { Instruction } from '../dockerfile/instructions.ts'
import type { Word } from '../dockerfile/mapped-text.ts'
import { expand } from '../dockerfile/variables.ts'
import { mappingOf, textOf } from '../lenient.ts'
import type { RepositoryFacts, RepositoryRule } from '../rule.ts'
import { closestWord, quote } from '../words.ts'

const HEAD = 'FROM python:3.12-slim\nWORKDIR /app\n'
const TAIL = 'ENTRYPOINT ["python3", "/app/main.py"]\n'

/** A file or folder that COPY or ADD takes from the build context. */
interface Source {
  readonly word: Word
  readonly instruction: Instruction
  /** In the context, without `..` and slashes at its ends: the builder goes no higher than the context. */
  readonly path: string
}

/** No Dockerfile of a person has more; the rest is not judged. */
const MAX_SOURCES = 1000
/** Of all sources together, with values in place of variables: as many as a Dockerfile may have. */
const MAX_SOURCE_CHARACTERS = MAX_DOCKERFILE_CHARACTERS

/** Sources whose path can be told, of stages that take part. Wildcards that match nothing are no error to the builder. */
function* contextSources(facts: RepositoryFacts): Generator<Source> {
  const analysis = analyse(facts)
  let [count, characters] = [0, 0]
  for (const built of analysis?.build.stages ?? []) {
    const copies = built.stage.instructions.filter(
      ({ keyword, flags }) => (keyword === 'COPY' || keyword === 'ADD') && !flags.some(({ name }) => name === 'from'),
    )
    if (analysis === undefined || copies.length === 0) continue
    const variables = analysis.variablesOf(built)
    for (const instruction of copies) {
      for (const word of instruction.words.slice(0, -1)) {
        if (/[*?[\]"'\\]|^<<|^[a-z+]+:\/\/|^git@/i.test(word.text)) continue
        const expanded = expand(word.text, variables)
        if (expanded === undefined || expanded.missing.length > 0) continue
        characters += expanded.text.length
        if (++count > MAX_SOURCES || characters > MAX_SOURCE_CHARACTERS) return
        yield { word, instruction, path: clamp(expanded.text) }
      }
    }
  }
}

function clamp(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

const sourceIsMissing: RepositoryRule = {
  code: 'CTSS-D060',
  name: 'copy-source-missing',
  severity: 'error',
  title: 'COPY or ADD names a file that the repository does not have.',
  reason:
    'Sage builds from a fresh clone: files that were never committed, or that `.gitignore` leaves out, are not there, and the build fails. Paths are relative to `source.directory`, not to the Dockerfile; upper and lower case count. Models that the pipeline trains and puts there are known.',
  source: 'https://docs.docker.com/reference/dockerfile/#copy; moby/buildkit ("failed to calculate checksum … not found").',
  example: {
    bad: { Dockerfile: `${HEAD}COPY Main.py ./\n${TAIL}` },
    good: { Dockerfile: `${HEAD}COPY main.py ./\n${TAIL}` },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis?.context === undefined) return
    const model = modelPath(facts)
    let count = 0
    for (const { word, instruction, path } of contextSources(facts)) {
      const whole = `${analysis.context}${path}`
      if (resolveTreePath(facts.tree, whole).kind !== 'missing' || isBroughtBy(model, path) || isBroughtBy(model, whole)) continue
      const target = facts.tree.entries.get(whole)?.target
      if (target !== undefined) {
        yield {
          place: analysis.dockerfile.text.place(word.span),
          message: `${quote(path)} is a symbolic link to ${quote(target)}, which is not in the repository: it leads nowhere.`,
          suggestion: 'Commit what it leads to, or copy a file that is there.',
        }
        continue
      }
      // Looking for a better one goes through the whole tree.
      const meant = count++ < MAX_GUESSES ? closestPath(facts, whole)?.slice(analysis.context.length) : undefined
      const isCase = meant?.toLowerCase() === path.toLowerCase() && !Array.isArray(instruction.json) && word.text.endsWith(path)
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message: `There is no ${quote(path)} in the build context${analysis.context === '' ? '' : ` ${quote(analysis.context)}`}.`,
        suggestion: meant === undefined ? 'Commit it, or copy what is there.' : `Did you mean ${quote(meant)}?`,
        ...(isCase &&
          meant !== undefined && {
            fix: {
              title: `write ${meant}`,
              safe: true,
              edits: [analysis.dockerfile.text.replace(word.span, word.text.slice(0, word.text.length - path.length) + meant)],
            },
          }),
      }
    }
  },
}

const MAX_GUESSES = 20

/** `model.path` of the pipeline file: what training leaves is put there before the build. */
function modelPath({ pipelineFile }: RepositoryFacts): string {
  return clamp(textOf(mappingOf(pipelineFile?.value, 'model'), 'path'))
}

function isBroughtBy(model: string, path: string): boolean {
  return model !== '' && (path === model || path.startsWith(`${model}/`) || model.startsWith(`${path}/`))
}

/** A path of the same folder with almost the same name; the same but for its case above all. */
function closestPath({ tree }: RepositoryFacts, path: string): string | undefined {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const siblings = [...tree.entries.keys(), ...tree.folders]
    .filter((entry) => entry.startsWith(folder) && !entry.slice(folder.length).includes('/'))
    .slice(0, 500)
  return siblings.find((entry) => entry.toLowerCase() === path.toLowerCase()) ?? closestWord(path, siblings)
}

const sourceIsIgnored: RepositoryRule = {
  code: 'CTSS-D061',
  name: 'copy-source-ignored',
  severity: 'error',
  title: 'COPY or ADD names a file that `.dockerignore` leaves out.',
  reason: 'What `.dockerignore` names is not handed to the builder. COPY does not find it, and the build fails.',
  source: 'https://docs.docker.com/reference/build-checks/copy-ignored-file; moby/patternmatcher.',
  example: {
    bad: { Dockerfile: `${HEAD}COPY main.py ./\n${TAIL}`, '.dockerignore': 'main.py\n' },
    good: { Dockerfile: `${HEAD}COPY main.py ./\n${TAIL}`, '.dockerignore': '.git\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis?.context === undefined) return
    const ignore = facts.texts.get(`${analysis.context}.dockerignore`)
    // A Dockerfile's own list takes the place of the context's.
    if (ignore === undefined || facts.tree.entries.has(`${analysis.dockerfile.text.file}.dockerignore`)) return
    for (const { word, path } of contextSources(facts)) {
      const line = path === '' ? undefined : ignoringLine(ignore, path)
      if (line === undefined) continue
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message: `${quote(path)} is left out by ${ignore.file}:${line.line} (${quote(line.pattern)}).`,
        suggestion: 'Take that line out of .dockerignore.',
      }
    }
  },
}

/** Rules about what a build takes from the repository. */
export const CONTEXT_RULES: readonly RepositoryRule[] = [sourceIsMissing, sourceIsIgnored]
