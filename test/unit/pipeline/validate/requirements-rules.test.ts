import { describe, expect, it } from 'vitest'

import { REQUIREMENTS_RULES } from '../../../../pipeline/validate/rules/requirements-rules.ts'
import { WHEELS_DATE } from '../../../../pipeline/validate/python/wheels.ts'
import { brief, check, mended } from './python/facts.ts'
import type { Files } from './python/facts.ts'

const find = async (files: Files): Promise<readonly string[]> => brief(await check(REQUIREMENTS_RULES, files))
const lines = (...requirements: readonly string[]): Files => ({ 'requirements.txt': `${requirements.join('\n')}\n` })
const manifest = (...architectures: readonly string[]): Files => ({ 'sage.yaml': `name: a\nsource:\n  architectures: [${architectures.join(', ')}]\n` })
const image = (base: string, ...build: readonly string[]): Files => ({
  Dockerfile: `FROM ${base}\nWORKDIR /app\nCOPY requirements.txt main.py ./\n${build.map((line) => `${line}\n`).join('')}RUN pip install -r requirements.txt\nENTRYPOINT ["python3", "main.py"]\n`,
})

describe('the rules about requirements', () => {
  it('have examples that show them', async () => {
    for (const rule of REQUIREMENTS_RULES) {
      if ('none' in rule.example) continue
      expect(brief(await check([rule], rule.example.bad)), rule.code).not.toStrictEqual([])
      expect(brief(await check([rule], rule.example.good ?? {})), rule.code).toStrictEqual([])
    }
    expect(await find({})).toStrictEqual([])
  })

  it.each<readonly [line: string, codes: readonly string[], better: string | undefined]>([
    ['pywaggle==0.56.3', [], undefined],
    ['pywaggle>=0.50.0', [], undefined],
    ['pywaggle==0.55.*', [], undefined],
    ['pywaggle==0.54.0', ['P050 requirements.txt:1:1'], 'pywaggle==0.56.3'],
    ['pywaggle[all]==0.52.7  # old', ['P050 requirements.txt:1:1'], 'pywaggle[all]==0.56.3  # old'],
    ['pywaggle==0.52.7; python_version < "3.8"', [], undefined],
    ['git+https://github.com/waggle-sensor/pywaggle.git@0.51.1', ['P050 requirements.txt:1:1'], undefined],
    ['git+https://github.com/waggle-sensor/pywaggle.git@310202bc', [], undefined],
    ['git+https://github.com/waggle-sensor/pywaggle.git', ['P052 requirements.txt:1:1'], undefined],
    ['pywaggle @ git+https://github.com/waggle-sensor/pywaggle@main', ['P052 requirements.txt:1:1'], undefined],
    ['pywaggle @ git+ssh://git@github.com/waggle-sensor/pywaggle.git@main#egg=pywaggle', ['P052 requirements.txt:1:1'], undefined],
    ['git+https://github.com/other/thing.git', [], undefined],
    ['pywaggle @ https://a.b/pywaggle-1-py3-none-any.whl', [], undefined],
    ['pywaggle', ['P051 requirements.txt:1:1'], 'pywaggle==0.56.3'],
    ['PyWaggle[all] # any', ['P051 requirements.txt:1:1'], 'PyWaggle[all]==0.56.3 # any'],
    ['--index-url https://a.b\npywaggle', [], undefined],
    ['numpy==2.3.2', [], undefined],
    ['sklearn', ['P056 requirements.txt:1:1'], 'scikit-learn'],
    ['sklearn==0.0', ['P056 requirements.txt:1:1'], 'scikit-learn==0.0'],
    ['sklearn @ https://a.b/c.whl', [], undefined],
    ['-r requirements-gone.txt', ['P057 requirements.txt:1:1'], undefined],
  ])('%s', async (line, expected, better) => {
    const problems = await check(REQUIREMENTS_RULES, lines(line))
    expect(brief(problems)).toStrictEqual(expected)
    expect(mended(problems, 'requirements.txt', line)).toBe(better ?? line)
  })

  it('look into the Dockerfile, too', async () => {
    const files = {
      Dockerfile: 'FROM python:3.12-slim\nCOPY . /app\nRUN pip install "pywaggle[all]" && pip install sklearn\nENTRYPOINT ["python3", "/app/main.py"]\n',
    }
    const problems = await check(REQUIREMENTS_RULES, files)
    expect(brief(problems)).toStrictEqual(['P051 Dockerfile:3:17', 'P056 Dockerfile:3:48'])
    expect(mended(problems, 'Dockerfile', files.Dockerfile)).toContain('"pywaggle[all]" && pip install scikit-learn\n')
    expect(await find({ Dockerfile: files.Dockerfile.replace('RUN', 'ENV SKLEARN_ALLOW_DEPRECATED_SKLEARN_PACKAGE_INSTALL=True\nRUN') })).toStrictEqual([
      'P051 Dockerfile:4:17',
    ])
  })

  it('ask for a pin where nothing else says which pywaggle it is', async () => {
    expect(await find({ Dockerfile: 'FROM waggle/plugin-base:1.1.1-base\nCOPY main.py /app/\nENTRYPOINT ["python3", "/app/main.py"]\n' })).toStrictEqual([])
  })
})

