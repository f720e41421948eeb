import { describe, expect, it } from 'vitest'
import { DEFAULT_RUNNERS, platformRunner, readRunnerMap, stageRunner } from '../../../pipeline/runner-classes.ts'
import { makePipeline, makeTraining } from '../../support/pipeline.ts'

describe('a mapping of runners', () => {
  it.each([[undefined], [null]])('that is not given (%s) leaves the defaults', (value) => {
    expect(readRunnerMap(value)).toEqual({ map: DEFAULT_RUNNERS, complaints: [] })
  })

  it('changes what it names, a label or a list of labels, and leaves the rest', () => {
    const { map, complaints } = readRunnerMap({
      'linux/arm64': ['self-hosted', 'linux', 'arm64'],
      train: 'gpu-runner',
      'chameleon-gpu-A100': ['a100'],
      'waggle-wsn-nano.2': 'node',
    })

    expect(complaints).toEqual([])
    expect(map).toEqual({
      ...DEFAULT_RUNNERS,
      'linux/arm64': ['self-hosted', 'linux', 'arm64'],
      train: ['gpu-runner'],
      'chameleon-gpu-A100': ['a100'],
      'waggle-wsn-nano.2': ['node'],
    })
  })

  it.each([
    ['a text', 'gpu-runner'],
    ['a number', 7],
    ['a list', ['gpu-runner']],
  ])('is no mapping: %s', (_, value) => {
    expect(readRunnerMap(value)).toEqual({ map: DEFAULT_RUNNERS, complaints: ['it is not a mapping, such as {linux/arm64: [self-hosted, linux, arm64]}'] })
  })

  it('says all that is wrong at once', () => {
    const { complaints } = readRunnerMap({ 'linux/arm46': 'x', windows: 'x', train: [], node: 'x' })

    expect(complaints).toEqual([
      '`linux/arm46` is unknown: did you mean `linux/arm64`?',
      expect.stringMatching(/^`windows` is neither a platform nor a runner class; those are linux\/amd64, .*chameleon-gpu-<type>, waggle-<model>$/),
      'train: needs a label or a list of at most 16 labels',
    ])
  })

  it.each([
    ['nothing', null],
    ['an empty list', []],
    ['an empty text', ''],
    ['a number', 24],
    ['a number among labels', ['linux', 24]],
    ['a list in a list', [['linux']]],
    ['a mapping', { group: 'large' }],
    ['seventeen labels', Array.from({ length: 17 }, (_, index) => `label-${index}`)],
    ['a label of 129 characters', 'x'.repeat(129)],
    ['an expression', '${{ secrets.TOKEN }}'],
    ['a line end', 'linux\narm64'],
    ['a line end at the end', 'linux\n'],
    ['a quote', 'linux"'],
    ['a blank before it', ' linux'],
  ])('takes no label that is %s', (_, labels) => {
    expect(readRunnerMap({ train: labels }).complaints).toEqual(['train: needs a label or a list of at most 16 labels'])
    expect(readRunnerMap({ train: labels }).map).toEqual(DEFAULT_RUNNERS)
  })

  it.each([['__proto__'], ['constructor'], ['waggle-'], ['chameleon-gpu-$x'], [`waggle-${'x'.repeat(65)}`], ['linux/amd64\n']])('takes no class %j', (key) => {
    expect(readRunnerMap(JSON.parse(`{${JSON.stringify(key)}: "x"}`)).complaints).toHaveLength(1)
  })

  it('shows no more of an unknown key than a person can read', () => {
    expect(readRunnerMap({ ['q'.repeat(5000)]: 'x' }).complaints[0]?.length).toBeLessThan(300)
  })
})

describe('where a platform is built', () => {
  it.each([
    ['linux/amd64', { runner: ['ubuntu-24.04'], emulated: false }],
    ['linux/arm64', { runner: ['ubuntu-24.04-arm'], emulated: false }],
    ['linux/arm/v7', { runner: ['ubuntu-24.04'], emulated: true }],
  ])('%s at github.com', (platform, where) => {
    expect(platformRunner(platform, DEFAULT_RUNNERS)).toEqual(where)
  })

  it('is a machine of its own architecture where there is one', () => {
    expect(platformRunner('linux/arm/v7', { ...DEFAULT_RUNNERS, 'linux/arm/v7': ['raspberry'] })).toEqual({ runner: ['raspberry'], emulated: false })
  })

  it('is emulated on the machine for amd64, whichever that is', () => {
    expect(platformRunner('linux/arm/v7', { 'linux/amd64': ['big'] })).toEqual({ runner: ['big'], emulated: true })
  })

  it('is github.com’s where nothing is mapped', () => {
    expect(platformRunner('linux/amd64', {})).toEqual({ runner: ['ubuntu-24.04'], emulated: false })
    expect(platformRunner('linux/arm64', {})).toEqual({ runner: ['ubuntu-24.04'], emulated: true })
  })
})

describe('where a stage runs', () => {
  const GPU = { type: 'A100', count: 1 }
  const trains = (gpu: boolean | typeof GPU) => makePipeline({ training: makeTraining({ gpu }) })
  const classes = (...names: string[]) => ({ ...DEFAULT_RUNNERS, ...Object.fromEntries(names.map((name) => [name, [`on-${name}`]])) })
  const ALL = classes('chameleon-cpu', 'chameleon-gpu', 'chameleon-gpu-A100', 'waggle-nano', 'virtual', 'node', 'train')

  it.each([
    ['train', trains(false), ALL, 'on-chameleon-cpu'],
    ['train', trains(true), ALL, 'on-chameleon-gpu'],
    ['train', trains(GPU), ALL, 'on-chameleon-gpu-A100'],
    ['train', trains(GPU), classes('chameleon-gpu'), 'on-chameleon-gpu'],
    ['train', trains(GPU), classes('train'), 'on-train'],
    ['train', trains(true), DEFAULT_RUNNERS, 'ubuntu-24.04'],
    ['train', undefined, ALL, 'on-chameleon-cpu'],
    ['train', makePipeline({ training: undefined }), classes('train'), 'on-train'],
    ['virtual', trains(GPU), ALL, 'on-virtual'],
    ['node', makePipeline({ nodes: ['thor', 'nano'] }), ALL, 'on-waggle-nano'],
    ['node', makePipeline({ nodes: ['thor'] }), ALL, 'on-node'],
    ['node', undefined, ALL, 'on-node'],
    ['virtual', undefined, {}, 'ubuntu-24.04'],
  ] as const)('%s, case %#', (stage, pipeline, map, label) => {
    expect(stageRunner(stage, pipeline, map)).toEqual([label])
  })
})
