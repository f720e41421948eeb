/** A manifest that everybody accepts; `change` replaces or adds lines. */
const HEALTHY = ['name: cloud-counter', 'version: "1.2.3"', 'description: Counts clouds.', 'source: {architectures: [linux/amd64, linux/arm64]}']

function manifest(...lines: readonly string[]): string {
  const keys = new Set(lines.map((line) => line.split(':')[0]))
  return `${[...HEALTHY.filter((line) => !keys.has(line.split(':')[0])), ...lines].join('\n')}\n`
}

/** What the schema says about manifests: all that it refuses, Sage refuses through the Portal. */
export const SCHEMA_VERDICTS: readonly (readonly [text: string, verdict: 'accepted' | 'refused'])[] = [
  [manifest(), 'accepted'],
  [manifest('namespace: Not-A-User'), 'accepted'],
  [manifest('version: 1.0'), 'accepted'],
  [manifest('version:'), 'accepted'],
  [manifest('version: "1/2"'), 'refused'],
  [manifest(`version: "${'1'.repeat(65)}"`), 'refused'],
  [manifest('name: Cloud Counter'), 'refused'],
  [manifest('name: 123'), 'refused'],
  [manifest('name:'), 'refused'],
  [manifest('description: ""'), 'refused'],
  [manifest('description: [a]'), 'refused'],
  [manifest('keywords:', 'authors: 7', 'homepage: true', 'funding: {a: 1}', 'license: 2'), 'accepted'],
  [manifest('keywords: [clouds]'), 'accepted'],
  [manifest('keywords: [clouds, sky]'), 'refused'],
  [manifest('authors: []'), 'refused'],
  [manifest(`license: "${'x'.repeat(257)}"`), 'refused'],
  [manifest('licence: MIT'), 'refused'],
  [manifest('arguments: x', 'baseCommand: x', 'depends_on: x', 'testing: x', 'frozen: true'), 'accepted'],
  [manifest('source:'), 'refused'],
  [manifest('source: {architectures: []}'), 'refused'],
  [manifest('source: {architectures: [arm64]}'), 'refused'],
  [manifest('source: {architectures: linux/arm64}'), 'refused'],
  [manifest('source: {architectures: {linux/arm64: x}}'), 'accepted'],
  [manifest('source: {architectures: [linux/amd64], url: 5, branch: null, tag: "", directory: 5, dockerfile: null, other: x}'), 'accepted'],
  [manifest('source: {architectures: [linux/amd64], branch: 2.5}'), 'refused'],
  [manifest('source: {architectures: [linux/amd64], branch: 2.5, tag: "v2.5"}'), 'accepted'],
  [manifest('source: {architectures: [linux/amd64], tag: 2.5}'), 'refused'],
  [manifest(`source: {architectures: [linux/amd64], tag: "${'v'.repeat(65)}"}`), 'refused'],
  [manifest('source: {architectures: [linux/amd64], build_args: {A: "1"}}'), 'accepted'],
  [manifest('source: {architectures: [linux/amd64], build_args: {A: 1}}'), 'refused'],
  [manifest('source: {architectures: [linux/amd64], build_args: null}'), 'refused'],
  [manifest('inputs: [{id: 5, type: int, default: [1], description: null}]'), 'accepted'],
  [manifest('inputs: ""'), 'accepted'],
  [manifest('inputs:'), 'refused'],
  [manifest('inputs: [{id: a, type: bool}]'), 'refused'],
  [manifest('inputs: [{id: a}]'), 'refused'],
  [manifest('inputs: [{id: a, type: int, required: true}]'), 'refused'],
  [manifest('resources:'), 'refused'],
  [manifest('resources: [1]', 'metadata: {}'), 'accepted'],
  [manifest('metadata: []'), 'refused'],
]
