import { describe, expect, it } from 'vitest'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const DOCKERFILE = 'FROM debian:bookworm-slim\n  entrypoint ["python3", "/app/main.py"]\n'
const MANIFEST = {
  name: 'cloud-counter',
  version: '"1.2.3"',
  description: 'Counts clouds',
  license: 'MIT',
  source: '{architectures: [linux/amd64, linux/arm64]}',
}
const REPOSITORY = 'https://github.com/sky-lab/cloud-counter'

const write = (keys: Readonly<Record<string, string>>): string =>
  Object.entries(keys)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')

/** Every problem as `severity code file:line`. */
async function check(lines: Readonly<Record<string, string>>, files: Readonly<Record<string, MemoryFile>> = {}): Promise<readonly string[]> {
  const { problems } = await readPipeline(
    memoryTree({ 'sage.yaml': write({ ...MANIFEST, ...lines }), Dockerfile: DOCKERFILE, ...files }, { repository: REPOSITORY, commit: 'a'.repeat(40) }),
  )
  return problems.map(({ severity, code, place }) => `${severity} ${code} ${place?.file}:${place?.line ?? ''}`)
}

describe('rules about the manifest', () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['nothing', {}, []],
    ['namespace and name of 64 characters', { name: 'a'.repeat(58), namespace: 'skies' }, []],
    ['namespace and name of 65 characters', { name: 'a'.repeat(59), namespace: 'skies' }, ['error name-too-long sage.yaml:1']],
    ['a name that begins with a hyphen', { name: '-a' }, ['error name-not-an-image sage.yaml:1']],
    ['a name with three underscores', { name: 'a___b' }, ['error name-not-an-image sage.yaml:1']],
    ['a name with two underscores', { name: 'a__b' }, []],
    ['a version with a space', { version: '"1 0"' }, ['error version-not-a-tag sage.yaml:2', 'warning version-not-xyz sage.yaml:2']],
    ['a version with a slash', { version: '1/2' }, ['error version-not-a-tag sage.yaml:2', 'warning version-not-xyz sage.yaml:2']],
    ['a version of two parts', { version: '"1.0"' }, ['warning version-not-xyz sage.yaml:2']],
    ['a version of four parts', { version: '0.23.7.11' }, []],
    ['a version that begins with v', { version: 'v1' }, []],
    ['the version latest', { version: 'latest' }, []],
    ['a commit as version', { version: 'a1b2c3d' }, ['warning version-not-xyz sage.yaml:2']],
    ['a version with a suffix', { version: '1.2.3-rc.1' }, []],
    ['an empty version', { version: '""' }, ['warning version-missing sage.yaml:1']],
    ['no version', { version: '' }, ['warning version-missing sage.yaml:1']],
    ['a description of 65,535 bytes', { description: `"${'é'.repeat(32_767)}x"` }, []],
    ['a description of 65,536 bytes', { description: `"${'é'.repeat(32_768)}"` }, ['error too-long sage.yaml:3']],
    ['its own address', { source: `{url: "${REPOSITORY}.git", architectures: [linux/amd64]}` }, []],
    ['its own address by ssh', { source: '{url: "git@github.com:Sky-Lab/cloud-counter.git", architectures: [linux/amd64]}' }, []],
    ['another address', { source: '{url: "https://github.com/other/copy", architectures: [linux/amd64]}' }, ['warning url-elsewhere sage.yaml:5']],
    ['no licence', { license: '""' }, ['warning license-missing sage.yaml:4']],
    ['a licence of its own', { license: 'The license agreed by the laboratory' }, ['warning license-unknown sage.yaml:4']],
    ['a licence in words', { license: '"MIT (code), CC BY-NC-SA 4.0 (models)"' }, []],
    ['a licence in digits', { license: 'GPLv3' }, []],
    [
      'architectures that are long as JSON',
      { source: `{architectures: [${Array.from({ length: 20 }, () => 'linux/amd64').join(', ')}]}` },
      ['error too-long sage.yaml:5', ...Array.from({ length: 19 }, () => 'warning listed-twice sage.yaml:5')],
    ],
    [
      'build arguments of 256 characters as JSON',
      { source: `{architectures: [linux/amd64], build_args: {A: "${'x'.repeat(247)}"}}` },
      ['warning build-args-ignored sage.yaml:5'],
    ],
    [
      'build arguments of 257 characters as JSON',
      { source: `{architectures: [linux/amd64], build_args: {A: "${'x'.repeat(248)}"}}` },
      ['warning build-args-ignored sage.yaml:5', 'error too-long sage.yaml:5'],
    ],
    [
      'build arguments that grow by escapes',
      { source: `{architectures: [linux/amd64], build_args: {A: "${'é'.repeat(42)}"}}` },
      ['warning build-args-ignored sage.yaml:5', 'error too-long sage.yaml:5'],
    ],
    ['a resource of 257 characters as JSON', { resources: `[{type: camera}, {type: "${'x'.repeat(245)}"}]` }, ['error too-long sage.yaml:6']],
    ['a resource of 256 characters as JSON', { resources: `[{type: "${'x'.repeat(244)}"}]` }, []],
    ['32-bit Arm beside others', { source: '{architectures: [linux/amd64, linux/arm/v7]}' }, ['warning never-scheduled sage.yaml:5']],
    ['32-bit Arm alone', { source: '{architectures: [linux/arm/v7]}' }, ['warning never-scheduled sage.yaml:5']],
    ['a misspelled key of source', { source: '{architectures: [linux/amd64], dockerfil: Dockerfile}' }, ['warning key-ignored sage.yaml:5']],
    ['another key of source', { source: '{architectures: [linux/amd64], testing: {}}' }, ['warning key-ignored sage.yaml:5']],
    ['build arguments', { source: '{architectures: [linux/amd64], build_args: {A: b}}' }, ['warning build-args-ignored sage.yaml:5']],
    ['no build arguments', { source: '{architectures: [linux/amd64], build_args: {}}' }, []],
    [
      'what the ECR drops',
      { testing: '{command: [python3]}', arguments: '[speed]', depends_on: '""', baseCommand: '' },
      ['warning key-ignored sage.yaml:6', 'warning key-ignored sage.yaml:7'],
    ],
    ['an input twice', { inputs: '[{id: a, type: int}, {id: a, type: int}]' }, ['warning listed-twice sage.yaml:6']],
    ['an input with dashes', { inputs: '[{id: --rate, type: string}]' }, ['warning input-with-dashes sage.yaml:6']],
    [
      'defaults that fit',
      {
        inputs:
          '[{id: a, type: int, default: 5}, {id: b, type: float, default: "0.5"}, {id: c, type: boolean, default: false}, {id: d, type: string, default: 3}, {id: e, type: long, default: ""}, {id: f, type: double, default: 1}]',
      },
      [],
    ],
    ['a default that does not fit', { inputs: '[{id: a, type: int, default: 0.5}]' }, ['warning default-of-other-type sage.yaml:6']],
    ['defaults that do not fit', { inputs: '[{id: b, type: double, default: x}]' }, ['warning default-of-other-type sage.yaml:6']],
    ['a boolean default in words', { inputs: '[{id: c, type: boolean, default: "maybe"}]' }, ['warning default-of-other-type sage.yaml:6']],
    [
      'values of every wrong kind',
      { name: '[1]', version: '{a: 1}', source: '[1]', inputs: '{a: 1}', license: '[]' },
      [
        'error wrong-type sage.yaml:1',
        'error wrong-type sage.yaml:2',
        'warning version-missing sage.yaml:1',
        'error wrong-type sage.yaml:4',
        'warning license-missing sage.yaml:4',
        'error wrong-type sage.yaml:5',
        'error wrong-type sage.yaml:6',
      ],
    ],
  ])('find %s', async (_, lines, expected) => {
    expect((await check(lines)).toSorted()).toStrictEqual([...expected].toSorted())
  })

  it('compares no address when the repository has none', async () => {
    const { problems } = await readPipeline(
      memoryTree({ 'sage.yaml': write({ ...MANIFEST, source: '{url: "https://github.com/o/r", architectures: [linux/amd64]}' }), Dockerfile: DOCKERFILE }),
    )
    expect(problems).toStrictEqual([])
  })
})

