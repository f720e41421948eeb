import { analyse, bottomOf } from '../dockerfile/analysis.ts'
import type { Analysis } from '../dockerfile/analysis.ts'
import { commandsOf, scriptOf } from '../dockerfile/commands.ts'
import { networkUse } from '../dockerfile/downloads.ts'
import { imageFiles } from '../dockerfile/image-files.ts'
import type { Instruction } from '../dockerfile/instructions.ts'
import type { Word } from '../dockerfile/mapped-text.ts'
import type { RepositoryRule } from '../rule.ts'
import { quote } from '../words.ts'

const HEAD = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt main.py ./\nRUN pip install -r requirements.txt\n'
const GOOD = { Dockerfile: `${HEAD}ENTRYPOINT ["python3", "/app/main.py"]\n` }

const INTERPRETER = /^(?:.*\/)?(?:python[0-9.]*|bash|sh|dash|ash|node|perl|ruby|Rscript|java)$/

const hasNoEntrypoint: RepositoryRule = {
  code: 'CTSS-D040',
  name: 'no-entrypoint',
  severity: 'warning',
  title: 'The Dockerfile has no ENTRYPOINT.',
  reason:
    'The scheduler passes a job’s arguments to the container. They replace CMD, program and all; only an ENTRYPOINT stays. Such a plugin runs without arguments, and fails with any ("executable file not found").',
  source:
    'Kubernetes, "Define a Command and Arguments for a Container"; waggle-sensor/edge-scheduler 5391a00, nodescheduler/resourcemanager.go L585-800 (`Args: plugin.PluginSpec.Args`).',
  example: { bad: { Dockerfile: `${HEAD}CMD ["python3", "/app/main.py"]\n` }, good: GOOD },
  *check(facts) {
    const analysis = analyse(facts)
    const final = analysis?.build.final
    if (analysis === undefined || final === undefined || analysis.entrypoint !== undefined) return
    const { command } = analysis
    const { base } = bottomOf(final)
    const first = command === undefined ? undefined : commandsOf(command)[0]
    const startsProgram = first !== undefined && (INTERPRETER.test(first.program) || /\.(?:py|sh)$/.test(first.program))
    if (base?.entrypoint !== 'none' && !(base === undefined && startsProgram)) return
    yield {
      place: analysis.dockerfile.text.place(command?.keywordSpan ?? final.stage.from.keywordSpan),
      message:
        command === undefined
          ? 'There is no ENTRYPOINT, and no CMD: nothing of the plugin is started.'
          : "There is no ENTRYPOINT: a job's arguments would replace CMD.",
      suggestion:
        command !== undefined && Array.isArray(command.json) ? 'Write ENTRYPOINT instead of CMD.' : 'For instance ENTRYPOINT ["python3", "/app/main.py"].',
    }
  },
}

const isShellForm: RepositoryRule = {
  code: 'CTSS-D041',
  name: 'entrypoint-in-shell',
  severity: 'warning',
  title: 'ENTRYPOINT runs in a shell, which drops a job’s arguments.',
  reason:
    'ENTRYPOINT without brackets is run as `/bin/sh -c "…"`. What a job adds goes to that shell and not to the program; and the shell does not hand on the signal that asks the plugin to stop, so that it is killed without finishing.',
  source: 'https://docs.docker.com/reference/dockerfile/#shell-form-entrypoint-example.',
  example: { bad: { Dockerfile: `${HEAD}ENTRYPOINT python3 /app/main.py\n` }, good: GOOD },
  *check(facts) {
    const analysis = analyse(facts)
    const entrypoint = analysis?.entrypoint
    if (analysis === undefined || entrypoint === undefined || isBrokenList(entrypoint) || entrypoint.body.text === '') return
    const { json, words, body } = entrypoint
    if (Array.isArray(json)) {
      const script = scriptOf(words.map(({ text }) => text))
      const text = script === undefined ? undefined : words[script]?.text
      if (script === undefined || text === undefined || /\$\{?0/.test(text) || (/\$\{?[@*1]/.test(text) && words.length > script + 1)) return
      yield {
        place: analysis.dockerfile.text.place(words[script]?.span ?? body.span(0, body.text.length)),
        message: `The script of ${quote(words[0]?.text)} -c does not get a job's arguments.`,
        suggestion: 'Start the program itself: ENTRYPOINT ["python3", "/app/main.py"].',
      }
      return
    }
    yield {
      place: analysis.dockerfile.text.place(body.span(0, body.text.length)),
      message: "ENTRYPOINT without brackets runs in a shell, which drops a job's arguments.",
      suggestion: `Write it as a list: ENTRYPOINT ${asList(body.text) ?? '["python3", "/app/main.py"]'}.`,
    }
  },
}

/** A plain command as a JSON list; undefined: a shell is needed for it. */
function asList(text: string): string | undefined {
  return /^[\w./=:,@%+ -]{1,200}$/.test(text) ? JSON.stringify(text.trim().split(/ +/)).replaceAll('","', '", "') : undefined
}

function isBrokenList({ json, body }: Instruction): boolean {
  return json === undefined && body.text.startsWith('[')
}

const isNoList: RepositoryRule = {
  code: 'CTSS-D042',
  name: 'start-not-json',
  severity: 'error',
  title: 'The list of ENTRYPOINT or CMD is no JSON.',
  reason:
    'The builder reads the list as JSON: double quotes, a comma between words, none after the last. Anything else is run by a shell, which looks for a program called `[python3,`. The image builds; the plugin never starts.',
  source: 'moby/buildkit, frontend/dockerfile/parser/line_parsers.go, parseMaybeJSON; https://docs.docker.com/reference/build-checks/json-args-recommended.',
  example: { bad: { Dockerfile: `${HEAD}ENTRYPOINT ['python3', '/app/main.py']\n` }, good: GOOD },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const instruction of [analysis.entrypoint, analysis.command]) {
      if (instruction === undefined || !isBrokenList(instruction)) continue
      const { body, keyword } = instruction
      const mended = mendList(body.text)
      const span = body.span(0, body.text.length)
      // In one piece only: what is continued on other lines may have comments in it.
      const isOnOneLine = span.end - span.start === body.text.length
      yield {
        place: analysis.dockerfile.text.place(span),
        message: `The list of ${keyword} is no JSON, so that a shell is asked for a program ${quote(body.text.split(/\s/)[0])}.`,
        suggestion: `Write ${keyword} ${mended ?? '["python3", "/app/main.py"]'}.`,
        ...(mended !== undefined &&
          isOnOneLine && { fix: { title: 'write the list as JSON', safe: true, edits: [analysis.dockerfile.text.replace(span, mended)] } }),
      }
    }
  },
}