describe('wheels', () => {
  const three = manifest('linux/amd64', 'linux/arm64', 'linux/arm/v7')

  it.each<readonly [string, Files, readonly string[]]>([
    ['for both', { ...lines('numpy==1.26.4') }, []],
    ['for one of two', { ...lines('onnxruntime-gpu==1.19.0') }, ['P053 requirements.txt:1:1']],
    ['for none of two', { ...lines('tflite-runtime==2.14.0') }, ['P058 requirements.txt:1:1']],
    ['for none of two, but for another Python', { ...lines('tflite-runtime==2.14.0'), ...image('python:3.11-slim') }, []],
    ['of versions for newer Pythons', { ...lines('numpy==1.26.4'), ...image('waggle/plugin-base:1.1.1-base') }, ['P058 requirements.txt:1:1']],
    ['of versions that nothing says', { ...lines('numpy>=1.26'), ...image('waggle/plugin-base:1.1.1-base') }, []],
    ['for one architecture, and one listed', { ...manifest('linux/amd64'), ...lines('onnxruntime-gpu==1.19.0') }, []],
    ['for two of three', { ...three, ...lines('numpy==1.26.4') }, ['P053 requirements.txt:1:1']],
    ['for two of three, no version', { ...three, ...lines('numpy') }, ['P053 requirements.txt:1:1']],
    ['for two of three, with a marker', { ...three, ...lines('numpy; platform_machine != "armv7l"') }, []],
    ['for two of three, from elsewhere', { ...three, ...lines('--extra-index-url https://www.piwheels.org/simple', 'numpy==1.26.4') }, []],
    ['that nobody knows', { ...three, ...lines('some-package', 'numpy==99') }, []],
    ['for a base that may bring packages', { ...lines('onnxruntime-gpu'), ...image('example.org/base:1') }, []],
    ['for a base that may bring another version', { ...lines('onnxruntime-gpu==1.19.0'), ...image('example.org/base:1') }, ['P053 requirements.txt:1:1']],
    ['for a base that may bring versions', { ...lines('onnxruntime-gpu==1.19.*', 'onnxruntime-gpu>=x'), ...image('example.org/base:1') }, []],
    ['for another Python', { ...three, ...lines('numpy<2'), ...image('debian:12', 'RUN apt-get install -y python3.12') }, []],
    ['that a package manager brings', { ...three, ...lines('numpy<2'), ...image('debian:12', 'RUN apt-get install -y python3-numpy python3-pip') }, []],
    [
      'with packages of another release',
      { ...lines('numpy==1.26.4'), ...image('waggle/plugin-base:1.1.1-ml', 'RUN echo "deb http://a.b/ jammy main" > /etc/apt/x') },
      [],
    ],
    ['with pip from Debian', { ...three, ...lines('numpy<2'), ...image('debian:12', 'RUN apt-get install -y python3-pip') }, ['P053 requirements.txt:1:1']],
    ['with musl', { ...lines('torch==2.4.1'), ...image('python:3.12-alpine') }, []],
    ['with an image that is not known', { ...lines('onnxruntime-gpu==1.19.0'), Dockerfile: 'FROM $X\nRUN pip install -r requirements.txt\n' }, []],
    ['with no image', { ...lines('onnxruntime-gpu==1.19.0'), Dockerfile: 'RUN pip install -r requirements.txt\n' }, []],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))

  it('say the date, the Python, and what to do', async () => {
    const say = async (files: Files): Promise<string> =>
      (await check(REQUIREMENTS_RULES, files)).map(({ message, suggestion }) => `${message} ${suggestion}`).join('\n')
    expect(await say(lines('onnxruntime-gpu==1.19.0'))).toBe(
      `onnxruntime-gpu 1.19.0 has no wheel for linux/arm64 and Python 3.12 (PyPI, ${WHEELS_DATE}): pip finds nothing to install there. ` +
        'Choose another version or package, install it for the others only (; platform_machine == "x86_64"), or take the architecture out of the manifest.',
    )
    expect(await say({ ...three, ...lines('numpy==1.26.4'), ...image('example.org/base:1') })).toContain(
      `numpy 1.26.4 has no wheel for linux/arm/v7 (PyPI, ${WHEELS_DATE}): pip compiles it there.`,
    )
    expect(await say({ ...manifest('linux/arm64', 'linux/arm/v7'), ...lines('tensorflow==2.20.0') })).toContain('platform_machine == "aarch64"')
  })

  const wheel = (tags: string): string => `https://a.b/thing-1.0-${tags}.whl`

  it.each<readonly [string, readonly string[]]>([
    [wheel('py3-none-any'), []],
    [wheel('cp312-cp312-linux_x86_64'), ['P054 requirements.txt:1:1']],
    [`${wheel('cp312-cp312-linux_x86_64')} ; platform_machine == "x86_64"`, []],
    [wheel('cp312-cp312-manylinux2014_x86_64.manylinux2014_aarch64'), []],
    [wheel('cp38-cp38-manylinux2014_x86_64.manylinux2014_aarch64'), ['P055 requirements.txt:1:1']],
    [wheel('cp38-abi3-manylinux2014_x86_64.manylinux2014_aarch64'), []],
    [wheel('cp27-none-any'), []],
    [wheel('cp312-cp312-win_amd64'), ['P054 requirements.txt:1:1']],
    ['./thing-1.0%2Bcu118-cp312-cp312-linux_aarch64.whl', ['P054 requirements.txt:1:1']],
    ['https://a.b/thing.whl', []],
    ['https://a.b/thing.zip', []],
  ])('%s', async (line, expected) => expect(await find(lines(line))).toStrictEqual(expected))

  it('name the architectures that are left', async () => {
    const problems = await check(REQUIREMENTS_RULES, lines(wheel('cp312-cp312-win_amd64')))
    expect(problems.map(({ message }) => message)).toStrictEqual([
      '"thing-1.0-cp312-cp312-win_amd64.whl" is for another system; the manifest lists linux/amd64, linux/arm64.',
    ])
  })

  it('in the Dockerfile have a rule of their own', async () => {
    expect(await find({ Dockerfile: `FROM python:3.12\nRUN pip install ${wheel('cp38-cp38-linux_x86_64')}\n` })).toStrictEqual([])
  })
})
