import { commandsOf } from '../validate/dockerfile/commands.ts'
import type { Command } from '../validate/dockerfile/commands.ts'
import { readInstructions } from '../validate/dockerfile/instructions.ts'
import { readPipInstall } from '../validate/dockerfile/pip.ts'

/**
 * What a command of RUN does, as far as its words tell: `fetch`, `assets` and `compile` need not run on the platform that is built for, `packages` (of Node) where
 * `assets` are made of them, `tools` (of the distribution) where only those use them; `plain` is what goes along with anything.
 */
export type CommandWork = 'fetch' | 'assets' | 'compile' | 'packages' | 'tools' | 'plain' | 'pip' | 'unknown'

/** One RUN. */
export interface RunWork {
  readonly works: ReadonlySet<CommandWork>
  /** Asks for the platform's architecture, or names one. */
  readonly namesArchitecture: boolean
  /** Files after `pip install -r`. */
  readonly requirementFiles: readonly string[]
  /** pip is asked for packages by name or from files of requirements, and for nothing that lies in the image. */
  readonly isListed: boolean
}

const PLAIN = new Set(
  ' : [ [[ test true false set export cd mkdir rm mv cp ln ls touch chmod chown cat echo printf sed grep head tail sort tr cut tee find xargs date sleep tar unzip gzip gunzip xz unxz bzip2 zstd sha256sum sha512sum md5sum'.split(
    ' ',
  ),
)
const FETCHERS = new Set(['curl', 'wget', 'aria2c', 'git', 'gdown', 'hf', 'huggingface-cli'])
const DISTRIBUTIONS = new Set(['apt-get', 'apt', 'apk', 'dnf', 'microdnf', 'yum'])
const NODE = new Set(['npm', 'pnpm', 'yarn', 'bun'])
const ASSET_BUILDERS = new Set(['npx', 'tsc', 'webpack', 'vite', 'esbuild', 'rollup', 'hugo', 'mkdocs', 'sphinx-build'])
const ARCHITECTURE = /\b(?:uname|arch|dpkg --print-architecture|amd64|x86[_-]64|x64|i[36]86|arm64|aarch64|armv[67]l?|armhf)\b/

/** What a RUN does; undefined: it is none, or cannot be read from what BuildKit prints (a heredoc, of which the name has only the beginning). */
export function readRunWork(text: string): RunWork | undefined {
  if (text.includes('<<')) return undefined
  const [run] = readInstructions(text)
  if (run?.keyword !== 'RUN') return undefined
  const commands = commandsOf(run)
  const installs = commands.flatMap((command) => readPipInstall(command) ?? [])
  return {
    works: new Set(commands.length === 0 ? ['unknown'] : commands.map(workOf)),
    namesArchitecture: ARCHITECTURE.test(text),
    requirementFiles: installs.flatMap(({ files }) => files.map((file) => file.text)),
    isListed: installs.every(
      ({ command, requirements }) =>
        !command.words.some(({ text: word }) => /^(?:-e|--editable)/.test(word)) && requirements.every(({ text: word }) => !/^[./]|^file:/.test(word)),
    ),
  }
}

function workOf(command: Command): CommandWork {
  const { program, words } = command
  const [verb = ''] = words.map(({ text }) => text).filter((text) => !text.startsWith('-'))
  if (PLAIN.has(program)) return 'plain'
  if (FETCHERS.has(program)) return 'fetch'
  if (DISTRIBUTIONS.has(program)) return 'tools'
  if (ASSET_BUILDERS.has(program)) return 'assets'
  if (NODE.has(program)) return nodeWork(verb, program, words)
  if (program === 'go') return /^(?:build|install)$/.test(verb) ? 'compile' : verb === 'mod' ? 'fetch' : 'unknown'
  if (program === 'cargo') return verb === 'build' ? 'compile' : verb === 'fetch' ? 'fetch' : 'unknown'
  return readPipInstall(command) === undefined ? 'unknown' : 'pip'
}

function nodeWork(verb: string, program: string, words: Command['words']): CommandWork {
  if (verb === 'run' || verb === 'build' || verb === 'exec') return 'assets'
  const installs = /^(?:ci|i|install|add)$/.test(verb) || (verb === '' && program === 'yarn')
  if (!installs) return verb === 'config' || verb === 'cache' ? 'plain' : 'unknown'
  return words.some(({ text }) => text === '-g' || text === '--global') ? 'tools' : 'packages'
}