describe('rules about the tree', () => {
  const source = (text: string) => ({ source: `{architectures: [linux/amd64], ${text}}` })

  it.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, MemoryFile>>, readonly string[]]>([
    ['a Dockerfile in a folder', source('directory: app, dockerfile: Dockerfile.arm'), { 'app/Dockerfile.arm': DOCKERFILE }, []],
    ['a Dockerfile through a link', source('directory: link'), { 'app/Dockerfile': DOCKERFILE, link: { link: 'app' } }, []],
    ['no such Dockerfile', source('dockerfile: other'), {}, ['error path-missing sage.yaml:5']],
    ['no such folder', source('directory: app'), {}, ['error path-missing sage.yaml:5']],
    ['a file as the folder', source('directory: Dockerfile'), {}, ['error path-of-other-kind sage.yaml:5']],
    ['a folder as the Dockerfile', source('dockerfile: app'), { 'app/x': 'x' }, ['error path-of-other-kind sage.yaml:5']],
    ['a folder above', source('directory: ../..'), {}, ['error path-outside sage.yaml:5']],
    ['an absolute folder', source('directory: /etc'), {}, ['error path-outside sage.yaml:5']],
    ['an absolute Dockerfile', source('dockerfile: /etc/passwd'), {}, ['error path-outside sage.yaml:5']],
    ['a Dockerfile above', source('dockerfile: ../Dockerfile'), {}, ['error path-outside sage.yaml:5']],
    ['a Dockerfile above its folder', source('directory: app, dockerfile: ../Dockerfile'), { 'app/x': 'x' }, ['error path-outside sage.yaml:5']],
    ['a folder that is a link out', source('directory: link'), { link: { link: '../..' } }, ['error path-outside sage.yaml:5', 'warning link-outside link:']],
    [
      'a Dockerfile that is a link out',
      source('dockerfile: link'),
      { link: { link: '/etc/passwd' } },
      ['error path-outside sage.yaml:5', 'warning link-outside link:'],
    ],
    [
      'a Dockerfile that is a link in a circle',
      source('dockerfile: link'),
      { link: { link: 'link' } },
      ['error path-outside sage.yaml:5', 'warning link-outside link:'],
    ],
    [
      'a folder in a submodule',
      source('directory: lib/app'),
      { lib: { submodule: 'a'.repeat(40) } },
      ['error path-in-submodule sage.yaml:5', 'warning submodule lib:'],
    ],
    ['no ENTRYPOINT', {}, { Dockerfile: 'FROM x\n# ENTRYPOINT y\nCMD ["z"]\n' }, ['warning no-entrypoint Dockerfile:']],
    ['a submodule', {}, { lib: { submodule: 'a'.repeat(40) } }, ['warning submodule lib:']],
    [
      'links out of the repository',
      {},
      { out: { link: '../x' }, round: { link: 'round' }, inner: { link: 'Dockerfile' } },
      ['warning link-outside out:', 'warning link-outside round:'],
    ],
    [
      'the three files of ecr-meta',
      {},
      {
        'ecr-meta/ecr-icon.jpg': '',
        'ecr-meta/ecr-science-image.jpg': '',
        'ecr-meta/ecr-science-description.md': '',
        'ecr-meta/README.md': '',
        'ecr-meta/ecr-project-url.txt': '',
        'ecr-meta/old/icon.jpg': '',
        'ecr-meta/notes.doc': '',
      },
      [],
    ],
    [
      'misspelled files of ecr-meta',
      {},
      { 'ecr-meta/ecr_science_image.jpg': '', 'ecr-meta/ecr-science.description.md': '', 'ecr-meta/icon.jpg': '' },
      [
        'warning metadata-misspelled ecr-meta/ecr-science.description.md:',
        'warning metadata-misspelled ecr-meta/ecr_science_image.jpg:',
        'warning metadata-misspelled ecr-meta/icon.jpg:',
      ],
    ],
    [
      'files of ecr-meta of another kind',
      {},
      { 'ecr-meta/ecr-icon.PNG': '', 'ecr-meta/ecr-sciencec-description.txt': '' },
      ['warning metadata-misspelled ecr-meta/ecr-icon.PNG:', 'warning metadata-misspelled ecr-meta/ecr-sciencec-description.txt:'],
    ],
    ['a misspelled file beside the right one', {}, { 'ecr-meta/ecr-icon.jpg': '', 'ecr-meta/ecr-icon.png': '' }, []],
    ['a misspelled ecr-meta', {}, { 'ecr_meta/a': '', 'ecr_meta/b': '', 'ecr-metadata/c': '' }, ['warning metadata-misspelled ecr_meta/a:']],
    [
      'ecr-meta in the build context only',
      source('directory: ./app/'),
      { 'app/Dockerfile': DOCKERFILE, 'app/ecr-meta/ecr-icon.jpg': '' },
      ['warning metadata-not-fetched sage.yaml:'],
    ],
    ['a tag without a branch', source('tag: v1'), { 'ecr-meta/ecr-icon.jpg': '' }, ['warning metadata-not-fetched sage.yaml:5']],
    ['a tag with a branch', source('tag: v1, branch: main'), { 'ecr-meta/ecr-icon.jpg': '' }, []],
    ['an image that is too large', {}, { 'ecr-meta/ecr-icon.jpg': Buffer.alloc(16 * 2 ** 20) }, ['warning metadata-too-large ecr-meta/ecr-icon.jpg:']],
  ])('find %s', async (_, lines, files, expected) => {
    expect(await check(lines, files)).toStrictEqual([...expected].toSorted((a, b) => (a.split(' ')[2]! < b.split(' ')[2]! ? -1 : 1)))
  })

  it('names the Dockerfiles that there are', async () => {
    const { problems } = await readPipeline(memoryTree({ 'sage.yaml': write(MANIFEST), 'build/dockerfile': 'x', 'arm.Dockerfile': 'x', 'Dockerfile.gpu': 'x' }))
    expect(problems).toMatchObject([{ code: 'path-missing', suggestion: 'The repository holds Dockerfile.gpu, arm.Dockerfile, build/dockerfile.' }])
  })
})

