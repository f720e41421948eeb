import { describe, expect, it } from 'vitest'

import { ARGUMENT_RULES } from '../../../../pipeline/validate/rules/python-rules-arguments.ts'
import { manifestWithInputs, programWithFlags } from '../../../../pipeline/validate/rules/python-examples.ts'
import { NETWORK_RULES } from '../../../../pipeline/validate/rules/python-rules-network.ts'
import { PLUGIN_RULES } from '../../../../pipeline/validate/rules/python-rules-plugin.ts'
import { PUBLISH_RULES } from '../../../../pipeline/validate/rules/python-rules-publish.ts'
import { PYTHON_RULES } from '../../../../pipeline/validate/rules/python-rules.ts'
import type { RepositoryRule } from '../../../../pipeline/validate/rule.ts'
import { brief, check, inPlugin, mended } from './python/facts.ts'
import type { Files } from './python/facts.ts'

const HEAD = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n'
const MAIN = 'ENTRYPOINT ["python3", "main.py"]\n'

/** Codes and lines of what rules find: `P001:4`. */
async function codes(rules: readonly RepositoryRule[], files: Files): Promise<readonly string[]> {
  return brief(await check(rules, files)).map((line) => line.replace(/ main\.py:(\d+):\d+$/, ':$1').replace(/ sage\.yaml:(\d+):\d+$/, ' yaml:$1'))
}

describe('the rules about Python', () => {
  it('have examples that show them', async () => {
    for (const rule of PYTHON_RULES) {
      if ('none' in rule.example) continue
      expect(await codes([rule], rule.example.bad), rule.code).not.toStrictEqual([])
      expect(await codes([rule], rule.example.good ?? {}), rule.code).toStrictEqual([])
    }
    expect(await codes(PYTHON_RULES, {})).toStrictEqual([])
  })

  it('find nothing in what is no Python, and where there is none', async () => {
    expect(await codes(PYTHON_RULES, { 'main.py': 'plugin.publish("A-B" '.repeat(2000) })).toStrictEqual([])
    expect(await codes(PYTHON_RULES, { 'main.py': '\0'.repeat(9999) })).toStrictEqual([])
  })
})

