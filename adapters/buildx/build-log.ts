import { STEP_NAME_CHARACTERS } from '../../pipeline/build/slow-dockerfile.ts'
import { compiledPackages, watchCompilations } from '../../pipeline/build/slow-wheels.ts'
import type { Compilations } from '../../pipeline/build/slow-wheels.ts'
import type { BuildStep } from '../../schemas/generated/types.ts'

/** One vertex of BuildKit's solve: an instruction of the Dockerfile, or work around it. */
export interface LoggedStep {
  /** BuildKit's name, for instance `[2/3] RUN make`, `[internal] load metadata for docker.io/library/debian:bookworm-slim`, `exporting to image`. */
  readonly name: string
  readonly seconds: number
  readonly cached: boolean
  readonly error: string | undefined
  /** The end of what it printed, at most 16 Ki characters. */
  readonly output: string
  /** Python packages that pip compiled, the slowest first. */
  readonly compiled?: NonNullable<BuildStep['compiled']>
}

export interface BuildLogListener {
  /** A step begins that a person would recognise: one short line. */
  step(name: string): void
  /** One line of a step's output. */
  output(line: string): void
}

interface Vertex {
  name: string
  started: number | undefined
  /** Busy time: BuildKit starts and completes one vertex several times. */
  milliseconds: number
  cached: boolean
  error: string | undefined
  output: string
  partial: string
  readonly compilations: Compilations
}

const OUTPUT_CHARACTERS = 16_384
const STEP_CHARACTERS = 160
const TRAILER_CHARACTERS = 65_536
const MAX_VERTICES = 5000

/**
 * Reads what `docker buildx build --progress rawjson` prints: a stream of JSON objects (BuildKit's SolveStatus, indented by buildx before 0.14,
 * one per line since), then, on failure, the failing lines of the Dockerfile and `ERROR: …` as text.
 */
export class BuildLog {
  readonly #listener: BuildLogListener
  readonly #vertices = new Map<string, Vertex>()
  #pending: string[] = []
  #trailer = ''

  constructor(listener: BuildLogListener) {
    this.#listener = listener
  }

  /** Takes the next line of the program's standard error. */
  line(line: string): void {
    if (this.#pending.length === 0 && !line.startsWith('{')) {
      this.#trailer = `${this.#trailer}${line}\n`.slice(-TRAILER_CHARACTERS)
      return
    }
    this.#pending.push(line)
    const ends = line === '}' || (this.#pending.length === 1 && line.endsWith('}'))
    if (!ends) return
    this.#status(this.#pending.join('\n'))
    this.#pending = []
  }

  /** The text after the JSON, which tells why a build failed. */
  get trailer(): string {
    return this.#trailer + this.#pending.join('\n')
  }

  /** Every vertex that began, in the order of beginning. */
  get steps(): readonly LoggedStep[] {
    const begun = [...this.#vertices.values()].filter((vertex) => vertex.started !== undefined)
    return begun
      .toSorted((a, b) => (a.started ?? 0) - (b.started ?? 0))
      .map(({ name, milliseconds, cached, error, output, partial, compilations }) => {
        const compiled = compiledPackages(compilations)
        return { name, seconds: Math.round(milliseconds) / 1000, cached, error, output: output + partial, ...(compiled && { compiled }) }
      })
  }

  #status(text: string): void {
    const status = parseRecord(text)
    for (const vertex of recordsOf(status?.['vertexes'])) this.#vertex(vertex)
    for (const log of recordsOf(status?.['logs'])) this.#log(log)
  }

  #vertex({ digest, name, started, completed, cached, error }: Record<string, unknown>): void {
    if (typeof digest !== 'string' || typeof name !== 'string') return
    const known = this.#vertices.get(digest)
    if (!known && this.#vertices.size >= MAX_VERTICES) return
    const vertex: Vertex = known ?? {
      name,
      started: undefined,
      milliseconds: 0,
      cached: false,
      error: undefined,
      output: '',
      partial: '',
      compilations: new Map(),
    }
    this.#vertices.set(digest, vertex)
    if (typeof started === 'string' && vertex.started === undefined) {
      vertex.started = Date.parse(started)
      if (!name.startsWith('[internal]')) this.#listener.step(name.replaceAll(/\s+/g, ' ').slice(0, STEP_CHARACTERS))
    }
    if (typeof started === 'string' && typeof completed === 'string') {
      vertex.milliseconds += Math.max(0, Date.parse(completed) - Date.parse(started))
    }
    if (cached === true) vertex.cached = true
    if (typeof error === 'string' && error !== '') vertex.error = error
  }

  #log({ vertex: digest, data, timestamp }: Record<string, unknown>): void {
    const vertex = typeof digest === 'string' ? this.#vertices.get(digest) : undefined
    if (!vertex || typeof data !== 'string') return
    const lines = (vertex.partial + Buffer.from(data, 'base64').toString('utf8')).split('\n')
    vertex.partial = (lines.pop() ?? '').slice(-OUTPUT_CHARACTERS)
    const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
    for (const line of lines) {
      watchCompilations(vertex.compilations, line, at)
      this.#listener.output(line)
    }
    if (lines.length > 0) vertex.output = `${vertex.output}${lines.join('\n')}\n`.slice(-OUTPUT_CHARACTERS)
  }
}

/** The steps that a report shows: the instructions of the Dockerfile, and the export with its push. */
export function reportedSteps(steps: readonly LoggedStep[]): BuildStep[] {
  return steps
    .filter(({ name }) => !name.startsWith('[internal]') && !name.startsWith('[auth]'))
    .map(({ name, seconds, cached, compiled }) => ({ name: name.slice(0, STEP_NAME_CHARACTERS), seconds, cached, ...(compiled && { compiled }) }))
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function recordsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
