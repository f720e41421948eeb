import { publicationsOutside, usesPywaggle } from '../python/plugin-use.ts'
import { programOf, runTimeModules } from '../python/program.ts'
import { isOlder, NEWEST_PYWAGGLE, pywaggleOf, SINCE } from '../python/pywaggle.ts'
import { spanOf } from '../python/syntax.ts'
import type { RepositoryRule } from '../rule.ts'
import { quote } from '../words.ts'

const HEALTHY = 'from waggle.plugin import Plugin\n\nwith Plugin() as plugin:\n    plugin.publish("cloud.count", 1)\n'

const initIsGone: RepositoryRule = {
  code: 'CTSS-P010',
  name: 'plugin-init',
  severity: 'warning',
  title: 'The plugin is started with plugin.init(), which pywaggle no longer has.',
  reason:
    `Until 0.50.0 \`waggle.plugin\` held an object that \`init()\` started. Releases from ${SINCE.uninitialised} to 0.51.1 raise a DeprecationWarning, later ones an AttributeError. ` +
    'With an old pywaggle it works, but what is still unsent when the program ends is lost: `with Plugin()` waits for it.',
  source: 'waggle-sensor/pywaggle b801b31, 258f4e1: `waggle/plugin.py` at 0.50.0, 0.50.1 and 0.52.0.',
  example: {
    bad: { 'main.py': 'from waggle import plugin\n\nplugin.init()\nplugin.publish("cloud.count", 1)\n' },
    good: { 'main.py': HEALTHY },
  },
  *check(facts) {
    const pywaggle = pywaggleOf(facts)
    const works = isOlder(pywaggle, SINCE.uninitialised)
    for (const module of runTimeModules(facts)) {
      for (const call of module.outline.calls) {
        if (!['waggle.plugin.init', 'waggle.plugin.plugin.init'].includes(module.functionName(call))) continue
        yield {
          place: module.text.place(spanOf(call.node)),
          message: works
            ? `plugin.init() works with pywaggle ${pywaggle?.version?.text}, and with none after 0.50.0.`
            : 'pywaggle has no plugin.init() any more: the program ends here with an AttributeError.',
          suggestion: 'Write `from waggle.plugin import Plugin`, and `with Plugin() as plugin:` around everything that publishes.',
        }
      }
    }
  },
}

const publishesInside: RepositoryRule = {
  code: 'CTSS-P011',
  name: 'publish-outside-with',
  severity: 'warning',
  title: 'Something is published on a Plugin() that is never opened.',
  reason: `Only \`with Plugin()\` connects to the node. Without it pywaggle raises a RuntimeError (since ${SINCE.inside}); before, messages were kept in a queue that nobody read.`,
  source: 'waggle-sensor/pywaggle 16f7d96, src/waggle/plugin/plugin.py, `Plugin.publish` and `Plugin.__enter__`.',
  example: {
    bad: { 'main.py': 'from waggle.plugin import Plugin\n\nplugin = Plugin()\nplugin.publish("cloud.count", 1)\n' },
    good: { 'main.py': HEALTHY },
  },
  *check(facts) {
    for (const module of runTimeModules(facts)) {
      for (const { call } of publicationsOutside(module)) {
        yield {
          place: module.text.place(spanOf(call.node)),
          message: `This Plugin() is never opened, so nothing is sent: pywaggle raises a RuntimeError (since ${SINCE.inside}).`,
          suggestion: 'Write `with Plugin() as plugin:` around it.',
        }
      }
    }
  },
}

