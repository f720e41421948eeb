import { analyse } from '../dockerfile/analysis.ts'
import { sourceStages } from '../dockerfile/build.ts'
import type { Dockerfile } from '../dockerfile/dockerfile.ts'
import { flawOf } from '../dockerfile/instruction-flaws.ts'
import { parseImageReference } from '../dockerfile/image-reference.ts'
import type { RepositoryRule } from '../rule.ts'
import { closestWord, quote } from '../words.ts'

const HEAD = 'FROM python:3.12-slim\n'

/** command.go of BuildKit's dockerfile package. */
const KEYWORDS = 'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(' ')

const SOURCE = 'moby/buildkit, frontend/dockerfile'

const hasNoStage: RepositoryRule = {
  code: 'CTSS-D010',
  name: 'no-from',
  severity: 'error',
  title: 'The Dockerfile has no FROM.',
  reason: 'Every image is built on another, or on `scratch`. A Dockerfile that is empty, or has no FROM, cannot be built.',
  source: `${SOURCE}/parser/parser.go ("file with no instructions") and dockerfile2llb/convert.go ("dockerfile contains no stages to build").`,
  example: { bad: { Dockerfile: '# To be written\n' }, good: { Dockerfile: `${HEAD}ENTRYPOINT ["python3"]\n` } },
  *check({ dockerfile }) {
    if (dockerfile === undefined || dockerfile.isTooLarge || dockerfile.isForeign || dockerfile.stages.length > 0) return
    const isEmpty = dockerfile.instructions.length === 0
    yield {
      place: dockerfile.text.place({ start: 0, end: 0 }),
      message: isEmpty ? 'The Dockerfile is empty.' : 'The Dockerfile has no FROM.',
      suggestion: 'Begin with the image that the plugin is built on, for instance FROM python:3.12-slim.',
    }
  },
}

const isUnknown: RepositoryRule = {
  code: 'CTSS-D011',
  name: 'unknown-instruction',
  severity: 'error',
  title: 'A line begins with a word that is no instruction.',
  reason: 'The builder stops at the first instruction that it does not know. Often a `\\` is missing at the end of the line before.',
  source: `${SOURCE}/instructions/parse.go, UnknownInstructionError; https://docs.docker.com/reference/dockerfile.`,
  example: { bad: { Dockerfile: `${HEAD}RUNN pip install numpy\n` }, good: { Dockerfile: `${HEAD}RUN pip install numpy\n` } },
  *check({ dockerfile }) {
    if (dockerfile === undefined || dockerfile.isForeign) return
    const guesses = new Map<string, string | undefined>()
    for (const instruction of dockerfile.instructions) {
      const { keyword, keywordSpan } = instruction
      // A lone sign of continuation is an empty line to the builder.
      if (KEYWORDS.includes(keyword) || keyword === '\\' || keyword === '`') continue
      const meant = guesses.has(keyword) ? guesses.get(keyword) : closestWord(keyword, KEYWORDS)
      guesses.set(keyword, meant)
      yield {
        place: dockerfile.text.place(keywordSpan),
        message: `${quote(keyword)} is no instruction of a Dockerfile.`,
        suggestion: meant === undefined ? 'If it belongs to the line before, end that line with \\.' : `Did you mean ${meant}?`,
        ...(meant !== undefined && { fix: { title: `write ${meant}`, safe: true, edits: [dockerfile.text.replace(keywordSpan, meant)] } }),
      }
    }
  },
}

const isBeforeFrom: RepositoryRule = {
  code: 'CTSS-D012',
  name: 'instruction-before-from',
  severity: 'error',
  title: 'An instruction stands before the first FROM.',
  reason: 'Only ARG may stand before FROM: there is no image yet that another instruction could change.',
  source: `${SOURCE}/instructions/parse.go, CurrentStage ("no build stage in current context").`,
  example: { bad: { Dockerfile: `WORKDIR /app\n${HEAD}` }, good: { Dockerfile: `${HEAD}WORKDIR /app\n` } },
  *check({ dockerfile }) {
    if (dockerfile === undefined || dockerfile.isForeign || dockerfile.stages.length === 0) return
    const first = dockerfile.instructions.findIndex(({ keyword }) => keyword === 'FROM')
    for (const { keyword, keywordSpan } of dockerfile.instructions.slice(0, first)) {
      if (keyword === 'ARG' || !KEYWORDS.includes(keyword)) continue
      yield { place: dockerfile.text.place(keywordSpan), message: `${keyword} stands before the first FROM.`, suggestion: 'Move it behind FROM.' }
    }
  },
}

const isMalformed: RepositoryRule = {
  code: 'CTSS-D013',
  name: 'malformed-instruction',
  severity: 'error',
  title: 'An instruction is not written as the builder demands.',
  reason:
    'FROM takes one image and perhaps AS with a name, COPY and ADD at least one source and a target, ENV names with values, and so on. The build stops there.',
  source: `${SOURCE}/instructions/parse.go, parser/line_parsers.go and parser/parser.go ("unterminated heredoc"; lines of at most 65,535 bytes).`,
  example: { bad: { Dockerfile: `${HEAD}COPY main.py\n` }, good: { Dockerfile: `${HEAD}COPY main.py /app/\n` } },
  *check({ dockerfile }) {
    if (dockerfile === undefined || dockerfile.isForeign) return
    for (const instruction of dockerfile.instructions) {
      const flaw = flawOf(instruction)
      if (flaw === undefined) continue
      const { message, span = instruction.keywordSpan, suggestion } = flaw
      yield { place: dockerfile.text.place(span), message, ...(suggestion !== undefined && { suggestion }) }
    }
    const long = longLine(dockerfile)
    if (long !== undefined)
      yield { place: dockerfile.text.place({ start: long, end: long }), message: 'The line has more than 65,535 bytes, which the builder does not read.' }
  },
}