describe('names', () => {
  it.each<readonly [string, string | undefined, string?]>([
    ['"env.temperature"', undefined],
    ['"a" * 3', undefined],
    ['name', undefined],
    ['f"env.{x}.count"', undefined],
    ['"env." + x', undefined],
    ['"anomaly-detector"', 'has "-" in it', 'anomaly_detector'],
    ['"Prediction:"', 'has capitals and ":" in it', 'prediction'],
    ['"Error"', 'has capitals', 'error'],
    ['"Data: x"', 'has capitals, ":" and a blank in it', 'data_x'],
    ['"a..b"', 'has an empty part', 'a.b'],
    ['""', 'is empty'],
    ['"---"', 'has "-" in it'],
    ['"up\\x07load"', 'a control character'],
    ['"Upload"', 'has capitals'],
    ['"upload"', 'is reserved for files'],
    [`"${'a'.repeat(129)}"`, 'has 129 characters', 'a'.repeat(128)],
    ['f"env.{x}.Count"', 'has capitals'],
    ['"%s-%d" % (a, b)', 'has "-" in it'],
    ['"cloud-{}".format(x)', 'has "-" in it'],
  ])('%s', async (name, message, better) => {
    const problems = await check(PUBLISH_RULES, { 'main.py': inPlugin(`plugin.publish(${name}, 1)`) })
    expect(problems.map((problem) => problem.message)).toStrictEqual(message === undefined ? [] : [expect.stringContaining(message)])
    if (better !== undefined) expect(mended(problems, 'main.py', inPlugin(`plugin.publish(${name}, 1)`))).toContain(`plugin.publish("${better}", 1)`)
    else expect(problems.flatMap(({ fix }) => fix ?? [])).toStrictEqual([])
  })

  it('are wrong where they are written', async () => {
    expect(
      await codes(PUBLISH_RULES, { 'main.py': `TOPIC = "A-B"\n${inPlugin('plugin.publish(TOPIC, 1)', 'with plugin.timeit("Load"): pass')}` }),
    ).toStrictEqual(['P001:1', 'P001:6'])
  })

  it.each<readonly [string, string, readonly string[]]>([
    ['a plugin of another name', 'from waggle.plugin import Plugin as P\nwith P() as p:\n  p.publish("A", 1)', ['P001:3']],
    ['an attribute', 'from waggle.plugin import Plugin\nclass A:\n  def f(self):\n    self.p = Plugin()\n    self.p.publish("A", 1)', ['P001:5']],
    ['a parameter', 'def f(plugin): plugin.publish("A", 1)', ['P001:1']],
    ['an attribute called plugin', 'import waggle.plugin\nself.plugin.publish("A", 1)', ['P001:2']],
    ['one that is made on the spot', 'from waggle.plugin import Plugin\nPlugin().publish("A", 1)', ['P001:2']],
    ['another library', 'import paho\nclient = paho.Client()\nclient.publish("A/b", 1)', []],
    ['another library’s plugin', 'plugin = paho.Client()\nplugin.publish("A/b", 1)', []],
    ['a function', 'def publish(): pass\npublish("A", 1)', []],
    ['something that a call gives', 'from waggle.plugin import Plugin\nget().publish("A", 1)', []],
    ['another class in a with', 'from waggle.plugin import Plugin\nwith Other() as p: p.publish("A", 1)\nwith other as q: q.publish("A", 1)', []],
  ])('count for %s', async (_, text, expected) =>
    expect((await codes(PUBLISH_RULES, { 'main.py': text })).filter((code) => code.startsWith('P001'))).toStrictEqual(expected),
  )

  it('count with every pywaggle', async () => {
    expect(
      await codes(PUBLISH_RULES, { 'main.py': inPlugin('plugin.publish("A", [1], meta={"a": 1}, timestamp=1)'), 'requirements.txt': 'pywaggle==0.43.2' }),
    ).toStrictEqual(['P001:4'])
  })
})

describe('values', () => {
  it.each<readonly [string, string | undefined]>([
    ['1', undefined],
    ['"a"', undefined],
    ['True', undefined],
    ['f(x)', undefined],
    ['np.float64(x)', undefined],
    ['np.mean(x)', undefined],
    ['json.dumps([1])', undefined],
    ['[1]', 'a list'],
    ['[x for x in y]', 'a list'],
    ['(1, 2)', 'a tuple'],
    ['{1}', 'a set'],
    ['{"a": 1}', 'a dict'],
    ['None', 'None'],
    ['b"a"', 'bytes'],
    ['np.float32(x)', 'a numpy.float32'],
    ['np.array(x)', 'a NumPy array'],
    ['f()()', undefined],
  ])('%s', async (value, what) => {
    const problems = await check(PUBLISH_RULES, { 'main.py': `import numpy as np\n${inPlugin(`plugin.publish("a", ${value})`)}` })
    expect(problems.map(({ message }) => message)).toStrictEqual(what === undefined ? [] : [expect.stringContaining(`is ${what}:`)])
  })

  it('may stand by name', async () =>
    expect(await codes(PUBLISH_RULES, { 'main.py': inPlugin('plugin.publish(value=[1], name="a")', 'plugin.publish("a")') })).toStrictEqual(['P002:4']))
})

