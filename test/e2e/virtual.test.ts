import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Workplace } from '../support/ctss-process.ts'

const PLUGIN = `import sys, time
from waggle.plugin import Plugin
mode = sys.argv[1] if len(sys.argv) > 1 else "good"
with Plugin() as plugin:
    if mode == "silent": sys.exit(0)
    for index in range(3):
        plugin.publish("env.count.cloud", 7 if mode == "wrong" else index, meta={"camera": "top"})
    if mode == "few": sys.exit(0)
    if mode == "slow": time.sleep(600)
    if mode == "crash": raise FileNotFoundError("[Errno 2] could not open port /dev/ttyUSB0: No such file or directory: '/dev/ttyUSB0'")
    plugin.publish("plugin.heartbeat", 1)
`

const PIPELINE = `test:
  trials:
    - name: counts
      args: [MODE]
      timeout: 20s
      expect:
        - {name: env.count.cloud, meta: {camera: top}, count: 3, values: [0, 1, 2]}
        - {name: plugin.heartbeat, count: 1, value: 1}
`

/** A small plugin on the example's image layers, tried in every way that it can go wrong. */
describe('ctss test', () => {
  let place: Workplace
  let plugin = ''
  const native = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'
  const test = async (mode: string): ReturnType<Workplace['test']> => {
    await writeFile(join(plugin, 'ctss.yaml'), PIPELINE.replace('MODE', mode))
    return place.test(plugin, '--platform', native)
  }

  beforeAll(async () => {
    place = await Workplace.make()
    plugin = join(place.folder, 'cloud-counter')
    await mkdir(join(plugin, 'app'), { recursive: true })
    for (const file of ['Dockerfile', 'requirements.txt', 'app']) await cp(resolve('examples/smoke-detector', file), join(plugin, file), { recursive: true })
    await writeFile(join(plugin, 'app/main.py'), PLUGIN)
    await writeFile(
      join(plugin, 'sage.yaml'),
      `name: cloud-counter\nnamespace: zelda\nversion: "0.1.0"\ndescription: Counts clouds\nsource:\n  architectures: [linux/amd64, linux/arm64]\n`,
    )
  })
  afterAll(async () => place[Symbol.asyncDispose]())

  it('passes a plugin that publishes what is expected', async () => {
    const { status, trials } = await test('good')

    expect(trials).toMatchObject([{ name: 'counts', platform: native, outcome: 'passed', exitCode: 0, total: 4 }])
    expect(trials[0]?.messages.map(({ name, value }) => [name, value])).toEqual([
      ['env.count.cloud', 0],
      ['env.count.cloud', 1],
      ['env.count.cloud', 2],
      ['plugin.heartbeat', 1],
    ])
    expect(trials[0]?.messages[0]?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
    expect(status).toBe(0)
  })

  it.each([
    ['silent', /published nothing|found 0|found none/i],
    ['wrong', /env\.count\.cloud/],
    ['few', /plugin\.heartbeat/],
    ['slow', /time limit|timed out|20 s|20s/i],
    ['crash', /expected exit code 0, found 1/i],
  ])('stops a plugin that is %s, and names expectation and finding', async (mode, message) => {
    const { status, trials } = await test(mode)
    const told = trials[0]?.problems.map(({ message: text, suggestion, detail }) => `${text} ${suggestion} ${detail}`).join('\n') ?? ''

    expect(trials[0]?.outcome).toBe('failed')
    expect(told).toMatch(message)
    expect(status).toBe(1)
    if (mode === 'crash') expect(told).toContain('Traceback')
  })

  it('tries a plugin without pipeline file or manifest, with arguments', async () => {
    await rm(join(plugin, 'ctss.yaml'))
    await rm(join(plugin, 'sage.yaml'))

    expect((await place.test(plugin, '--', 'good')).trials).toMatchObject([{ outcome: 'passed', total: 4 }])
    expect((await place.test(plugin, '--', 'silent')).trials).toMatchObject([{ outcome: 'failed', total: 0 }])
  })

  it('says what a folder without a Dockerfile lacks', async () => {
    await rm(join(plugin, 'Dockerfile'))
    const { status, stderr } = await place.ctss('test', plugin)

    expect(status).toBe(2)
    expect(stderr).toContain('neither a manifest nor a Dockerfile')
  })
})
