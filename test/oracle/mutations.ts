import type { Random } from './random.ts'
import { darkSnippet } from './snippets.ts'

/** Manifests in the styles of people: written for this test. */
export const REALISTIC_MANIFESTS: readonly string[] = [
  `name: "cloud-cover"
version: "0.3.1"
description: "Estimates how much of the sky is covered by clouds"
keywords: "clouds, machine learning, sky"
authors: "Ada Example <ada@example.org>, Ben Example <ben@example.org> (https://example.org/~ben)"
collaborators: ""
funding: "Grant 12345"
license: "MIT license"
homepage: "https://github.com/owner/plugin/blob/main/README.md"
source:
  architectures:
    - "linux/amd64"
    - "linux/arm64"
inputs:
  - id: "stream"
    type: "string"
  - id: "interval"
    type: "int"
metadata:
  ontology: "env.coverage.cloud"
`,
  `name: bird-song   # the name in the ECR
version: 1.0.4
description: |
  Listens to birds
  and tells which.

  See the README.
authors: Carol Example
license: BSD-3-Clause
source:
    # both kinds of node
    architectures: [linux/amd64, linux/arm64]
    directory: .
    dockerfile: "Dockerfile"
    build_args: {MODEL: "v2.4"}
resources:
- type: microphone
- {type: gpu, min_memory: "2GB"}
inputs:
- {id: num_rec, type: int, default: 1}
- {id: silence, type: float, default: 1.0}
- {id: keep, type: boolean, description: 'Keep the recordings: yes or no'}
`,
  `%YAML 1.1
---
name: traffic-state
version: '23.1.11'
description: >-
  Speed and number
  of cars
source:
  url: "https://github.com/owner/plugin.git"
  branch: "develop"
  architectures:
  - linux/amd64
metadata: {ontology: [env.count.car, env.speed.car], my-science-data: 12345}
testing:
  command: ["python3", "-m", "unittest"]
  mask_entrypoint: true
`,
  `{
  "name": "plugin-weather",
  "version": "0.9.0",
  "description": "Reads a weather station \\u00b7 every minute",
  "authors": "Dan Example",
  "source": {"architectures": ["linux/arm64"], "url": "https://github.com/owner/plugin", "tag": "v0.9.0"},
  "resources": [],
  "inputs": [{"id": "device", "type": "File"}, {"id": "rate", "type": "double", "default": 1e-3}]
}
`,
  `name: water-depth
version: "2.10"
description: 'Schätzt die Wassertiefe'
keywords: 水深, depth
authors: &people "Eve Example <eve@example.org>"
collaborators: *people
homepage: https://example.org/depth?x=1#top
license: Apache-2.0
frozen: false
arguments: ""
baseCommand: ""
depends_on: ""
source: {architectures: ["linux/amd64", "linux/arm/v7"], directory: "depth", dockerfile: Dockerfile.arm}
`,
]

/** A text, hurt or dressed in one place. */
export function mutateText(random: Random, text: string): string {
  return random.pick(MUTATIONS)(random, text)
}

type Mutation = (random: Random, text: string) => string

function onLine(change: (random: Random, line: string) => string): Mutation {
  return (random, text) => {
    const lines = text.split('\n')
    const index = random.integer(0, Math.max(0, lines.length - 2))
    lines[index] = change(random, lines[index] ?? '')
    return lines.join('\n')
  }
}

function withValue(make: (random: Random, value: string) => string): Mutation {
  return onLine((random, line) => line.replace(/^([^:]*: +|- +)(.*)$/, (_, key: string, value: string) => key + make(random, value)))
}

const MUTATIONS: readonly Mutation[] = [
  withValue((random) => darkSnippet(random)),
  withValue((random) => darkSnippet(random)),
  withValue((random) => darkSnippet(random)),
  withValue((_, value) => value.replaceAll('"', '')),
  withValue((_, value) => `"${value.replaceAll('"', '')}"`),
  withValue((random, value) => `${random.pick(['!!str', '!!int', '!!binary', '!!set', '!x', '&a', '|', '>', '!!omap'])} ${value}`),
  withValue((random, value) => `${random.pick(['|', '>', '|-', '>+', '|2', '>1-', '|+ # c'])}\n${random.pick(['  ', '    ', '      ', ' '])}${value}\n`),
  withValue((random, value) => `${value}\n${random.pick(['  ', '    ', ''])}${random.pick(['more', '# comment', '- more', 'more: text'])}`),
  withValue((random, value) => `${value}${random.pick([' # comment', '#no', ' ', '\t', ',', ':', ' :', '"', "'", ']', '}'])}`),
  onLine(() => ''),
  onLine((_, line) => `${line}\n${line}`),
  onLine((random, line) => line.replace(/[A-Za-z]/g, (letter) => (random.chance(0.1) ? letter.toUpperCase() : letter))),
  onLine((random, line) => line.slice(0, random.integer(0, line.length)) + line.slice(random.integer(0, line.length))),
  onLine((random, line) => random.pick([' ', '  ', '\t', '- ', '? ', '# ', '--- ', '...']) + line),
  onLine((_, line) => line.replace(/^ {1,2}/, '')),
  onLine((random, line) =>
    line.replace(
      /^([ -]*)(\w+):/,
      (_, before: string, key: string) =>
        `${before}${random.pick([`"${key}"`, `'${key}'`, `? ${key}\n${before}`, `${key} `, `&k ${key}`, `!!str ${key}`, key.slice(1), `${key}s`])}:`,
    ),
  ),
  onLine((_, line) => line.replace(/: /, ':')),
  (random, text) => {
    const at = random.integer(0, text.length)
    return (
      text.slice(0, at) +
      random.pick([
        '"',
        "'",
        ':',
        '\t',
        '\n',
        '#',
        '[',
        '}',
        ',',
        '-',
        '\u00a0',
        '\u2028',
        '\u0085',
        '\ufeff',
        '\0',
        '\u0007',
        'é',
        '😀',
        '*',
        '&',
        '!',
        '%',
        '\\',
        '\r',
        '\r\n',
        '---\n',
        '...\n',
      ]) +
      text.slice(at)
    )
  },
  (random, text) => {
    const at = random.integer(0, text.length)
    return text.slice(0, at) + text.slice(at + random.pick([1, 1, 1, 2, 5]))
  },
  (_, text) => text.replaceAll('\n', '\r\n'),
  (_, text) => text.replaceAll('\n', '\r'),
  (_, text) => `\ufeff${text}`,
  (_, text) => text.trimEnd(),
  (random, text) =>
    `${random.pick(['---\n', '--- ', '%YAML 1.1\n---\n', '%YAML 1.2\n---\n', '%YAML 2.0\n---\n', '%TAG ! tag:example.org:\n---\n', '# comment\n', '\n\n', '   \n', '%FOO\n---\n', '--- |\n', '--- # c\n'])}${text}`,
  (random, text) =>
    text +
    random.pick([
      '---\n',
      '...\n',
      '...\n---\n',
      '---\nname: b\n',
      '# end',
      '\n\n',
      '\t',
      ' ',
      'x',
      '...\n# c\n',
      '<<: {}\n',
      'name: twice\n',
      '"version": "2"\n',
      '? a\n',
      '- a\n',
    ]),
  (_, text) => text.replace(/"([^"\n]*)"/g, "'$1'"),
  (_, text) => text.replace(/^( *)- /gm, '$1-   '),
]