describe('timestamps', () => {
  it.each<readonly [string, string | undefined]>([
    ['time.time_ns()', undefined],
    ['get_timestamp()', undefined],
    ['int(time.time() * 1e9)', undefined],
    ['int(1e9 * time.time())', undefined],
    ['round(time.time() * 1_000_000_000)', undefined],
    ['1700000000000000000', undefined],
    ['None', undefined],
    ['0', undefined],
    ['x', undefined],
    ['x.timestamp()', undefined],
    ['x.now().timestamp()', undefined],
    ['f(x)(y)', undefined],
    ['int(x)', undefined],
    ['-x', undefined],
    ['time.time() + x', undefined],
    ['x * time.time()', undefined],
    ['time.time() ** 2', undefined],
    ['int(int(int(int(int(int(time.time()))))))', undefined],
    ['time.time()', 'a float of seconds'],
    ['time.time() * 1e9', 'a float'],
    ['time.time_ns() / 1', 'a float'],
    ['int(time.time())', 'in seconds'],
    ['int(time.time() * 1000)', 'in milliseconds'],
    ['int(time.time() * 1e6)', 'in microseconds'],
    ['time.time_ns() // 100', 'in another unit'],
    ['datetime.now().timestamp()', 'a float of seconds'],
    ['int(datetime.utcnow().timestamp())', 'in seconds'],
    ['1700000000', '1700000000, which is before the year 2000'],
    ['1.5', 'a float'],
    ['"2020-01-01"', 'a text'],
    ['f"{x}"', 'a text'],
  ])('%s', async (timestamp, what) => {
    const text = `import time\nfrom datetime import datetime\n${inPlugin(`plugin.publish("a", 1, timestamp=${timestamp})`)}`
    const problems = await check(PUBLISH_RULES, { 'main.py': text })
    expect(problems.map(({ message }) => message)).toStrictEqual(what === undefined ? [] : [expect.stringContaining(`The timestamp is ${what}:`)])
  })

  it('are followed by name, and count for uploads', async () => {
    const text = `import time\n${inPlugin('now = time.time()', 'plugin.upload_file("a", timestamp=now)', 'plugin.publish("a", 1, {}, int(now))')}`
    expect(await codes(PUBLISH_RULES, { 'main.py': text })).toStrictEqual(['P003:6', 'P003:7'])
  })

  it('are not judged where int is another', async () => {
    expect(
      await codes(PUBLISH_RULES, { 'main.py': `import time\ndef int(x): pass\n${inPlugin('plugin.publish("a", 1, timestamp=int(time.time()))')}` }),
    ).toStrictEqual([])
  })
})

describe('meta', () => {
  const withMeta = (meta: string): string => `import time\n${inPlugin(`plugin.publish("a", 1, ${meta})`)}`

  it.each<readonly [meta: string, ...messages: readonly string[]]>([
    ['{"a": "b", **more}'],
    ['{"a": str(1), "b": x, "c": f"{x}"}'],
    ['more'],
    ['f()'],
    ['{"a": 1}', 'meta "a" is a number'],
    ['{"a": x, b: True}', 'A value of meta is a boolean'],
    ['{"a": len(x), "b": time.time()}', 'meta "a" is what len() gives', 'meta "b" is what time.time() gives'],
    ['"a"', 'meta is a text'],
    ['1700000000', 'meta is a number'],
  ])('%s', async (meta, ...messages) => {
    const problems = await check(PUBLISH_RULES, { 'main.py': withMeta(meta) })
    expect(problems.map(({ message }) => message)).toStrictEqual(messages.map((message) => expect.stringContaining(message) as unknown))
  })

  it.each([
    ['{"a": 1}', '{"a": "1"}'],
    ['{"a": x, b: True}', '{"a": x, b: "True"}'],
    ['{"a": None, "b": [1]}', '{"a": str(None), "b": str([1])}'],
    ['{"a": len(x), "b": time.time()}', '{"a": str(len(x)), "b": str(time.time())}'],
  ])('%s becomes %s', async (meta, better) =>
    expect(mended(await check(PUBLISH_RULES, { 'main.py': withMeta(meta) }), 'main.py', withMeta(meta))).toBe(withMeta(better)),
  )
})

describe('scopes', () => {
  it.each<readonly [string, readonly string[]]>([
    ['"all"', []],
    ['"node"', []],
    ['x', []],
    ['"local"', ['P005:4']],
  ])('%s', async (scope, expected) =>
    expect(await codes(PUBLISH_RULES, { 'main.py': inPlugin(`plugin.publish("a", 1, scope=${scope})`) })).toStrictEqual(expected),
  )
})