const camerasAreNamed: RepositoryRule = {
  code: 'CTSS-P012',
  name: 'camera-without-name',
  severity: 'warning',
  title: 'Camera() is made without the name or address of a camera.',
  reason: `pywaggle looks for a scheme in the name, and raises a TypeError for the default, 0 (since ${SINCE.camera}). On a node device 0 is no camera of the node either.`,
  source: 'waggle-sensor/pywaggle 5b013b9, src/waggle/data/vision.py, `Camera.__init__`.',
  example: {
    bad: { 'main.py': `from waggle.data.vision import Camera\n${HEALTHY}    Camera().snapshot()\n` },
    good: { 'main.py': `from waggle.data.vision import Camera\n${HEALTHY}    Camera("bottom_camera").snapshot()\n` },
  },
  *check(facts) {
    const isMended = isOlder(pywaggleOf(facts), SINCE.camera)
    for (const module of runTimeModules(facts)) {
      for (const call of module.outline.calls) {
        if (isMended || module.functionName(call) !== 'waggle.data.vision.Camera') continue
        const { positional, keywords, isOpen } = module.argumentsOf(call)
        const device = positional[0] ?? keywords.get('device')
        const value = device === undefined ? undefined : module.read(device, call.scope)
        if (isOpen || (value !== undefined && value.kind !== 'number')) continue
        yield {
          place: module.text.place(spanOf(call.node)),
          message: `Camera() needs a text since pywaggle ${SINCE.camera}: ${value === undefined ? 'its own default' : 'a number'} raises a TypeError.`,
          suggestion: 'Name a camera of the node, Camera("bottom_camera"), or give its address; take it from an input, so that each job can choose.',
        }
      }
    }
  },
}

const pywaggleIsNewEnough: RepositoryRule = {
  code: 'CTSS-P013',
  name: 'pywaggle-too-old-for-code',
  severity: 'warning',
  title: 'The code uses what the image’s pywaggle does not have.',
  reason: `\`with Plugin()\` came with pywaggle ${SINCE.managed}, \`timeit\` with ${SINCE.timeit}. An older one ends the program with a TypeError or an AttributeError.`,
  source: 'waggle-sensor/pywaggle, `waggle/plugin.py` at 0.49.0, 0.50.0 and 0.51.0.',
  example: {
    bad: { 'requirements.txt': 'pywaggle==0.48.0\n', 'main.py': HEALTHY },
    good: { 'requirements.txt': `pywaggle==${NEWEST_PYWAGGLE}\n`, 'main.py': HEALTHY },
  },
  *check(facts) {
    const pywaggle = pywaggleOf(facts)
    // What the base image brings has a rule of its own.
    if (pywaggle?.requirement === undefined) return
    const whose = `pywaggle ${pywaggle.version?.text} is asked for`
    const suggestion = `Write pywaggle==${NEWEST_PYWAGGLE} into requirements.txt, and install it.`
    for (const module of runTimeModules(facts)) {
      if (!usesPywaggle(module)) continue
      const opened = isOlder(pywaggle, SINCE.managed)
        ? module.outline.calls.find((call) => module.functionName(call) === 'waggle.plugin.Plugin' && isBare(call))
        : undefined
      const timed = isOlder(pywaggle, SINCE.timeit) ? module.outline.calls.find(({ path }) => path.at(-1) === 'timeit' && path.at(-2) === 'plugin') : undefined
      if (opened !== undefined)
        yield {
          place: module.text.place(spanOf(opened.node)),
          message: `Plugin() without arguments needs pywaggle ${SINCE.managed} or newer; ${whose}.`,
          suggestion,
        }
      else if (timed !== undefined)
        yield { place: module.text.place(spanOf(timed.node)), message: `timeit needs pywaggle ${SINCE.timeit} or newer; ${whose}.`, suggestion }

      function isBare(call: Parameters<typeof module.argumentsOf>[0]): boolean {
        const { positional, keywords, isOpen } = module.argumentsOf(call)
        return positional.length === 0 && keywords.size === 0 && !isOpen
      }
    }
  },
}

/** What a plugin does with pywaggle that leaves a trace, or that it may do without publishing. */
const ACTIONS = ['publish', 'upload_file', 'timeit', 'subscribe', 'get']

