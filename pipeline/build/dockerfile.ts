import { DockerfileParser } from 'dockerfile-ast'
import type { Dockerfile, Instruction, JSONInstruction } from 'dockerfile-ast'

/** What of a Dockerfile decides which files and images a build reads. */
export interface DockerfileFacts {
  /** Sources of COPY and ADD in the build context, as written, each relative to it. Undefined: they cannot be told from the text. */
  readonly sources: readonly string[] | undefined
  /** Why not, in a few words. */
  readonly unclear?: string
  /** Images of FROM, of COPY --from and of RUN --mount, as written, without stages and `scratch`. */
  readonly images: readonly string[]
  /** ARGs before the first FROM with their defaults, in order. */
  readonly globalArguments: readonly { readonly name: string; readonly value: string | undefined }[]
}

/** What one instruction reads of the context: nothing, these sources, or something that cannot be told. */
type Reading = { readonly sources: readonly string[] } | { readonly unclear: string }

const NOTHING: Reading = { sources: [] }

/** Reads a Dockerfile. A text that is no Dockerfile gives what it has; the builder is the one to complain. */
export function readDockerfile(text: string): DockerfileFacts {
  const dockerfile = DockerfileParser.parse(text)
  const instructions = dockerfile.getInstructions()
  const readings = [readSyntax(dockerfile), ...instructions.map(readInstruction)]
  const unclear = readings.find((reading) => 'unclear' in reading)?.unclear
  return {
    sources: unclear === undefined ? readings.flatMap((reading) => ('sources' in reading ? reading.sources : [])) : undefined,
    ...(unclear !== undefined && { unclear }),
    images: readImages(instructions),
    globalArguments: readGlobalArguments(dockerfile),
  }
}

/** A frontend of somebody else's may read anything. */
function readSyntax(dockerfile: Dockerfile): Reading {
  const syntax = dockerfile
    .getDirectives()
    .find((directive) => directive.getName().toLowerCase() === 'syntax')
    ?.getValue()
  return syntax === undefined || /^(?:docker\.io\/)?docker\/dockerfile(?::|@|$)/.test(syntax) ? NOTHING : { unclear: `the frontend ${syntax.slice(0, 100)}` }
}

function readInstruction(instruction: Instruction): Reading {
  const keyword = instruction.getKeyword().toUpperCase()
  if (keyword === 'ONBUILD') return { unclear: 'ONBUILD' }
  if (keyword === 'FROM') return /onbuild/.test(instruction.getArgumentsContent() ?? '') ? { unclear: 'a base image with ONBUILD' } : NOTHING
  if (!hasFlags(instruction)) return NOTHING
  if (keyword === 'COPY' || keyword === 'ADD') return readCopy(instruction, keyword)
  return keyword === 'RUN' ? readRun(instruction) : NOTHING
}

function readCopy(copy: JSONInstruction, keyword: string): Reading {
  if (flagsOf(copy).has('from')) return NOTHING
  if (copy.getArguments().some((argument) => argument.getValue().startsWith('<<'))) return { unclear: `${keyword} with a heredoc` }
  const json = readJsonWords(copy.getArgumentsContent() ?? '')
  const sources = (json ?? copy.getArguments().map((argument) => argument.getValue())).slice(0, -1)
  if (sources.some((source) => /^(?:https?:|git@|git:|ssh:)/i.test(source))) return { unclear: 'ADD with an address' }
  if (sources.some((source) => /\$/.test(source))) return { unclear: `${keyword} with a variable` }
  if (!json && sources.some((source) => /["'\\]/.test(source))) return { unclear: `${keyword} with quotes` }
  return { sources }
}

/** The words of the JSON form; undefined: it is the other one. The parser's own reading loses white space within strings. */
function readJsonWords(text: string): string[] | undefined {
  try {
    const words: unknown = JSON.parse(text)
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined
  } catch {
    return undefined
  }
}

function readRun(run: JSONInstruction): Reading {
  const binds = mountsOf(run).filter((mount) => (mount.get('type') ?? 'bind') === 'bind' && !mount.has('from'))
  return binds.length > 0 ? { unclear: 'RUN --mount=type=bind' } : NOTHING
}

function readImages(instructions: readonly Instruction[]): string[] {
  const stages = new Set<string>()
  const images: string[] = []
  const add = (image: string | undefined): void => {
    if (image !== undefined && image !== '' && image !== 'scratch' && !stages.has(image.toLowerCase()) && !/^\d+$/.test(image)) images.push(image)
  }
  for (const instruction of instructions) {
    const keyword = instruction.getKeyword().toUpperCase()
    if (keyword === 'FROM') {
      const [image, as, stage] = instruction.getArguments().map((argument) => argument.getValue())
      add(image === undefined ? undefined : unquote(image))
      if (as?.toUpperCase() === 'AS' && stage !== undefined) stages.add(stage.toLowerCase())
    } else if (hasFlags(instruction)) {
      add(flagsOf(instruction).get('from'))
      for (const mount of mountsOf(instruction)) add(mount.get('from'))
    }
  }
  return [...new Set(images)]
}

function readGlobalArguments(dockerfile: Dockerfile): { name: string; value: string | undefined }[] {
  return dockerfile
    .getInitialARGs()
    .flatMap((instruction) => instruction.getArguments().map((argument) => argument.getValue()))
    .map((text) => {
      const equals = text.indexOf('=')
      return equals < 0 ? { name: text, value: undefined } : { name: text.slice(0, equals), value: unquote(text.slice(equals + 1)) }
    })
}

function hasFlags(instruction: Instruction): instruction is JSONInstruction {
  return 'getFlags' in instruction && 'getJSONStrings' in instruction
}

function flagsOf(instruction: JSONInstruction): ReadonlyMap<string, string> {
  return new Map(instruction.getFlags().map((flag) => [flag.getName().toLowerCase(), flag.getValue() ?? '']))
}

/** `RUN --mount=type=bind,from=base,source=a`: the parts of each. */
function mountsOf(run: JSONInstruction): ReadonlyMap<string, string>[] {
  return run
    .getFlags()
    .filter((flag) => flag.getName().toLowerCase() === 'mount')
    .map(
      (flag) =>
        new Map(
          (flag.getValue() ?? '').split(',').map((part) => {
            const equals = part.indexOf('=')
            return equals < 0 ? [part, ''] : [part.slice(0, equals).toLowerCase(), part.slice(equals + 1)]
          }),
        ),
    )
}

function unquote(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text
}