describe('the use of pywaggle', () => {
  const find = (text: string, files: Files = {}): Promise<readonly string[]> => codes(PLUGIN_RULES, { 'main.py': text, ...files })

  it.each<readonly [string, string, readonly string[]]>([
    ['init of the module', 'import waggle.plugin as plugin\nplugin.init()\nplugin.publish("a", 1)', ['P010:2']],
    ['init of something else', 'import plugin\nplugin.init()\nx.init()', []],
    ['a plugin that is never opened', 'from waggle.plugin import Plugin\np = Plugin()\ndef f():\n  p.publish("a", 1)\n  p.upload_file("a")', ['P011:4']],
    ['one that is opened later', 'from waggle.plugin import Plugin\np = Plugin()\nwith p: p.publish("a", 1)', []],
    ['one that is opened by hand', 'from waggle.plugin import Plugin\np = Plugin()\np.__enter__()\np.publish("a", 1)', []],
    ['one that is handed on', 'from waggle.plugin import Plugin\np = Plugin()\nstack.enter_context(p)\np.publish("a", 1)', []],
    ['one that may be handed on', 'from waggle.plugin import Plugin\np = Plugin()\nf(*x)\np.publish("a", 1)', []],
    ['one that is made twice', 'from waggle.plugin import Plugin\np = Plugin()\np = Plugin()\np.publish("a", 1)', []],
    ['one that comes from elsewhere', 'from waggle.plugin import Plugin\np = make()\nself.p = Plugin()\np.publish("a", 1)', []],
    ['one that nobody keeps', 'from waggle.plugin import Plugin\nPlugin().publish("a", 1)', ['P011:2']],
    ['one of an object', 'from waggle.plugin import Plugin\nself.plugin = Plugin()\nself.plugin.publish("a", 1)', []],
    ['a camera by number', 'from waggle.data.vision import Camera\nCamera(0).snapshot()\nplugin.publish("a", 1)', ['P012:2']],
    ['a camera by number, by name', 'from waggle.data.vision import Camera\nwith Camera(device=0) as c: pass', ['P012:2']],
    ['cameras by name', 'from waggle.data.vision import Camera\nCamera("top")\nCamera(x)\nCamera(*x)\nCamera(device="a")', []],
    ['nothing published', 'from waggle.plugin import Plugin\nwith Plugin() as plugin:\n  print(1)', ['P014:2']],
    ['a function that publishes', 'from waggle.plugin import Plugin\nwith Plugin() as plugin:\n  f(plugin.publish)', []],
    ['no plugin', 'print(1)', []],
    ['names from everywhere', 'from waggle.plugin import *\nfrom x import *\nwith Plugin() as p: f(p)', []],
    ['what is no Python', 'from waggle.plugin import Plugin\nx = = 1\nPlugin()', []],
    ['a device', 'open("/dev/ttyUSB0")\nopen("/dev/null")\nopen(x)', ['P015:1']],
    ['a camera of the machine', 'import cv2\ncv2.VideoCapture(0)\ncv2.VideoCapture("rtsp://x")', ['P015:2']],
    ['a serial line', 'import serial\nserial.Serial(x)', ['P015:2']],
  ])('%s', async (_, text, expected) => expect(await find(text)).toStrictEqual(expected))

  it('counts by the image’s pywaggle', async () => {
    const init = await check(PLUGIN_RULES, { 'main.py': 'from waggle import plugin\nplugin.init()\n', 'requirements.txt': 'pywaggle==0.49.0' })
    expect(init.map(({ message }) => message)).toStrictEqual(['plugin.init() works with pywaggle 0.49.0, and with none after 0.50.0.'])
    expect(await find('from waggle.data.vision import Camera\nCamera()', { 'requirements.txt': 'pywaggle==0.56.0' })).toStrictEqual([])
    const text = 'from waggle.plugin import Plugin\nwith Plugin() as plugin:\n  with plugin.timeit("a"): pass\n'
    expect(await find(text, { 'requirements.txt': 'pywaggle==0.49.0' })).toStrictEqual(['P013:2'])
    expect(await find(text, { 'requirements.txt': 'pywaggle==0.50.0' })).toStrictEqual(['P013:3'])
    expect(await find(text, { 'requirements.txt': 'pywaggle==0.51.0' })).toStrictEqual([])
    expect(await find(text.replace('Plugin()', 'Plugin(c)'), { 'requirements.txt': 'pywaggle==0.49.0' })).toStrictEqual(['P013:3'])
    expect(await find(text.replace('waggle.plugin', 'other'), { 'requirements.txt': 'pywaggle==0.49.0' })).toStrictEqual([])
    expect(await find(text, { Dockerfile: 'FROM waggle/plugin-base:1.1.1-base\nCOPY main.py /app/\nENTRYPOINT ["python3", "/app/main.py"]\n' })).toStrictEqual(
      [],
    )
  })
})