const somethingIsPublished: RepositoryRule = {
  code: 'CTSS-P014',
  name: 'publishes-nothing',
  severity: 'warning',
  title: 'The program opens a Plugin() and never publishes anything.',
  reason:
    'What a program prints stays in the log of its pod. Only what it publishes or uploads reaches the Beehive; a plugin without either runs, ends with exit code 0, and leaves no data.',
  source: 'waggle-sensor/pywaggle, docs/writing-a-plugin.md; observed with a public plugin.',
  example: {
    bad: { 'main.py': 'from waggle.plugin import Plugin\n\nwith Plugin() as plugin:\n    print(1)\n' },
    good: { 'main.py': HEALTHY },
  },
  *check(facts) {
    const program = programOf(facts)
    if (program === undefined || !program.isWhole) return
    if (
      program.modules.some(({ outline: { attributes, imports } }) => ACTIONS.some((name) => attributes.has(name)) || imports.some(({ name }) => name === '*'))
    )
      return
    for (const module of program.modules) {
      const made = module.outline.calls.find((call) => module.functionName(call) === 'waggle.plugin.Plugin')
      if (made === undefined) continue
      yield {
        place: module.text.place(spanOf(made.node)),
        message: 'Nothing in the program publishes or uploads anything: a job with it leaves no data.',
        suggestion: 'Publish what it finds: plugin.publish("env.temperature", value).',
      }
      return
    }
  },
}

/** Opening one of these asks for a device of the machine. */
const DEVICES = new Set(['serial.Serial', 'smbus.SMBus', 'smbus2.SMBus', 'spidev.SpiDev', 'usb.core.find', 'pyudev.Context'])
const NO_DEVICE = /^\/dev\/(?:null|zero|full|u?random|std(?:in|out|err)|fd|tty|shm|mqueue|pts)(?:\/|$)/

const devicesArePrivileged: RepositoryRule = {
  code: 'CTSS-P015',
  name: 'needs-a-device',
  severity: 'hint',
  title: 'The program opens a device of the machine.',
  reason:
    'A plugin sees devices only in a job that says `privileged: true`, on a node that has them; there the node’s own `/dev` is also `/host/dev`. A trial without the device fails where the program opens it.',
  source: 'waggle-sensor/edge-scheduler, pkg/nodescheduler/resourcemanager.go (`privileged`).',
  example: {
    bad: { 'main.py': `import serial\n${HEALTHY}    serial.Serial("/dev/ttyUSB0").readline()\n` },
    good: { 'main.py': HEALTHY },
  },
  *check(facts) {
    for (const module of programOf(facts)?.modules ?? []) {
      for (const call of module.outline.calls) {
        const name = module.functionName(call)
        const [first] = module.argumentsOf(call).positional
        const value = first === undefined ? undefined : module.read(first, call.scope)
        const isFile = name === 'open' && value?.kind === 'text' && value.value.startsWith('/dev/') && !NO_DEVICE.test(value.value)
        const isCamera = name === 'cv2.VideoCapture' && value?.kind === 'number'
        if (!DEVICES.has(name) && !isFile && !isCamera) continue
        yield {
          place: module.text.place(spanOf(call.node)),
          message: `${isFile ? quote(value.value) : name} is a device of the machine: a job with this plugin has to say privileged: true, and run on a node that has it.`,
          suggestion: isCamera
            ? 'Cameras of a node are reached over its network: waggle.data.vision.Camera("bottom_camera").'
            : 'Say so in the description, take the device’s path from an input, and end with a clear message when it is not there.',
        }
      }
    }
  },
}

/** Rules about how a plugin uses pywaggle, and the machine that it runs on. */
export const PLUGIN_RULES: readonly RepositoryRule[] = [
  initIsGone,
  publishesInside,
  camerasAreNamed,
  pywaggleIsNewEnough,
  somethingIsPublished,
  devicesArePrivileged,
]
