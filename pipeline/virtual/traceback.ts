const TRACEBACK = 'Traceback (most recent call last):'
const DETAIL_CHARACTERS = 8000

/** The last Python traceback of a log with the line that names the error; of standard error first. Undefined when there is none. */
export function lastTraceback({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string | undefined {
  return tracebackOf(stderr) ?? tracebackOf(stdout)
}

function tracebackOf(log: string): string | undefined {
  const parts = log.split(TRACEBACK)
  // A chain ("During handling of the above exception…") belongs together: its cause comes first.
  let first = parts.length - 1
  while (first > 1 && isChained(parts[first - 1] ?? '')) first -= 1
  if (first === 0) return undefined
  const lines = `${TRACEBACK}${parts.slice(first).join(TRACEBACK)}`.split('\n')
  return lines.slice(0, endOfTraceback(lines)).join('\n').trimEnd().slice(-DETAIL_CHARACTERS)
}

function isChained(part: string): boolean {
  return /\n(?:During handling of the above exception, another exception occurred:|The above exception was the direct cause of the following exception:)\s*$/.test(
    part,
  )
}

/** After the last indented line comes the error's own message, which may have several lines; other output ends it at an empty line. */
function endOfTraceback(lines: readonly string[]): number {
  const lastHead = lines.findLastIndex((line) => line.trim() === TRACEBACK)
  const error = lines.findIndex((line, index) => index > lastHead && line !== '' && !/^\s/.test(line))
  if (error === -1) return lines.length
  const blank = lines.findIndex((line, index) => index > error && line.trim() === '')
  return blank === -1 ? lines.length : blank
}

const EXPLANATIONS: readonly (readonly [RegExp, (found: RegExpExecArray) => string])[] = [
  [
    /could not open port '?((?:\/host)?\/dev\/[\w./-]+)|No such file or directory: '((?:\/host)?\/dev\/[\w./-]+)'|((?:\/host)?\/dev\/[\w./-]+): No such file or directory/,
    (found) =>
      `the plugin opens ${found.slice(1).find((part) => part !== undefined) ?? 'a device'}, and no such device is attached in a Virtual Waggle: give it an option to replay recorded input and use it in the trial's \`args\`, or test it on a node`,
  ],
  [
    /PortNotOpenError|SerialException|Attempting to use a port that is not open/,
    () =>
      "the plugin reads a serial port, and no such device is attached in a Virtual Waggle: give it an option to replay recorded input and use it in the trial's `args`, or test it on a node",
  ],
  [
    /Temporary failure in name resolution|Name or service not known|getaddrinfo failed|nodename nor servname|Could not resolve host|No address associated with hostname|Network is unreachable|NameResolutionError|EAI_AGAIN/i,
    () =>
      'the plugin wants the network, and a node has no internet: put what it downloads into the image; to try it all the same, write `network: open` in the trial',
  ],
  [
    /no device found '?([^'\n]{1,64})/,
    (found) => `the plugin opens the camera "${(found[1] ?? '').trim()}": name it under \`camera\` in the trial, with a folder of images`,
  ],
  [/ModuleNotFoundError: No module named '([\w.]{1,64})/, (found) => `install the Python package of ${found[1] ?? 'that module'} in the Dockerfile`],
  [
    /ImportError: (lib[\w.+-]{1,64}): cannot open shared object file/,
    (found) => `install the Debian package that holds ${found[1] ?? 'that library'} in the Dockerfile`,
  ],
  [/Illegal instruction/, () => 'a library was built for a newer processor: use wheels or packages of the platform'],
  [/exec format error/i, () => 'the program in the image is not built for this platform: look at FROM and at what COPY brings in'],
]

/** What usually helps against an error that a plugin died of; undefined when we know nothing better than the error itself. */
export function explainCrash(text: string): string | undefined {
  for (const [pattern, explain] of EXPLANATIONS) {
    const found = pattern.exec(text)
    if (found !== null) return explain(found)
  }
  return undefined
}
