import type { Span } from '../sage/python-value.ts'
import type { StageCommand } from './analysis.ts'
import type { Command } from './commands.ts'
import type { Instruction } from './instructions.ts'
import { readPipInstall } from './pip.ts'
import { expand } from './variables.ts'

/** A file that a build fetches from an address. */
export interface Download {
  /** With values for the variables that are known. */
  readonly url: string
  readonly span: Span
  readonly instruction: Instruction
  /** `ADD`, `curl`, `wget`, `pip`. */
  readonly tool: string
  /** A digest is compared, or the address itself names the content. */
  readonly isVerified: boolean
  /** What it fetches is run at once: `curl … | sh`. */
  readonly isRun: boolean
}

const FETCHERS = new Set(['curl', 'wget', 'aria2c', 'axel', 'gdown'])
const RUNNERS = /^(?:sh|bash|dash|ash|python[0-9.]*|perl|node)$/
const URL = /^(?:https?|ftp):\/\/[^\s"']+/

/** What ADD, curl, wget and pip fetch from addresses, in the file's order. Packages that pip or apt find by name are none. */
export function findDownloads(
  instructions: readonly Instruction[],
  commands: readonly StageCommand[],
  variables: ReadonlyMap<string, string>,
): readonly Download[] {
  const added = instructions.filter(({ keyword }) => keyword === 'ADD').flatMap((instruction) => addDownloads(instruction, variables))
  const checked = new Map<Instruction, boolean>()
  const isChecked = (instruction: Instruction): boolean => {
    const found = checked.get(instruction) ?? checksDigest(instruction)
    checked.set(instruction, found)
    return found
  }
  const run = commands.flatMap((command, index) => commandDownloads(command, commands[index + 1], isChecked))
  return [...added, ...run].toSorted((a, b) => a.span.start - b.span.start)
}

function addDownloads(instruction: Instruction, variables: ReadonlyMap<string, string>): readonly Download[] {
  const isVerified = instruction.flags.some(({ name }) => name === 'checksum')
  return instruction.words.slice(0, -1).flatMap(({ text, span }) => {
    const url = resolve(text.replaceAll(/^["']|["']$/g, ''), variables)
    return URL.test(url) && !isGit(url) ? [{ url, span, instruction, tool: 'ADD', isVerified: isVerified || isContentAddress(url), isRun: false }] : []
  })
}

function commandDownloads(command: StageCommand, next: Command | undefined, checks: (instruction: Instruction) => boolean): readonly Download[] {
  const pip = readPipInstall(command)
  const isFetcher = FETCHERS.has(command.program)
  if (!isFetcher && pip === undefined) return []
  const isChecked = isFetcher ? checks(command.instruction) : pip?.isHashed === true
  const isRun = command.next === '|' && next?.instruction === command.instruction && RUNNERS.test(next.program)
  return (isFetcher ? command.words : (pip?.requirements ?? [])).flatMap((word) => {
    const url = resolve(
      isFetcher ? word.text.replace(/^--(?:url|output-document)=/, '') : word.text.replace(/^[A-Za-z0-9._[\],-]+\s*@\s*/, ''),
      command.variables,
    )
    if (!URL.test(url) || isGit(url)) return []
    const isVerified = isChecked || isContentAddress(url)
    return [{ url, span: command.spanOf(word), instruction: command.instruction, tool: command.program, isVerified, isRun }]
  })
}

/** Known variables with their values, others as written. */
function resolve(text: string, variables: ReadonlyMap<string, string>): string {
  const expanded = expand(text, variables)
  return expanded === undefined || expanded.missing.length > 0 ? text : expanded.text
}

function isGit(url: string): boolean {
  return /\.git(?:$|[#?@])/.test(url)
}

/** The address has the content's own digest in it, or the commit that it belongs to. */
function isContentAddress(url: string): boolean {
  return /(?:^|[^0-9a-f])[0-9a-f]{40}(?:[0-9a-f]{24})?(?:[^0-9a-f]|$)/.test(url)
}

/** The same RUN compares digests or signatures. */
function checksDigest(instruction: Instruction): boolean {
  const text = [instruction.body.text, ...instruction.heredocs.map(({ content }) => content.text)].join('\n')
  return /\b(?:sha(?:1|224|256|384|512)sum|md5sum|b2sum|shasum|--checksum|--verify|gpgv?|cosign|minisign|openssl\s+dgst)\b/.test(text)
}

/** The host of an address, in lower case. */
export function hostOf(url: string): string {
  return (/^[a-z][a-z0-9+.-]*:\/\/(?:[^@/\s]*@)?([^/:?#\s]+)/i.exec(url)?.[1] ?? '').toLowerCase()
}

/** A host of the node, the machine or the local network: nothing that the internet is needed for. */
export function isLocalHost(host: string): boolean {
  return !host.includes('.') || /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|0)\.|\.(?:local|internal|svc|cluster\.local|lan)$/.test(host)
}

/** What makes a command fetch something from the internet, in a few words; undefined: nothing does, as far as one can tell. */
export function networkUse(command: Command, variables: ReadonlyMap<string, string>): string | undefined {
  const texts = command.words.map(({ text }) => text)
  const url = texts.map((text) => resolve(text, variables)).find((text) => URL.test(text))
  if (FETCHERS.has(command.program))
    return url !== undefined && !url.includes('$') && !isLocalHost(hostOf(url)) ? `${command.program} fetches ${url.slice(0, 120)}` : undefined
  if (readPipInstall(command)?.requirements.some(({ text }) => !/^[./]/.test(text)) || (readPipInstall(command)?.files.length ?? 0) > 0)
    return 'pip installs packages'
  if (command.program === 'git' && texts.some((text) => text === 'clone' || text === 'pull' || text === 'fetch')) return 'git fetches a repository'
  if (/^apt(?:-get)?$|^apk$/.test(command.program) && texts.some((text) => text === 'install' || text === 'update' || text === 'add'))
    return `${command.program} installs packages`
  if (/^(?:huggingface-cli|hf)$/.test(command.program) && texts[0] === 'download') return `${command.program} downloads a model`
  return command.program === 'sage-cli.py' && texts.includes('download') ? 'sage-cli.py downloads files' : undefined
}
