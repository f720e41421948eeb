import { analyse } from '../dockerfile/analysis.ts'
import type { Analysis, StageCommand } from '../dockerfile/analysis.ts'
import { hostOf, isLocalHost } from '../dockerfile/downloads.ts'
import { DEAD_HOSTS_DATE, findDeadHost } from '../dockerfile/dead-hosts.ts'
import type { Instruction } from '../dockerfile/instructions.ts'
import { readPipInstall } from '../dockerfile/pip.ts'
import type { RepositoryRule } from '../rule.ts'
import type { Span } from '../sage/python-value.ts'
import { quote } from '../words.ts'
import { manifestFor } from './dockerfile-examples.ts'

const HEAD = 'FROM python:3.12-slim\n'
const TAIL = 'ENTRYPOINT ["python3", "/app/main.py"]\n'
const DIGEST = 'b1d2c3'.padEnd(64, '0')

const isPlainHttp: RepositoryRule = {
  code: 'CTSS-D050',
  name: 'download-over-http',
  severity: 'warning',
  title: 'A file is fetched over http, and its content is not checked.',
  reason: 'Anybody on the way can put another model or program in its place, and nobody notices. Use https, or compare the digest.',
  source: 'https://docs.docker.com/reference/dockerfile/#add---checksum; CWE-494 (download of code without integrity check).',
  example: {
    bad: { Dockerfile: `${HEAD}ADD http://example.org/model.onnx /app/model.onnx\n${TAIL}` },
    good: { Dockerfile: `${HEAD}ADD --checksum=sha256:${DIGEST} http://example.org/model.onnx /app/model.onnx\n${TAIL}` },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { url, span, isVerified } of analysis.downloads) {
      if (isVerified || !/^(?:http|ftp):/.test(url) || isLocalHost(hostOf(url))) continue
      yield {
        place: analysis.dockerfile.text.place(span),
        message: `${shorten(url)} is fetched without encryption, and its content is not checked.`,
        suggestion: 'Use https, or compare the digest: ADD --checksum=sha256:….',
      }
    }
  },
}

const hostIsDead: RepositoryRule = {
  code: 'CTSS-D051',
  name: 'dead-host',
  severity: 'error',
  title: 'An address leads to a service that was shut down.',
  reason: 'The build fails at that step, or is without what it should fetch.',
  source: `The operators' announcements, as known on ${DEAD_HOSTS_DATE}: each is named in the message.`,
  example: {
    bad: { Dockerfile: `${HEAD}RUN git clone git://github.com/waggle-sensor/pywaggle\n${TAIL}` },
    good: { Dockerfile: `${HEAD}RUN git clone https://github.com/waggle-sensor/pywaggle\n${TAIL}` },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { stage } of analysis.build.stages) {
      for (const { keyword, body } of stage.instructions) {
        if (keyword !== 'RUN' && keyword !== 'ADD' && keyword !== 'ENV' && keyword !== 'ARG') continue
        const dead = findDeadHost(body.text)
        if (dead === undefined) continue
        yield {
          place: analysis.dockerfile.text.place(body.span(dead.start, dead.end)),
          message: `${dead.name} was shut down on ${dead.since} (${dead.source}).`,
          suggestion: dead.instead,
        }
      }
    }
  },
}