describe('inputs and flags', () => {
  const find = (inputs: readonly string[], flags: readonly string[], files: Files = {}): Promise<readonly string[]> =>
    codes(ARGUMENT_RULES, { 'sage.yaml': manifestWithInputs(...inputs), 'main.py': programWithFlags(...flags), ...files })
  const both = '"-rate", "--rate"'

  it.each<readonly [string, readonly string[], readonly string[], readonly string[]]>([
    ['agree', ['id: rate, type: int, default: 5'], [`${both}, type=int, default=5`], []],
    ['a flag that is not there', ['id: rats, type: int'], [both], ['P020 yaml:8']],
    ['a flag that is there twice', ['id: rate, type: int', 'id: rate, type: int'], ['"--rate"'], ['P021:6']],
    ['a flag that is far from there', ['id: x, type: int'], [both], ['P020 yaml:8', 'P026 yaml:7']],
    ['no flags at all', ['id: x, type: int'], [], ['P020 yaml:8']],
    ['a positional argument', ['id: rate, type: int'], ['"rate"'], ['P020 yaml:8']],
    ['two dashes', ['id: rate, type: string'], ['"--rate"'], ['P021:6']],
    ['ids that are no flags', ['id: "a b", type: int', 'id: 5, type: int', 'type: int', 'id: "--", type: int'], [], []],
    ['a boolean with a value', ['id: rate, type: boolean'], [`${both}, type=bool`], ['P022:6']],
    ['a boolean with many', ['id: rate, type: boolean'], [`${both}, nargs="+"`], ['P022:6']],
    ['a boolean with a value or none', ['id: rate, type: boolean'], [`${both}, nargs="?"`], []],
    ['a switch with a value', ['id: rate, type: string'], [`${both}, action="store_true"`], ['P023 yaml:8']],
    ['a switch without a type', ['id: rate'], [`${both}, action="store_true"`], []],
    ['a float for an int', ['id: rate, type: float'], [`${both}, type=int`], ['P024 yaml:8']],
    ['a text for a float', ['id: rate, type: string'], [`${both}, type=float`], ['P029 yaml:8']],
    ['a double for a float', ['id: rate, type: double'], [`${both}, type=float`], []],
    ['a text for a switch', ['id: rate, type: boolean'], [`${both}, action="store_true", type=int`], []],
    ['an int for a float', ['id: rate, type: int'], [`${both}, type=float`], []],
    ['a long for an int', ['id: rate, type: long'], [`${both}, type=int`], []],
    ['another default', ['id: rate, type: int, default: 5'], [`${both}, type=int, default=6`], ['P025 yaml:8']],
    ['a default that the program has not', ['id: rate, type: int, default: 5'], [`${both}, type=int, default=None`], ['P025 yaml:8']],
    ['a default that nobody says', ['id: rate, type: int, default: 5'], [`${both}, type=int`], []],
    ['a default that is computed', ['id: rate, type: int, default: 5'], [`${both}, type=int, default=f()`], []],
    ['a default that is empty', ['id: rate, type: string, default: ""', 'id: x, type: string, default:'], [`${both}, default="a"`, '"-x", default="a"'], []],
    ['a default that is no value', ['id: rate, type: string, default: [1]'], [`${both}, default="a"`], []],
    ['the same default in other words', ['id: a, type: float, default: "0.50"', 'id: b, type: boolean, default: "false"', 'id: c, type: string, default: 10'], ['"-a", default=.5', '"-b", action="store_true"', '"-c", default="1e1"'], []],
    ['a text in capitals', ['id: rate, type: string, default: "A"'], [`${both}, default="a"`], ['P025 yaml:8']],
    ['a default for a required flag', ['id: rate, type: int, default: 5'], [`${both}, type=int, required=True`], ['P025 yaml:8']],
    ['a default that is no choice', ['id: rate, type: string, default: "x"'], [`${both}, choices=["a", "b"], default="a"`], ['P025 yaml:8']],
    ['a default that is a choice', ['id: rate, type: string, default: "b"'], [`${both}, choices=["a", "b"], default="b"`], []],
    ['a flag of no input', [], [`${both}, type=int`], ['P026 yaml:7']],
    ['flags of no input', [], [both, '"-x", action="store_true"'], ['P026 yaml:7']],
    ['a path, a secret and help', [], [`${both}, type=pathlib.Path`, '"--x", help=argparse.SUPPRESS', '"--version", action="version"', '"--y", type=lambda x: x'], []],
    ['a required flag of no input', [], [`${both}, type=int, required=True`], ['P027:6']],
    ['a positional argument of no input', [], ['"file"'], ['P027:6']],
    ['flags that are only known when it runs', ['id: rate, type: int'], ['f"--{x}"', '"--more"'], []],
  ])('%s', async (_, inputs, flags, expected) => expect(await find(inputs, flags)).toStrictEqual(expected)) // prettier-ignore

  it('say what to do', async () => {
    const say = async (inputs: readonly string[], flags: readonly string[], files: Files = {}): Promise<readonly string[]> =>
      (await check(ARGUMENT_RULES, { 'sage.yaml': manifestWithInputs(...inputs), 'main.py': programWithFlags(...flags), ...files })).map(
        ({ message, suggestion }) => `${message} ${suggestion}`,
      )
    expect(await say(['id: conf_thres, type: string'], ['"-conf-thres", "--conf-thres"'])).toStrictEqual([
      'main.py has no flag "--conf_thres", and ends when it is used. Write id: "conf-thres".',
    ])
    expect((await say(['id: zzz, type: string'], ['"-a-b"', '"-c-d"']))[0]).toContain('The program knows a-b and c-d.')
    expect((await say(['id: zzz, type: string'], []))[0]).toContain('The program knows no flags.')
    expect(
      (
        await say(
          Array.from({ length: 2 }, (_, n) => `id: z${n}, type: int`),
          Array.from({ length: 14 }, (_, n) => `"-flag-${n}"`),
        )
      ).at(-1),
    ).toContain('No input names 14 flags of main.py: -flag-0, ')
    const ignoring = programWithFlags('"-a-b"').replace('parse_args', 'parse_known_args')
    expect((await say(['id: zzz, type: string'], [], { 'main.py': ignoring }))[0]).toContain('and leaves it unread')
  })

  it('are mended', async () => {
    const mend = async (inputs: readonly string[], flags: readonly string[], file: 'sage.yaml' | 'main.py'): Promise<string> => {
      const files = { 'sage.yaml': manifestWithInputs(...inputs), 'main.py': programWithFlags(...flags) }
      return mended(await check(ARGUMENT_RULES, files), file, files[file])
    }
    expect(await mend(['id: rats, type: int'], [both], 'sage.yaml')).toBe(manifestWithInputs('id: rate, type: int'))
    expect(await mend(['id: rate, type: int'], ['\n    "--rate",\n    type=int'], 'main.py')).toBe(programWithFlags('\n    "-rate", "--rate",\n    type=int'))
    expect(await mend(['id: rate, type: string'], [`${both}, action="store_true"`], 'sage.yaml')).toBe(manifestWithInputs('id: rate, type: boolean'))
    expect(await mend(['id: rate, type: string'], [`${both}, type=int`], 'sage.yaml')).toBe(manifestWithInputs('id: rate, type: int'))
    expect(await mend(['id: rate, type: int, default: 5'], [`${both}, type=int, default=6`], 'sage.yaml')).toBe(
      manifestWithInputs('id: rate, type: int, default: 6'),
    )
    expect(await mend(['id: rats, type: int', 'id: rate, type: int'], [both], 'sage.yaml')).toBe(
      manifestWithInputs('id: rats, type: int', 'id: rate, type: int'),
    )
    expect(await mend(['id: rate, type: int'], ['OPTION, type=int'], 'main.py')).toBe(programWithFlags('OPTION, type=int'))
  })

  it('are mended safely where no short flag is in the way', async () => {
    const isSafe = async (...flags: readonly string[]): Promise<readonly (boolean | undefined)[]> =>
      (await check(ARGUMENT_RULES, { 'sage.yaml': manifestWithInputs('id: rate, type: int', 'id: 3d, type: int'), 'main.py': programWithFlags(...flags) }))
        .filter(({ code }) => code === 'CTSS-P021')
        .map(({ fix }) => fix?.safe)
    expect(await isSafe('"--rate"', '"--3d"')).toStrictEqual([true, false])
    expect(await isSafe('"-r", "--rate"')).toStrictEqual([false])
    expect(await isSafe('"--rate"', '"-r"')).toStrictEqual([false])
  })

  it('stand at the call where the option is not written in it', async () => {
    const main = programWithFlags('OPTION').replace('parser =', 'OPTION = "--rate"\nparser =')
    const problems = await check(ARGUMENT_RULES, { 'sage.yaml': manifestWithInputs('id: rate, type: int'), 'main.py': main })
    expect([brief(problems), problems[0]?.fix]).toStrictEqual([['P021 main.py:7:1'], undefined])
  })

  it.each<readonly [string, Files]>([
    ['the arguments do not reach the program', { Dockerfile: `${HEAD}CMD ["python3", "main.py"]\n` }],
    ['the program is not known', { Dockerfile: `${HEAD}ENTRYPOINT ["/start.sh"]\n` }],
    ['there is no Dockerfile', { 'sage.yaml': 'source: {directory: x}' }],
  ])('are not compared when %s', async (_, files) => expect(await find(['id: x, type: int'], [`${both}, required=True`], { ...files })).toStrictEqual([]))

  it('count words in ENTRYPOINT', async () => {
    const started = (words: string): Files => ({ Dockerfile: `${HEAD}ENTRYPOINT ["python3", "main.py", ${words}]\n` })
    expect(await find([], [`${both}, required=True`], started('"--rate=1"'))).toStrictEqual([])
    expect(await find([], ['"file"'], started('"a.txt"'))).toStrictEqual([])
    expect(await find([], [`${both}, required=True`], started('"--debug"'))).toStrictEqual(['P027:6'])
  })

  it('that nobody reads', async () => {
    const files = (main: string): Files => ({ 'sage.yaml': manifestWithInputs('id: a, type: int', 'id: b, type: int'), 'main.py': main })
    expect(await codes(ARGUMENT_RULES, files('print(1)'))).toStrictEqual(['P028 yaml:7'])
    expect(await codes(ARGUMENT_RULES, files('import sys\nprint(sys.argv)'))).toStrictEqual([])
    expect(await codes(ARGUMENT_RULES, files('import click'))).toStrictEqual([])
  })
})