function longLine({ text: { text } }: Dockerfile): number | undefined {
  let start = 0
  for (const line of text.split('\n')) {
    if (line.length > 21_000 && Buffer.byteLength(line) + 1 > 65_535) return start
    start += line.length + 1
  }
  return undefined
}

const fromIsIncomplete: RepositoryRule = {
  code: 'CTSS-D014',
  name: 'from-without-value',
  severity: 'error',
  title: 'FROM uses a variable that has no value in Sage’s build.',
  reason:
    "FROM sees only ARGs that stand before the first FROM. Sage's ECR passes no build arguments: `source.build_args` is stored and not used since 2023-02. Without a default the variable is empty, and the image has no name, or a wrong one.",
  source: `${SOURCE}/dockerfile2llb/convert.go ("base name should not be blank"); waggle-sensor/sage-ecr 55a1a7e, jenkins_server.py L58-66, L123-156.`,
  example: { bad: { Dockerfile: 'ARG VERSION\nFROM python:${VERSION}\n' }, good: { Dockerfile: 'ARG VERSION=3.12-slim\nFROM python:${VERSION}\n' } },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { stage, image, missing } of analysis.build.stages) {
      if (image === undefined || missing.length === 0 || stage.base === undefined || isImage(image)) continue
      const names = missing.filter((name) => !name.startsWith('BUILD'))
      if (names.length === 0) continue
      yield {
        place: analysis.dockerfile.text.place(stage.base.span),
        message: `${names.join(', ')} has no value in FROM ${quote(stage.base.text)}: Sage's builder passes no build arguments.`,
        suggestion: `Give it a default before the first FROM: ARG ${names[0]}=…`,
      }
    }
  },
}

function isImage(text: string): boolean {
  return text === 'scratch' || parseImageReference(text) !== undefined
}

const baseIsNoImage: RepositoryRule = {
  code: 'CTSS-D016',
  name: 'from-not-an-image',
  severity: 'error',
  title: 'FROM names something that no image can be called.',
  reason:
    'Names of images are in small letters, with digits, and single signs between them; a tag follows after a colon. The builder stops at anything else ("invalid reference format").',
  source: 'distribution/reference, reference.go; OCI distribution specification 1.1, "Pulling manifests".',
  example: { bad: { Dockerfile: 'FROM Python:3.12-slim\n' }, good: { Dockerfile: 'FROM python:3.12-slim\n' } },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { stage, image, missing } of analysis.build.stages) {
      if (image === undefined || missing.length > 0 || stage.base === undefined || isImage(image)) continue
      const small = stage.base.text.toLowerCase()
      yield {
        place: analysis.dockerfile.text.place(stage.base.span),
        message: `${quote(image)} cannot be the name of an image.`,
        ...(!small.includes('$') &&
          parseImageReference(small) !== undefined && {
            suggestion: `Write ${small}.`,
            fix: { title: `write ${small}`, safe: true, edits: [analysis.dockerfile.text.replace(stage.base.span, small)] },
          }),
      }
    }
  },
}

const stageIsUnknown: RepositoryRule = {
  code: 'CTSS-D015',
  name: 'unknown-stage',
  severity: 'error',
  title: '`COPY --from` names a stage that is not there.',
  reason: 'A number must be that of a stage before this one. A name that no stage has is taken to be an image of Docker Hub, which is seldom meant.',
  source: `${SOURCE}/dockerfile2llb/convert.go ("invalid from flag value").`,
  example: {
    bad: { Dockerfile: `FROM python:3.12-slim AS builder\nRUN touch /model\n${HEAD}COPY --from=bulider /model /model\n` },
    good: { Dockerfile: `FROM python:3.12-slim AS builder\nRUN touch /model\n${HEAD}COPY --from=builder /model /model\n` },
  },
  *check({ dockerfile }) {
    if (dockerfile === undefined || dockerfile.isForeign) return
    for (const stage of dockerfile.stages) {
      const names = dockerfile.stages.slice(0, stage.index).flatMap(({ alias }) => (alias === undefined ? [] : [alias]))
      for (const instruction of stage.instructions) {
        for (const { text, flag } of sourceStages(instruction)) {
          if (names.includes(text.toLowerCase()) || text === '' || text.includes('$')) continue
          const isOwn = text.toLowerCase() === stage.alias
          const isNumber = /^\d+$/.test(text)
          const meant = /[/:.@]/.test(text) || isNumber || isOwn ? undefined : closestWord(text, names)
          if (isNumber ? Number(text) < stage.index : !isOwn && meant === undefined && parseImageReference(text) !== undefined) continue
          const span = instruction.flags.find(({ name }) => name === flag)?.span ?? instruction.keywordSpan
          yield {
            place: dockerfile.text.place(span),
            message: isOwn ? `Stage ${quote(text)} takes files from itself.` : `There is no stage ${quote(text)} before this one.`,
            ...(meant !== undefined && { suggestion: `Did you mean ${quote(meant)}?` }),
          }
        }
      }
    }
  },
}

/** Rules about what the builder refuses to read. */
export const SYNTAX_RULES: readonly RepositoryRule[] = [hasNoStage, isUnknown, isBeforeFrom, isMalformed, fromIsIncomplete, stageIsUnknown, baseIsNoImage]