const isUnverified: RepositoryRule = {
  code: 'CTSS-D052',
  name: 'download-not-verified',
  severity: 'hint',
  title: 'What a download brings is not checked.',
  reason:
    'The address may give another file tomorrow, or a page that says "not found", and the image is built with it. With a digest the build stops instead, and the same Dockerfile always gives the same model.',
  source: 'https://docs.docker.com/reference/dockerfile/#add---checksum; hadolint DL4006 for pipes into a shell.',
  example: {
    bad: { Dockerfile: `${HEAD}ADD https://example.org/model.onnx /app/model.onnx\n${TAIL}` },
    good: { Dockerfile: `${HEAD}ADD --checksum=sha256:${DIGEST} https://example.org/model.onnx /app/model.onnx\n${TAIL}` },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    const seen = new Set<unknown>()
    for (const { url, span, isVerified, isRun, tool, instruction } of analysis.downloads) {
      // Over http it is a warning of its own; one digest does not fit what `$(uname -m)` chooses. One finding for each instruction.
      if (isVerified || !url.startsWith('https:') || url.includes('$(') || seen.has(instruction)) continue
      seen.add(instruction)
      yield {
        place: analysis.dockerfile.text.place(span),
        message: isRun ? `${shorten(url)} is run as it comes, without a check.` : `What ${shorten(url)} brings is not checked.`,
        suggestion:
          tool === 'ADD'
            ? 'Add its digest: ADD --checksum=sha256:….'
            : tool === 'pip'
              ? 'Put its digest behind the address: #sha256=….'
              : 'Compare its digest in the same RUN, with sha256sum --check.',
      }
    }
    for (const command of analysis.commands) {
      const texts = command.words.map(({ text }) => text)
      if (!/^(?:huggingface-cli|hf)$/.test(command.program) || texts[0] !== 'download' || texts.some((text) => text.startsWith('--revision'))) continue
      yield {
        place: analysis.dockerfile.text.place(command.spanOf(command.words[0] ?? { start: 0, end: 0 })),
        message: 'The model is whatever its repository holds on the day of the build.',
        suggestion: 'Name a commit: --revision=….',
      }
    }
  },
}

function shorten(url: string): string {
  const plain = url.replace(/[?#].*$/, '').replace(/\/\/[^@/]*@/, '//')
  return plain.length > 100 ? `${plain.slice(0, 60)}…${plain.slice(-39)}` : plain
}

/** Names of architectures in file names and addresses, with the platforms that they serve. */
const ARCHITECTURES: readonly (readonly [pattern: RegExp, name: string, platforms: readonly string[]])[] = [
  [/(?:^|[^a-z0-9])(?:x86[_-]64|amd64|x64|linux64)(?![a-z0-9])/i, 'amd64', ['linux/amd64']],
  [/(?:^|[^a-z0-9])(?:aarch64|arm64(?:v8)?|sbsa)(?![a-z0-9])/i, 'arm64', ['linux/arm64', 'linux/arm/v8']],
  [/(?:^|[^a-z0-9])(?:armhf|armv[67]l?|arm32v[67])(?![a-z0-9])/i, '32-bit Arm', ['linux/arm/v6', 'linux/arm/v7', 'linux/arm/v8']],
]

/** What a Dockerfile says that chooses by architecture. */
const CHOOSES = /TARGETARCH|TARGETPLATFORM|TARGETVARIANT|\buname\b|--print-architecture|\barch\)|`arch`|\bapt-get\s+--print|platform\.machine/

const isForOneArchitecture: RepositoryRule = {
  code: 'CTSS-D053',
  name: 'file-for-one-architecture',
  severity: 'warning',
  title: 'A file for one architecture is installed for all that the manifest lists.',
  reason:
    'Its name says that it holds programs for one architecture. On the others the build fails ("not a supported wheel on this platform"), or the plugin does ("exec format error").',
  source: 'PEP 425 (platform tags of wheels); https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope.',
  example: {
    bad: { Dockerfile: `${HEAD}RUN pip install https://example.org/tflite_runtime-2.14.0-cp312-cp312-linux_x86_64.whl\n${TAIL}` },
    good: {
      'sage.yaml': manifestFor('linux/amd64'),
      Dockerfile: `${HEAD}RUN pip install https://example.org/tflite_runtime-2.14.0-cp312-cp312-linux_x86_64.whl\n${TAIL}`,
    },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined || CHOOSES.test(analysis.dockerfile.text.text)) return
    const seen = new Set<unknown>()
    for (const { text, span, instruction } of architectureTexts(analysis)) {
      const found = ARCHITECTURES.filter(([pattern]) => pattern.test(text))
      const [architecture] = found
      if (architecture === undefined || found.length > 1 || seen.has(instruction)) continue
      const [, name, served] = architecture
      const others = analysis.platforms.filter((platform) => !served.includes(platform))
      if (others.length === 0) continue
      seen.add(instruction)
      yield {
        place: analysis.dockerfile.text.place(span),
        message: `${quote(
          text
            .replace(/[?#].*$/, '')
            .split('/')
            .at(-1),
        )} is for ${name}; the manifest also lists ${others.join(', ')}.`,
        suggestion: 'Choose by architecture: declare ARG TARGETARCH, and use it in a case; or take the others out of source.architectures.',
      }
    }
  },
}

