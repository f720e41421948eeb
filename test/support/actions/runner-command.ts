/** A line that GitHub's runner obeys instead of showing it. */
export interface RunnerCommand {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly value: string
}

/** actions/runner, ActionCommandManager.cs and its extensions. */
const NAMES = new Set(
  'error warning notice debug group endgroup echo add-mask add-matcher remove-matcher add-path set-env set-output save-state stop-commands'.split(' '),
)
const [BRACKETS, COLONS] = ['##[', '::']

/**
 * Reads a line of a step as the runner does (actions/runner, ActionCommand.cs): `::name properties::value`, white space before it or not; else the old form,
 * `##[name properties]value`, anywhere in the line. Undefined: the line is shown. While commands are stopped, their token is a name, too.
 */
export function readCommand(line: string, token = ''): RunnerCommand | undefined {
  // .NET counts U+0085 as white space, JavaScript does not.
  return readColons(line.replace(/^[\s\u0085]+/, ''), token) ?? readBrackets(line, token)
}

function readColons(line: string, token: string): RunnerCommand | undefined {
  const end = line.indexOf(COLONS, COLONS.length)
  if (!line.startsWith(COLONS) || end < 0) return undefined
  const unescape = (text: string): string => unescapeAll(text, { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' })
  return command(line.slice(COLONS.length, end), token, ',', unescape, unescapeAll(line.slice(end + COLONS.length), { '%0D': '\r', '%0A': '\n', '%25': '%' }))
}

function readBrackets(line: string, token: string): RunnerCommand | undefined {
  const start = line.indexOf(BRACKETS)
  const end = line.indexOf(']', start)
  if (start < 0 || end < 0) return undefined
  const unescape = (text: string): string => unescapeAll(text, { '%3B': ';', '%0D': '\r', '%0A': '\n', '%5D': ']', '%25': '%' })
  return command(line.slice(start + BRACKETS.length, end), token, ';', unescape, unescape(line.slice(end + 1)))
}

function command(head: string, token: string, separator: string, unescape: (text: string) => string, value: string): RunnerCommand | undefined {
  const [name = '', ...rest] = head.split(' ')
  if (!NAMES.has(name.toLowerCase()) && (token === '' || name.toLowerCase() !== token.toLowerCase())) return undefined
  const pairs = rest.join(' ').trim().split(separator)
  const properties = pairs
    .filter((pair) => /^[^=]+=./.test(pair))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), unescape(pair.slice(pair.indexOf('=') + 1))])
  return { name: name.toLowerCase(), properties: Object.fromEntries(properties), value }
}

function unescapeAll(text: string, codes: Readonly<Record<string, string>>): string {
  return Object.entries(codes).reduce((changed, [code, character]) => changed.replaceAll(code, character), text)
}
