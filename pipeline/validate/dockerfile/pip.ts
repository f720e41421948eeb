import type { Command } from './commands.ts'
import type { ShellWord } from './shell.ts'

/** What one `pip install` is asked for. */
export interface PipInstall<C extends Command = Command> {
  readonly command: C
  /** Packages, files and addresses, as written, without quotes. */
  readonly requirements: readonly ShellWord[]
  /** Files after `-r`. */
  readonly files: readonly ShellWord[]
  /** `--require-hashes`. */
  readonly isHashed: boolean
}

/** Options of `pip install` that take a value in the next word (pip 25 reference). */
const VALUES = new Set(
  '-c --constraint -e --editable -t --target -i --index-url --extra-index-url -f --find-links --platform --python-version --implementation --abi --root --prefix --src --upgrade-strategy --config-settings -C --global-option --install-option --no-binary --only-binary --progress-bar --root-user-action --report --python --log --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert --cache-dir --build-constraint'.split(
    ' ',
  ),
)

/** The packages that a command installs; undefined: it is no `pip install`. */
export function readPipInstall<C extends Command>(command: C): PipInstall<C> | undefined {
  const words = afterPip(command)
  if (words?.[0]?.text !== 'install') return undefined
  const [requirements, files]: [ShellWord[], ShellWord[]] = [[], []]
  let isHashed = false
  for (let index = 1; index < words.length; index++) {
    const word = words[index]
    if (word === undefined) break
    const next = words[index + 1]
    if (word.text === '-r' || word.text === '--requirement') {
      if (next !== undefined) files.push(next)
      index++
    } else if (/^(?:-r|--requirement=)./.test(word.text)) files.push({ ...word, text: word.text.replace(/^(?:-r|--requirement=)/, '') })
    else if (word.text === '--require-hashes') isHashed = true
    else if (VALUES.has(word.text)) index++
    else if (!word.text.startsWith('-')) requirements.push(word)
  }
  return { command, requirements, files, isHashed }
}

/** The words after `pip`, `pip3.8`, `python3 -m pip`, `uv pip`, without options before the first of them. */
function afterPip({ program, words }: Command): readonly ShellWord[] | undefined {
  let rest: readonly ShellWord[] | undefined
  if (/^pip(?:3(?:\.\d+)?)?$/.test(program)) rest = words
  else if (/^python(?:3(?:\.\d+)?)?$/.test(program)) {
    const module = words.findIndex(({ text }, index) => text === 'pip' && words[index - 1]?.text === '-m')
    rest = module < 0 || words.slice(0, module).some(({ text }) => !text.startsWith('-')) ? undefined : words.slice(module + 1)
  } else if (program === 'uv' && words[0]?.text === 'pip') rest = words.slice(1)
  const first = rest?.findIndex(({ text }) => !text.startsWith('-'))
  return first === undefined || first < 0 ? undefined : rest?.slice(first)
}

/** The name of the package that a requirement asks for, as PyPI compares names: `pywaggle` of `PyWaggle[all]>=0.55`. Undefined: a file or address. */
export function packageName(requirement: string): string | undefined {
  const name = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?=\s*(?:$|[[(<>=!~;@,\s]))/.exec(requirement)?.[0]
  return name === undefined || /\.(?:whl|zip|gz)$/.test(requirement) ? undefined : name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}