const PACKAGE = /\.(?:whl|deb|rpm|run|appimage|tar|tgz|gz|xz|bz2|zip|sh)$/i

/** Addresses that are fetched and packages that are installed, but for those in instructions with commands that may fail. */
function* architectureTexts(analysis: Analysis): Generator<{ readonly text: string; readonly span: Span; readonly instruction: Instruction }> {
  const certain = new Map<Instruction, boolean>()
  const isCertain = (instruction: Instruction): boolean => {
    const found = certain.get(instruction) ?? !instruction.body.text.includes('||')
    certain.set(instruction, found)
    return found
  }
  for (const { url, span, instruction } of analysis.downloads) if (!url.includes('$') && isCertain(instruction)) yield { text: url, span, instruction }
  for (const command of analysis.commands) {
    const { instruction } = command
    if (!isCertain(instruction) || !installs(command)) continue
    for (const word of command.words)
      if (PACKAGE.test(word.text) && !word.text.includes('$')) yield { text: word.text, span: command.spanOf(word), instruction }
  }
}

function installs(command: StageCommand): boolean {
  return /^(?:dpkg|apt|apt-get|apk|rpm)$/.test(command.program) || readPipInstall(command) !== undefined
}

const isRedirected: RepositoryRule = {
  code: 'CTSS-D054',
  name: 'version-read-as-file',
  severity: 'warning',
  title: 'The shell takes a version’s `>` or `<` for a file.',
  reason:
    'In `pip install numpy>=1.24` the shell sends what pip prints to a file called `=1.24`, and pip installs any numpy. With `<` it looks for a file of that name, and the build fails. Quotes keep the version together.',
  source: 'POSIX.1-2024, Shell Command Language, 2.7 (redirection); pip user guide, "Requirement specifiers".',
  example: {
    bad: { Dockerfile: `${HEAD}RUN pip install numpy>=1.24\n${TAIL}` },
    good: { Dockerfile: `${HEAD}RUN pip install "numpy>=1.24"\n${TAIL}` },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const command of analysis.commands) {
      if (command.redirections.length === 0 || readPipInstall(command) === undefined) continue
      const names = new Map(command.words.map((word) => [word.end, word]))
      for (const [index, { operator, target, start }] of command.redirections.entries()) {
        const word = names.get(start)
        if (word === undefined || !/^[<>]$/.test(operator) || !/^=?\d/.test(target)) continue
        const { text } = analysis.dockerfile
        const span = { start: command.spanOf(word).start, end: command.spanOf({ start, end: endOfRequirement(command, index) }).end }
        const written = text.text.slice(span.start, span.end)
        const isPlain = /^[A-Za-z0-9._[\],-]+[<>]=?[0-9][0-9A-Za-z.*,<>=!]*$/.test(written)
        yield {
          place: text.place(span),
          message: `The shell takes ${operator} in ${quote(written)} for a file: pip ${operator === '>' ? 'installs any version' : 'is not even started'}.`,
          suggestion: `Write "${written}", with quotes.`,
          ...(isPlain && { fix: { title: 'put quotes around it', safe: true, edits: [text.replace(span, `"${written}"`)] } }),
        }
      }
    }
  },
}

/** Where a requirement with several limits ends: `numpy>=1.24,<2`. */
function endOfRequirement({ redirections }: StageCommand, first: number): number {
  let end = redirections[first]?.end ?? 0
  for (let index = first + 1; redirections[index]?.start === end; index++) end = redirections[index]?.end ?? end
  return end
}

/** Rules about what a build fetches and installs. */
export const DOWNLOAD_RULES: readonly RepositoryRule[] = [isPlainHttp, hostIsDead, isUnverified, isForOneArchitecture, isRedirected]