/** The same list with the quotes and commas of JSON; undefined: it cannot be told what was meant. */
function mendList(text: string): string | undefined {
  const inner = /^\[([^[\]]*)\]$/.exec(text.trim())?.[1]
  if (inner === undefined || inner.length > 1000) return undefined
  const words = inner.split(',').map((word) => /^(?:'([^'"\\]*)'|"([^"\\]*)"|[“”]([^"'“”\\]*)[“”])$/.exec(word.trim()))
  if (words.at(-1) === null && inner.trim().endsWith(',')) words.pop()
  return words.every((word) => word !== null) ? JSON.stringify(words.map((word) => word[1] ?? word[2] ?? word[3])).replaceAll('","', '", "') : undefined
}

const isOneWord: RepositoryRule = {
  code: 'CTSS-D043',
  name: 'start-in-one-word',
  severity: 'error',
  title: 'The whole command stands in one string of the list.',
  reason:
    'The list holds the program and its arguments, one string each. `["python3 main.py"]` looks for a program whose name has a space in it. The image builds; the plugin never starts.',
  source: 'https://docs.docker.com/reference/dockerfile/#exec-form.',
  example: { bad: { Dockerfile: `${HEAD}ENTRYPOINT ["python3 /app/main.py"]\n` }, good: GOOD },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    const instruction = analysis.entrypoint ?? analysis.command
    const first = Array.isArray(instruction?.json) ? instruction.words[0] : undefined
    const parts = first?.text.trim().split(/\s+/) ?? []
    if (first === undefined || parts.length < 2 || !INTERPRETER.test(parts[0] ?? '')) return
    const isPlain = parts.every((part) => /^[\w./=:,@%+-]+$/.test(part))
    yield {
      place: analysis.dockerfile.text.place(first.span),
      message: `${quote(first.text)} is looked for as one program.`,
      suggestion: 'Write each word as a string of its own.',
      ...(isPlain && {
        fix: {
          title: 'write each word as a string',
          safe: true,
          edits: [analysis.dockerfile.text.replace(first.span, parts.map((part) => JSON.stringify(part)).join(', '))],
        },
      }),
    }
  },
}

/** The script that is started: the program itself, or an interpreter's first file. */
function startedScript(analysis: Analysis): { readonly word: Word; readonly isProgram: boolean } | undefined {
  const start = analysis.entrypoint ?? analysis.command
  if (start === undefined || !Array.isArray(start.json)) return undefined
  const words = start === analysis.entrypoint && Array.isArray(analysis.command?.json) ? [...start.words, ...analysis.command.words] : start.words
  const [program, ...others] = words
  if (program === undefined || /[\s$]/.test(program.text)) return undefined
  if (!INTERPRETER.test(program.text)) return /\.(?:py|sh)$/.test(program.text) && program.text.includes('/') ? { word: program, isProgram: true } : undefined
  const script = others.find(({ text }) => !/^-[uOBEsSqIvxeE]+$/.test(text))
  return script !== undefined && /^[^\s$*-][^\s$*]*\.(?:py|sh)$/.test(script.text) ? { word: script, isProgram: false } : undefined
}

const scriptIsMissing: RepositoryRule = {
  code: 'CTSS-D044',
  name: 'script-not-in-image',
  severity: 'error',
  title: 'The script that is started is not in the image.',
  reason:
    'No COPY or ADD puts it where ENTRYPOINT looks for it, and no RUN mentions it. Upper and lower case count; relative paths begin in the last WORKDIR. The image builds; the plugin never starts.',
  source: 'https://docs.docker.com/reference/dockerfile/#copy and #workdir.',
  example: { bad: { Dockerfile: `${HEAD}ENTRYPOINT ["python3", "/main.py"]\n` }, good: GOOD },
  *check(facts) {
    const analysis = analyse(facts)
    const script = analysis && startedScript(analysis)
    if (analysis === undefined || script === undefined) return
    const files = imageFiles(facts, analysis)
    if (files.find(script.word.text).kind !== 'missing') return
    const { text } = script.word
    const directory = text.startsWith('/') ? '' : ` in ${files.workingDirectory}`
    yield {
      place: analysis.dockerfile.text.place(script.word.span),
      message: `Nothing puts ${quote(text)}${directory} into the image.`,
      suggestion: 'Copy it there, or start the one that is copied.',
    }
  },
}

const scriptIsNoProgram: RepositoryRule = {
  code: 'CTSS-D045',
  name: 'script-not-executable',
  severity: 'error',
  title: 'The script that is started may not be executed.',
  reason:
    'COPY keeps the permissions of the repository. A file without the executable bit (mode 644) cannot be started by its name: "permission denied". The image builds; the plugin never starts.',
  source: 'https://docs.docker.com/reference/dockerfile/#copy---chmod; git-update-index(1), `--chmod=+x`.',
  example: {
    bad: { Dockerfile: `${HEAD}COPY run.sh ./\nENTRYPOINT ["/app/run.sh"]\n`, 'run.sh': '#!/bin/sh\nexec python3 /app/main.py "$@"\n' },
    good: { Dockerfile: `${HEAD}COPY --chmod=755 run.sh ./\nENTRYPOINT ["/app/run.sh"]\n`, 'run.sh': '#!/bin/sh\nexec python3 /app/main.py "$@"\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    const script = analysis && startedScript(analysis)
    if (analysis === undefined || script?.isProgram !== true) return
    const found = imageFiles(facts, analysis).find(script.word.text)
    if (found.kind !== 'copied' || found.entry.mode !== '100644' || found.instruction.flags.some(({ name }) => name === 'chmod')) return
    if (analysis.commands.some(({ program }) => program === 'chmod' || program === 'install') || /chmod/.test(analysis.dockerfile.text.text)) return
    yield {
      place: analysis.dockerfile.text.place(script.word.span),
      message: `${found.entry.path} is not executable, and cannot be started by its name.`,
      suggestion: `Run \`git update-index --chmod=+x ${found.entry.path}\`, or copy it with COPY --chmod=755.`,
    }
  },
}

const startDownloads: RepositoryRule = {
  code: 'CTSS-D046',
  name: 'download-at-start',
  severity: 'warning',
  title: 'The plugin fetches something from the internet when it starts.',
  reason:
    'Plugins on a node reach the broker, cameras and a few services of the node, and no internet, unless the job says `develop: true`. What is fetched at the start is not there, and the plugin fails or hangs. Fetch it in a RUN, so that it is part of the image.',
  source: 'waggle-sensor/waggle-edge-stack edba812, kubernetes network policy for `role=plugin`; waggle-sensor/edge-scheduler 5391a00 (`develop`).',
  example: { bad: { Dockerfile: `${HEAD}ENTRYPOINT ["sh", "-c", "pip install numpy && python3 main.py $0 $@"]\n` }, good: GOOD },
  *check(facts) {
    const analysis = analyse(facts)
    const final = analysis?.build.final
    if (analysis === undefined || final === undefined) return
    const variables = analysis.variablesOf(final)
    for (const instruction of [analysis.entrypoint, analysis.command]) {
      for (const command of instruction === undefined ? [] : commandsOf(instruction)) {
        const use = networkUse(command, variables)
        if (use === undefined) continue
        yield {
          place: analysis.dockerfile.text.place(instruction?.keywordSpan ?? { start: 0, end: 0 }),
          message: `${use} when the plugin starts: nodes have no internet for plugins.`,
          suggestion: 'Do it in a RUN, so that it is part of the image.',
        }
        break
      }
    }
  },
}

/** Rules about what is started. */
export const START_RULES: readonly RepositoryRule[] = [hasNoEntrypoint, isShellForm, isNoList, isOneWord, scriptIsMissing, scriptIsNoProgram, startDownloads]