describe('rules about ctss.yaml', () => {
  const DIGEST = 'a'.repeat(64)
  const FILES = { 'train/Dockerfile': 'FROM x', 'data/clouds/a.png': '', 'tests/inputs/a.png': '' }

  it.each<[string, string, readonly string[]]>([
    ['nothing', '', []],
    ['a comment', '# later', []],
    [
      'everything that is right',
      `
training:
  dockerfile: train/Dockerfile
  command: [python3, train.py]
  datasets: [{name: clouds, uri: data/clouds, sha256: ${DIGEST}}, {name: more, uri: "https://example.org/x", sha256: ${DIGEST}}, {name: files, uri: "file:///data/x", sha256: ${DIGEST}}]
  gates: [{metric: accuracy, min: 0.9, max: 1}]
model: {path: app/model, from: train}
test:
  trials:
    - {name: one, inputs: tests/inputs, camera: {top: tests/inputs/a.png}, platforms: [linux/arm64], expect: [{name: "env.*", count: 3, values: [1, 2, 3], tolerance: 0.1, min_count: 1, max_count: 3}]}
    - {name: two}
`,
      [],
    ],
    ['training without its Dockerfile', 'training: {dockerfile: train/none, command: [x]}', ['error path-missing ctss.yaml:1']],
    ['training with a Dockerfile outside', 'training: {dockerfile: ../Dockerfile, command: [x]}', ['error path-outside ctss.yaml:1']],
    [
      'data that is not there',
      `training: {image: x, command: [x], datasets: [{name: a, uri: data/none, sha256: ${DIGEST}}]}`,
      ['error path-missing ctss.yaml:1'],
    ],
    [
      'data by another way',
      `training: {image: x, command: [x], datasets: [{name: a, uri: "ftp://x", sha256: ${DIGEST}}]}`,
      ['error address-of-other-kind ctss.yaml:1'],
    ],
    [
      'two sets of data of one name',
      `training: {image: x, command: [x], datasets: [{name: a, uri: data/clouds, sha256: ${DIGEST}}, {name: a, uri: data/clouds, sha256: ${DIGEST}, croissant: data/none.json}]}`,
      ['error listed-twice ctss.yaml:1', 'error path-missing ctss.yaml:1'],
    ],
    ['a gate that nothing passes', 'training: {image: x, command: [x], gates: [{metric: a, min: 2, max: 1}]}', ['error empty-range ctss.yaml:1']],
    ['inputs outside', 'test: {trials: [{name: a, inputs: ../secrets}]}', ['error path-outside ctss.yaml:1']],
    ['inputs through a link out', 'test: {trials: [{name: a, inputs: link/x}]}', ['error path-outside ctss.yaml:1', 'warning link-outside link:']],
    ['inputs that are not there', 'test: {trials: [{name: a, inputs: none}]}', ['error path-missing ctss.yaml:1']],
    ['a camera without images', 'test: {trials: [{name: a, camera: {top: none}}]}', ['error path-missing ctss.yaml:1']],
    ['a golden file to be recorded', 'test: {trials: [{name: a, golden: tests/golden.ndjson}]}', ['warning golden-missing ctss.yaml:1']],
    ['a golden file that is a folder', 'test: {trials: [{name: a, golden: tests}]}', ['error path-of-other-kind ctss.yaml:1']],
    ['two trials of one name', 'test: {trials: [{name: a}, {name: a}]}', ['error listed-twice ctss.yaml:1']],
    ['a trial for what is not built', 'test: {trials: [{name: a, platforms: [linux/arm/v7]}]}', ['error platform-not-built ctss.yaml:1']],
    ['a name that nothing publishes', 'test: {trials: [{name: a, expect: [{name: "anomaly-detector"}]}]}', ['error never-published ctss.yaml:1']],
    [
      'counts that cannot be',
      'test: {trials: [{name: a, expect: [{name: a, min_count: 3, max_count: 1}, {name: b, count: 2, values: [1]}]}]}',
      ['error empty-range ctss.yaml:1', 'error empty-range ctss.yaml:1'],
    ],
    ['a tolerance of nothing', 'test: {trials: [{name: a, expect: [{name: a, tolerance: 1}]}]}', ['warning says-nothing ctss.yaml:1']],
    ['a model that nobody trains', 'model: {path: app/model, from: train}', ['error nothing-to-train ctss.yaml:1']],
    ['a model at the root', `model: {path: ., uri: data/clouds, sha256: ${DIGEST}}`, ['error path-of-other-kind ctss.yaml:1']],
    ['a model outside', `model: {path: ../model, uri: data/clouds, sha256: ${DIGEST}}`, ['error path-outside ctss.yaml:1']],
  ])('find %s', async (_, text, expected) => {
    const files = { ...FILES, 'ctss.yaml': text, ...(text.includes('link') && { link: { link: '/etc' } }) }
    expect(await check({}, files)).toStrictEqual(expected)
  })

  it('find a model that the build context cannot see', async () => {
    const files = { 'app/Dockerfile': DOCKERFILE, 'ctss.yaml': `model: {path: model, uri: "https://example.org/m", sha256: ${DIGEST}}` }
    expect(await check({ source: '{architectures: [linux/amd64], directory: app}' }, files)).toStrictEqual(['error path-outside ctss.yaml:1'])
    expect(
      await check(
        { source: '{architectures: [linux/amd64], directory: app}' },
        { ...files, 'ctss.yaml': files['ctss.yaml'].replace('path: model', 'path: app/model') },
      ),
    ).toStrictEqual([])
  })
})