describe('downloads', () => {
  const find = (text: string, build = ''): Promise<readonly string[]> => codes(NETWORK_RULES, { 'main.py': text, Dockerfile: `${HEAD}${build}${MAIN}` })

  it.each<readonly [string, readonly string[]]>([
    ['import urllib.request\nurllib.request.urlretrieve("https://a.b.c/x", "/tmp/x")', ['P040:2']],
    ['from urllib.request import urlopen as o\no("https://a.b.c/x.pt?v=1")', ['P040:2']],
    ['import urllib.request\nurllib.request.urlopen("https://a.b.c/x")', ['P041:2']],
    ['import requests\nrequests.get(f"https://a.b.c/{x}")', ['P041:2']],
    ['import requests\nrequests.get(f"https://{x}/a")\nrequests.get(x)\nrequests.get()\nrequests.get("/x")', []],
    ['import requests\nrequests.get("http://127.0.0.1/a")\nrequests.get("http://10.31.81.1:5000/a")\nrequests.get("http://camera/a")\nrequests.get("http://x.default.svc.cluster.local/a")\nrequests.get("http://172.20.0.1/a")', []],
    ['import requests\nrequests.get("http://8.8.8.8/a")', ['P041:2']],
    ['import wget\nwget.download(x)', ['P040:2']],
    ['import gdown\ngdown.download("https://a.b.c/x")', ['P040:2']],
    ['import torch\ntorch.hub.load("ultralytics/yolov5", "yolov5s")', ['P040:2']],
    ['import torch\ntorch.hub.load("/app/yolov5", "yolov5s", source="local")\ntorch.hub.load("a/b", source="local")\ntorch.hub.load(x)', []],
    ['import torch\ntorch.hub.load_state_dict_from_url(x)', ['P040:2']],
    ['from transformers import AutoModel\nAutoModel.from_pretrained("google/vit")\nAutoModel.from_pretrained("./model")\nAutoModel.from_pretrained(x)\nAutoModel.from_pretrained("a/b", local_files_only=True)', ['P040:2']],
    ['import mine\nmine.Model.from_pretrained("a/b")', []],
    ['from huggingface_hub import hf_hub_download\nhf_hub_download("a/b", "c")\nhf_hub_download("a/b", "c", local_files_only=True)', ['P040:2']],
    ['import tensorflow as tf\ntf.keras.utils.get_file("x", "https://a.b.c/x.h5")', ['P040:2']],
    ['import tensorflow_hub as hub\nhub.load("https://tfhub.dev/a/b/1")\nhub.load("/app/model")', ['P040:2']],
    ['import torchvision\ntorchvision.models.resnet50(pretrained=True)\ntorchvision.models.detection.ssd(pretrained=False)', ['P040:2']],
    ['from tensorflow.keras.applications import ResNet50\nResNet50(weights="imagenet")\nResNet50(weights=None)', ['P040:2']],
    ['import tensorflow as tf\ntf.keras.applications.resnet.ResNet50()', []],
    ['import os\nos.system("wget -q https://a.b.c/x.pt")\nos.system("ls")\nos.system(x)\nos.system("wget http://10.1.1.1/x")', ['P040:2']],
    ['import subprocess\nsubprocess.run(["curl", "-O", "https://a.b.c/x.pt"])\nsubprocess.run(["curl"])\nsubprocess.run()', ['P040:2']],
    ['import os, wget\nif not os.path.exists("x"):\n  wget.download(x)', []],
    ['import os, wget\ndef f():\n  if os.path.isfile("x"): return\n  wget.download(x)\ndef g():\n  wget.download(x)', ['P040:6']],
    ['import wget\ntry:\n  wget.download(x)\nexcept Exception: pass', []],
    ['import requests\nif x: requests.get("https://a.b.c/x.zip")', ['P040:2']],
  ])('%s', async (text, expected) => expect(await find(text)).toStrictEqual(expected)) // prettier-ignore

  it.each([
    ['RUN python -c "import torch"\n', []],
    ['RUN huggingface-cli download a\n', []],
    ['ENV HF_HUB_OFFLINE=1\n', []],
    ['COPY .cache /root/.cache\n', []],
    ['RUN python3 -m pip install numpy\n', ['P040:2']],
    ['RUN apt-get update\n', ['P040:2']],
  ])('that are kept may be there already: %s', async (build, expected) => {
    expect(await find('import torch\ntorch.hub.load("a/b")', build)).toStrictEqual(expected)
    expect(await find('import wget\nwget.download(x)', build)).toStrictEqual(['P040:2'])
  })

  it('count in the program only', async () => {
    const download = 'import wget\nwget.download(x)\n'
    expect(await codes(NETWORK_RULES, { 'train.py': download, 'helper.py': download, 'main.py': 'import helper' })).toStrictEqual(['P040 helper.py:2:1'])
    expect(await codes(NETWORK_RULES, { 'main.py': download, Dockerfile: `${HEAD}ENTRYPOINT ["/start.sh"]\n` })).toStrictEqual([])
  })
})
