import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const KINDS = ['OUTPUT', 'ENV', 'STATE', 'PATH', 'STEP_SUMMARY'] as const
type Kind = (typeof KINDS)[number]

/** The files by which a step tells the runner something: `GITHUB_OUTPUT` and its like. */
export interface CommandFiles {
  readonly environment: Readonly<Record<string, string>>
  /** Throws, as the runner does, when a file cannot be understood. */
  read(): Promise<CommandValues>
}

export interface CommandValues {
  readonly outputs: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly paths: readonly string[]
  readonly summary: string
}

/** docs.github.com, "Limitations of job summaries": 1 MiB per step. */
const MAX_SUMMARY_BYTES = 1024 * 1024

/** Makes the files of one step in a folder of their own. */
export async function makeCommandFiles(folder: string): Promise<CommandFiles> {
  await mkdir(folder, { recursive: true })
  const file = (kind: Kind): string => join(folder, kind.toLowerCase())
  for (const kind of KINDS) await writeFile(file(kind), '')
  return {
    environment: Object.fromEntries(KINDS.map((kind) => [`GITHUB_${kind}`, file(kind)])),
    async read() {
      const text = async (kind: Kind): Promise<string> => readFile(file(kind), 'utf8')
      if ((await stat(file('STEP_SUMMARY'))).size > MAX_SUMMARY_BYTES)
        throw new Error('$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k')
      const environment = readPairs(await text('ENV'), 'env')
      if ('NODE_OPTIONS' in environment) throw new Error("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.")
      return {
        outputs: readPairs(await text('OUTPUT'), 'output'),
        environment,
        state: readPairs(await text('STATE'), 'state'),
        paths: (await text('PATH')).split('\n').filter((line) => line !== ''),
        summary: await text('STEP_SUMMARY'),
      }
    },
  }
}

/** `name=value` and `name<<END` with lines up to END. */
function readPairs(text: string, kind: string): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = {}
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    if (line === '') continue
    const equals = line.indexOf('=')
    const marker = line.indexOf('<<')
    if (equals >= 0 && (marker < 0 || equals < marker)) {
      pairs[line.slice(0, equals)] = line.slice(equals + 1)
      continue
    }
    const end = marker < 0 ? -1 : lines.indexOf(line.slice(marker + 2), at + 1)
    if (end < 0) throw new Error(`Unable to process file command '${kind}' successfully. Invalid format '${line.slice(0, 80)}'`)
    pairs[line.slice(0, marker)] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return pairs
}
