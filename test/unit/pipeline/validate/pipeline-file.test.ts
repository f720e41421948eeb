import { describe, expect, it } from 'vitest'
import pipelineFileSchema from '../../../../schemas/pipeline-file.schema.json' with { type: 'json' }
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { describeSchemaErrors } from '../../../../pipeline/validate/schema-problems.ts'
import { parseYaml } from '../../../../pipeline/validate/yaml-source.ts'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const DIGEST = 'a'.repeat(64)

async function problemsOf(files: Readonly<Record<string, MemoryFile>>): Promise<readonly string[]> {
  const { problems } = await readPipeline(memoryTree({ ...HEALTHY_PLUGIN, ...files }))
  return problems.map(
    ({ severity, code, place, message, suggestion }) =>
      `${severity} ${code} ${place?.file}:${place?.line}:${place?.column} ${message}${suggestion === undefined ? '' : ` → ${suggestion}`}`,
  )
}

describe('a pipeline file that breaks its schema', () => {
  it.each<[string, string, readonly string[]]>([
    ['a section of nobody', 'trainig: {}', ['error CTSS-C005 ctss.yaml:1:1 ctss.yaml knows no key `trainig`. → Did you mean `training`?']],
    [
      'a duration in words',
      'test: {trials: [{name: a, timeout: 1 minute}]}',
      ['error CTSS-C008 ctss.yaml:1:36 `test.trials[0].timeout`: "1 minute" is not allowed. → For instance 60s, 10m, 1h.'],
    ],
    [
      'a duration as a number',
      'test: {trials: [{name: a, timeout: 60}]}',
      ['error CTSS-C007 ctss.yaml:1:36 `test.trials[0].timeout` must be text, but YAML reads 60 as the number 60. → Quote it: "60".'],
    ],
    [
      'a size in other units',
      'test: {trials: [{name: a, limits: {memory: 1GB}}]}',
      ['error CTSS-C008 ctss.yaml:1:44 `test.trials[0].limits.memory`: "1GB" is not allowed. → Bytes, for instance 900Mi or 1Gi.'],
    ],
    [
      'a list for a text',
      'test: {trials: [{name: [a, b]}]}',
      ['error CTSS-C007 ctss.yaml:1:18 `test.trials[0].name` must be text, not a list. → Write one text, with commas: "a, b".'],
    ],
    [
      'a text for a list',
      'test: {trials: [{name: a, args: --fast}]}',
      ['error CTSS-C007 ctss.yaml:1:33 `test.trials[0].args` must be a list, not text. → Write a list: [--fast].'],
    ],
    [
      'a text that is too long',
      `training: {image: ${'x'.repeat(513)}, command: [x]}`,
      ['error CTSS-C009 ctss.yaml:1:19 `training.image` must have at most 512 characters.'],
    ],
    [
      'a word that is nearly right',
      'test: {trials: [{name: a, network: opne}]}',
      ['error CTSS-C008 ctss.yaml:1:36 `test.trials[0].network` must be none or open, not "opne". → Did you mean "open"?'],
    ],
    ['no trials', 'test: {trials: []}', ['error CTSS-C009 ctss.yaml:1:8 `test.trials` must not be empty.']],
    ['a trial without a name', 'test: {trials: [{args: []}]}', ['error CTSS-C006 ctss.yaml:1:17 `test.trials[0]` needs the key `name`.']],
    [
      'a network of another kind',
      'test: {trials: [{name: a, network: host}]}',
      ['error CTSS-C008 ctss.yaml:1:36 `test.trials[0].network` must be none or open, not "host".'],
    ],
    [
      'a variable with a hyphen',
      'test: {trials: [{name: a, env: {A-B: x}}]}',
      ['error CTSS-C008 ctss.yaml:1:33 "A-B" cannot be a key of `test.trials[0].env`. → Environment variables: names of letters, digits and _.'],
    ],
    [
      'training by Dockerfile and image',
      'training: {dockerfile: Dockerfile, image: x, command: [x]}',
      ['error CTSS-C008 ctss.yaml:1:1 `training` takes only one of `dockerfile` or `image`.'],
    ],
    ['training by neither', 'training: {command: [x]}', ['error CTSS-C006 ctss.yaml:1:1 `training` needs `dockerfile` or `image`.']],
    [
      'a GPU in words',
      'training: {image: x, command: [x], gpu: yes please}',
      ['error CTSS-C008 ctss.yaml:1:41 `training.gpu`: "yes please" is not allowed. → true: any NVIDIA GPU; or a type and a count.'],
    ],
    [
      'a GPU without a type',
      'training: {image: x, command: [x], gpu: {count: 0}}',
      ['error CTSS-C006 ctss.yaml:1:36 `training.gpu` needs the key `type`.', 'error CTSS-C009 ctss.yaml:1:49 `training.gpu.count` is "0" and must be >= 1.'],
    ],
    [
      'a gate without a limit',
      'training: {image: x, command: [x], gates: [{metric: a}]}',
      ['error CTSS-C006 ctss.yaml:1:44 `training.gates[0]` needs `min`, `max`, `max_gap` or `max_drop`.'],
    ],
    [
      'a digest that is none',
      'training: {image: x, command: [x], datasets: [{name: a, uri: data, sha256: abc}]}',
      [
        'error CTSS-C020 ctss.yaml:1:62 `training.datasets[0].uri`: there is no file or folder "data" in the repository.',
        'error CTSS-C008 ctss.yaml:1:76 `training.datasets[0].sha256`: "abc" is not allowed. → 64 hexadecimal digits: of the file; of a folder, of the sha256sum listing of its files, sorted by path.',
      ],
    ],
    ['a model from nowhere', 'model: {path: m}', ['error CTSS-C006 ctss.yaml:1:1 `model` needs `from` or `uri` with `sha256`.']],
    ['a model by half', 'model: {path: m, uri: "https://example.org"}', ['error CTSS-C006 ctss.yaml:1:1 `model` needs `from` or `uri` with `sha256`.']],
    ['a model from elsewhere', 'model: {path: m, from: home}', ['error CTSS-C008 ctss.yaml:1:24 `model.from` must be "train", not "home".']],
    [
      'a model from both',
      `model: {path: m, from: train, uri: "https://example.org", sha256: ${DIGEST}}`,
      [
        'error CTSS-C008 ctss.yaml:1:1 `model` takes only one of `from` or `uri` with `sha256`.',
        'error CTSS-C023 ctss.yaml:1:24 `model.from: train` needs a `training` section. → Describe the training, or name the model by `uri` and `sha256`.',
      ],
    ],
    [
      'access in words',
      'access: private',
      ['error CTSS-C008 ctss.yaml:1:9 `access`: "private" is not allowed. → public, or restricted: {users: [], teams: []}.'],
    ],
    [
      'access for nobody known',
      'access: {users: [a]}',
      [
        'error CTSS-C006 ctss.yaml:1:1 `access` needs the key `restricted`.',
        'error CTSS-C005 ctss.yaml:1:10 `access` knows no key `users`. → Known keys: restricted.',
      ],
    ],
    [
      'a budget that is no number',
      'profile: {budgets: {latency_ms.p95: fast}}',
      [
        'error CTSS-C008 ctss.yaml:1:37 `profile.budgets.latency_ms.p95`: "fast" is not allowed. → A number in the unit that the name ends in, or a size such as 900Mi.',
      ],
    ],
    [
      'a budget below zero',
      'profile: {budgets: {latency_ms.p95: -1}}',
      ['error CTSS-C009 ctss.yaml:1:37 `profile.budgets.latency_ms.p95` is "-1" and must be >= 0.'],
    ],
    [
      'an empty expectation',
      'test: {trials: [{name: a, expect: [{}]}]}',
      [
        'error CTSS-C009 ctss.yaml:1:36 `test.trials[0].expect[0]` must not be empty. → What the plugin must publish. Without count, min_count or max_count: at least once.',
      ],
    ],
    [
      'a value that is a list',
      'test: {trials: [{name: a, expect: [{name: x, value: [1]}]}]}',
      ['error CTSS-C008 ctss.yaml:1:46 `test.trials[0].expect[0].value`: "[1]" is not allowed.'],
    ],
    ['a list', '- a', ['error CTSS-C004 ctss.yaml:1:undefined ctss.yaml must be a mapping of sections, such as training: and test:.']],
    ['no YAML', 'a: [', ['error CTSS-C001 ctss.yaml:1:5 The indentation does not fit the lines above. → Indent the entries of one mapping or list alike.']],
  ])('says what is wrong with %s', async (_, text, expected) => {
    expect(await problemsOf({ 'ctss.yaml': text })).toStrictEqual(expected)
  })

  it('is found as ctss.yml with a warning, and through a link that stays inside', async () => {
    expect(await problemsOf({ 'ctss.yml': 'test: {}' })).toStrictEqual([
      'warning CTSS-C010 ctss.yml:undefined:undefined The pipeline file is called ctss.yaml, not ctss.yml. → Rename it.',
    ])
    expect(await problemsOf({ 'ctss.yaml': { link: 'config/ctss.yaml' }, 'config/ctss.yaml': 'test: {}' })).toStrictEqual([])
    expect(await problemsOf({ 'ctss.yaml': { link: 'none' } })).toStrictEqual([
      'error CTSS-C020 ctss.yaml:undefined:undefined The pipeline file: there is no file "ctss.yaml" in the repository.',
    ])
  })
})

describe('an error that no message was written for', () => {
  it('is told in the validator’s words', () => {
    const { source } = parseYaml('ctss.yaml', Buffer.from('test: [1, 1]'))
    const errors = [
      { keyword: 'uniqueItems', instancePath: '/test', schemaPath: '#/x', params: {}, message: 'must NOT have duplicate items' },
      { keyword: 'if', instancePath: '', schemaPath: '#/if', params: {} },
    ]
    expect(describeSchemaErrors(errors, source!, {}).map(({ message }) => message)).toStrictEqual([
      '`test` must NOT have duplicate items.',
      'ctss.yaml is not allowed.',
    ])
  })
})

describe('the schema', () => {
  it('explains each pattern in words, as messages are made from them', () => {
    const silent: string[] = []
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return
      if ('pattern' in value && typeof value.pattern === 'string' && !('description' in value) && !path.endsWith('/propertyNames')) silent.push(path)
      if ('propertyNames' in value && !('description' in value)) silent.push(path)
      for (const [key, item] of Object.entries(value)) walk(item, `${path}/${key}`)
    }
    walk(pipelineFileSchema, 'ctss.yaml')
    expect(silent).toStrictEqual([])
  })
})
