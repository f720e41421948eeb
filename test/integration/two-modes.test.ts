import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { openVirtualWaggle } from '../../adapters/virtual-waggle/virtual-waggle.ts'
import type { TestbedSession } from '../../pipeline/ports/testbed.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { runVirtual, type VirtualRun } from '../../pipeline/virtual/virtual.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { openLab, type Lab } from '../support/plugins/lab.ts'
import { need, preparePlugins } from '../support/plugins/trials.ts'
import { makeStageContext } from '../support/train-stage.ts'

const prepared = preparePlugins()

/** One image, two ways to start it: one look as on a desk, five as on a node. The plugin publishes as many measurements as its argument says. */
function files(production = '[slow, "5", "0"]'): Readonly<Record<string, string>> {
  return {
    'sage.yaml':
      'name: cloud-counter\nnamespace: zelda\nversion: "0.1.0"\ndescription: Counts clouds\nlicense: MIT\nsource:\n  architectures: [linux/amd64, linux/arm64]\n',
    'ctss.yaml': `test:
  trials:
    - name: development
      args: [slow, "1", "0"]
      expect: [{name: env.test, count: 1}]
    - name: production
      args: ${production}
      expect: [{name: env.test, count: 5}]
`,
    Dockerfile: 'FROM python:3.11-slim\nCOPY main.py /\nENTRYPOINT ["python3", "/main.py"]\n',
    'main.py': '',
  }
}

describe('a plugin with arguments for development and for production', () => {
  let lab: Lab | string
  beforeAll(async () => {
    const plugins = await prepared
    lab = typeof plugins === 'string' ? plugins : await openLab(plugins)
  })
  afterAll(async () => {
    if (typeof lab !== 'string') await lab[Symbol.asyncDispose]()
  })

  async function tryModes(context: TestContext, repository: Readonly<Record<string, string>>): Promise<VirtualRun['result']> {
    const { docker, image, platform, session, blobs, folder } = need(context, lab)
    const tree = memoryTree(repository)
    const { pipeline, problems } = await readPipeline(tree)
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
    const { result } = await runVirtual(
      { ...makeStageContext(folder), tree, blobs },
      {
        pipeline: pipeline ?? expect.unreachable(),
        build: {
          kind: 'build',
          repository: 'local/plugins',
          platforms: [{ platform, outcome: 'passed', digest: `sha256:${'0'.repeat(64)}`, seconds: 0, emulated: false, steps: [] }],
        },
        nativePlatform: platform,
        testbed: { ...openVirtualWaggle({ docker, blobs }), open: () => Promise.resolve(withImage(session, image)) },
      },
    )
    return result
  }

  it('is tried with both, each trial with its own', async (context) => {
    const { outcome, problems, details } = await tryModes(context, files())
    expect(problems).toEqual([])
    expect(outcome).toBe('passed')
    expect(details).toMatchObject({
      kind: 'virtual',
      trials: [
        { name: 'development', args: ['slow', '1', '0'], outcome: 'passed', exitCode: 0, total: 1 },
        { name: 'production', args: ['slow', '5', '0'], outcome: 'passed', exitCode: 0, total: 5 },
      ],
    })
  })

  it.for([
    { what: 'crashes', args: '[crash, "5"]', found: { exitCode: 1, total: 5 }, message: /^trial production .*exit code 0, found 1/ },
    { what: 'publishes too little', args: '[slow, "4", "0"]', found: { exitCode: 0, total: 4 }, message: /^trial production .*env\.test/ },
  ])('fails the stage when it $what with the arguments of one, which is named', async ({ args, found, message }, context) => {
    const { outcome, problems, details } = await tryModes(context, files(args))
    expect(outcome).toBe('failed')
    expect(problems.map(({ message: text }) => text)).toEqual([expect.stringMatching(message)])
    expect(details).toMatchObject({
      kind: 'virtual',
      trials: [
        { name: 'development', outcome: 'passed', total: 1 },
        { name: 'production', outcome: 'failed', ...found },
      ],
    })
  })
})

/** The session, with an image that is on this machine and in no registry. */
function withImage(session: TestbedSession, image: string): TestbedSession {
  return {
    run: (trial, progress, signal) => session.run({ ...trial, image }, progress, signal),
    // It is shared: the last test closes it.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
