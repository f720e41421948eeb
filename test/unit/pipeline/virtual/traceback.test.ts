import { describe, expect, it } from 'vitest'
import { explainCrash, lastTraceback } from '../../../../pipeline/virtual/traceback.ts'

const TRACEBACK = `Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    open("/dev/ttyUSB0")
FileNotFoundError: [Errno 2] No such file or directory: '/dev/ttyUSB0'`
const OTHER = 'Traceback (most recent call last):\n  File "/app/other.py", line 1, in <module>\nKeyError: 1'

describe('the last traceback', () => {
  it.each([
    ['none', { stdout: 'all is well', stderr: '' }, undefined],
    ['of stderr', { stdout: OTHER, stderr: `starting\n${TRACEBACK}\n` }, TRACEBACK],
    ['of stdout, when stderr has none', { stdout: `${TRACEBACK}\n`, stderr: 'a warning' }, TRACEBACK],
    ['the last of several', { stdout: '', stderr: `${OTHER}\n\ngoing on\n${TRACEBACK}` }, TRACEBACK],
    ['without what follows', { stdout: '', stderr: `${TRACEBACK}\n\nbye` }, TRACEBACK],
    ['with all lines of its error', { stdout: '', stderr: `${TRACEBACK}\nand more of it\n` }, `${TRACEBACK}\nand more of it`],
    ['that was cut short', { stdout: '', stderr: 'Traceback (most recent call last):\n  File "x"' }, 'Traceback (most recent call last):\n  File "x"'],
  ])('%s', (_case, logs, traceback) => {
    expect(lastTraceback(logs)).toBe(traceback)
  })

  it('keeps the causes of a chain', () => {
    const chain = `${OTHER}\n\nDuring handling of the above exception, another exception occurred:\n\n${OTHER}\n\nThe above exception was the direct cause of the following exception:\n\n${TRACEBACK}`
    expect(lastTraceback({ stdout: '', stderr: `before\n${chain}\n` })).toBe(chain)
    expect(lastTraceback({ stdout: '', stderr: chain })).toBe(chain)
  })

  it('is cut at its beginning when it is long', () => {
    const long = lastTraceback({ stdout: '', stderr: `Traceback (most recent call last):\n  ${'x'.repeat(9000)}\nValueError: the end` })
    expect(long).toHaveLength(8000)
    expect(long?.endsWith('ValueError: the end')).toBe(true)
  })
})

describe('what helps against a crash', () => {
  it.each([
    [TRACEBACK, '/dev/ttyUSB0, and no such device is attached'],
    ["serial.serialutil.SerialException: [Errno 2] could not open port /dev/ttyACM1: [Errno 2] No such file or directory: '/dev/ttyACM1'", '/dev/ttyACM1'],
    ['serial.serialutil.PortNotOpenError: Attempting to use a port that is not open', 'reads a serial port'],
    ["FileNotFoundError: [Errno 2] No such file or directory: '/host/dev/ttyUSB1'", '/host/dev/ttyUSB1'],
    ['cat: /dev/video0: No such file or directory', '/dev/video0'],
    ['urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>', 'network: open'],
    ['OSError: [Errno 101] Network is unreachable', 'network: open'],
    ['KeyError: "no device found \'top_camera\'"', 'camera "top_camera"'],
    ["ModuleNotFoundError: No module named 'cv2'", 'cv2'],
    ['ImportError: libGL.so.1: cannot open shared object file: No such file or directory', 'libGL.so.1'],
    ['Illegal instruction (core dumped)', 'newer processor'],
    ['exec /app/run: exec format error', 'not built for this platform'],
  ])('%s', (text, suggestion) => {
    expect(explainCrash(text)).toContain(suggestion)
  })

  it('is nothing that we know for most', () => {
    expect(explainCrash('ValueError: the sensor is gone')).toBeUndefined()
  })
})
