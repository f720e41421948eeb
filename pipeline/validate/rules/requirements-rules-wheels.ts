import { analyse, bottomOf } from '../dockerfile/analysis.ts'
import { mappingOf, textsOf } from '../lenient.ts'
import { installationsOf } from '../python/installations.ts'
import type { Installation } from '../python/installations.ts'
import { wheelFileOf } from '../python/requirements.ts'
import { readWheelName } from '../python/wheel-name.ts'
import type { WheelName, WheelPlatform } from '../python/wheel-name.ts'
import { excludedBy, suppliesOf, WHEELS_DATE } from '../python/wheels.ts'
import type { Supply, Target } from '../python/wheels.ts'
import type { RepositoryFacts, RepositoryRule } from '../rule.ts'
import { alternatives, quote } from '../words.ts'

const PLATFORMS: readonly WheelPlatform[] = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
const HEALTHY = 'pywaggle==0.56.3\n'

function manifestFor(...architectures: readonly string[]): string {
  return `name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [${architectures.join(', ')}]\n`
}

function listedPlatforms({ manifest }: RepositoryFacts): readonly WheelPlatform[] {
  const listed = new Set(textsOf(mappingOf(manifest.value, 'source'), 'architectures').map(({ text }) => text))
  return PLATFORMS.filter((platform) => listed.has(platform))
}

/** What brings another Python than the base image's, or packages before pip is asked for any. */
const OTHER_SOURCES =
  /\b(?:conda|mamba|pyenv|uv python|piwheels|sources\.list|add-apt-repository|apt-key)|\bdeb (?:\[|https?:)|\bpython3-(?!pip|dev|venv|setuptools|wheel|distutils)/

/** The image's Python and C library; undefined: packages may be there before pip asks for any, or nothing is known of the base. */
function targetOf(facts: RepositoryFacts): (Target & { readonly isBare: boolean }) | undefined {
  const analysis = analyse(facts)
  const final = analysis?.build.final
  if (analysis === undefined || final === undefined) return undefined
  const { stage, base } = bottomOf(final)
  const { reference } = stage
  if (reference === undefined) return undefined
  const isOfficial = reference.registry === 'docker.io' && /^library\/(?:python|debian|ubuntu|alpine)$/.test(reference.repository)
  const isAlpine = isOfficial && (reference.repository === 'library/alpine' || /alpine/.test(reference.tag ?? ''))
  const text = analysis.dockerfile.text.text
  const others = [...text.matchAll(/\bpython(?:3\.(\d{1,2})|2)\b/g)].some(([, minor]) => Number(minor) !== base?.python?.[1])
  const isOther = others || OTHER_SOURCES.test(text)
  return { python: isOther ? undefined : base?.python, libc: isAlpine ? 'musl' : isOfficial ? 'glibc' : undefined, isBare: isOfficial && !isOther }
}

const wheelsExist: RepositoryRule = {
  code: 'CTSS-P053',
  name: 'no-wheel-for-architecture',
  severity: 'warning',
  title: 'A package has wheels for one of the manifest’s architectures, and none for another.',
  reason:
    'Without a wheel pip compiles the package, which needs a compiler and the headers of its libraries in the image, and takes hours where the architecture is emulated; packages that come as wheels only cannot be installed at all. ' +
    'The table that this is compared with has the packages that plugins use most, and its date stands in the message.',
  source: `PyPI’s list of files, recorded on ${WHEELS_DATE} by scripts/record-wheels.ts in pipeline/validate/python/wheels.json; PyPA specification "Platform compatibility tags".`,
  example: {
    bad: { 'requirements.txt': `${HEALTHY}onnxruntime-gpu==1.19.0\n` },
    good: { 'requirements.txt': `${HEALTHY}onnxruntime==1.19.2\n` },
  },
  *check(facts) {
    const platforms = listedPlatforms(facts)
    const target = targetOf(facts)
    if (platforms.length < 2 || target === undefined) return
    for (const installation of installationsOf(facts).all) {
      const { requirement } = installation
      if (!isCertain(installation, target.isBare)) continue
      const supplies = suppliesOf(requirement, platforms, target) ?? []
      const served = supplies.filter(({ kind }) => kind === 'wheel')
      const lacking = supplies.filter(({ kind }) => kind !== 'wheel')
      const [worst] = lacking.toSorted((a, b) => Number(b.kind === 'nothing') - Number(a.kind === 'nothing'))
      if (worst === undefined || served.length === 0) continue
      yield {
        place: requirement.text.place(requirement.span),
        message: `${nameOf(requirement.writtenName, worst, served)} has no wheel for ${alternatives(lacking.map(({ platform }) => platform)).replace(' or ', ' and ')}${target.python === undefined ? '' : ` and Python ${target.python.join('.')}`} (PyPI, ${WHEELS_DATE}): ${
          worst.kind === 'nothing' ? 'pip finds nothing to install there' : 'pip compiles it there'
        }.`,
        suggestion:
          worst.kind === 'nothing'
            ? `Choose another version or package, install it for the others only (; platform_machine == "${machineOf(served)}"), or take the architecture out of the manifest.`
            : 'Choose a version that has one, take Debian’s package (apt-get install python3-…), or compile it in a stage of its own.',
      }
    }
  },
}

/** Only pins where the base image may bring packages: pip leaves what is there. */
function isCertain({ requirement, isSteered }: Installation, isBare: boolean): boolean {
  return (
    !isSteered &&
    requirement.marker === undefined &&
    (isBare || (requirement.specifiers?.some(({ operator, isWildcard }) => operator === '==' && !isWildcard) ?? false))
  )
}

function nameOf(name: string, worst: Supply, served: readonly Supply[]): string {
  const version = worst.version ?? served[0]?.version
  return version === undefined ? name : `${name} ${version}`
}

function machineOf(served: readonly Supply[]): string {
  return served.some(({ platform }) => platform === 'linux/amd64') ? 'x86_64' : 'aarch64'
}

/** A wheel that a requirements file names by its address or path. Those in the Dockerfile have a rule of their own. */
function* namedWheels(facts: RepositoryFacts): Iterable<Installation & { readonly wheel: WheelName; readonly file: string }> {
  for (const installation of installationsOf(facts).all) {
    const { url, text, marker } = installation.requirement
    const file = url === undefined || marker !== undefined || text === facts.dockerfile?.text ? undefined : wheelFileOf(decode(url))
    const wheel = file === undefined ? undefined : readWheelName(file)
    if (file !== undefined && wheel !== undefined) yield { ...installation, wheel, file }
  }
}

/** `%2B` as `+`. */
function decode(url: string): string {
  return url.replaceAll(/%2B/gi, '+')
}

const wheelsFitArchitectures: RepositoryRule = {
  code: 'CTSS-P054',
  name: 'wheel-for-other-architecture',
  severity: 'error',
  title: 'A requirements file names a wheel that is for one architecture, and the manifest lists others.',
  reason: 'pip refuses it on the others ("is not a supported wheel on this platform"), and Sage builds every architecture or none.',
  source: 'PyPA specification "Platform compatibility tags"; sage-ecr jenkins_server.py L123-156 (one build for all platforms).',
  example: {
    bad: { 'requirements.txt': `${HEALTHY}https://example.org/tflite_runtime-2.14.0-cp312-cp312-linux_x86_64.whl\n` },
    good: {
      'sage.yaml': manifestFor('linux/amd64'),
      'requirements.txt': `${HEALTHY}https://example.org/tflite_runtime-2.14.0-cp312-cp312-linux_x86_64.whl\n`,
    },
  },
  *check(facts) {
    const platforms = listedPlatforms(facts)
    for (const { requirement, wheel, file } of namedWheels(facts)) {
      const { targets } = wheel
      const left = targets === undefined ? [] : platforms.filter((platform) => !targets.some((target) => target.platform === platform))
      if (left.length === 0) continue
      const [only] = targets ?? []
      yield {
        place: requirement.text.place(requirement.span),
        message: `${quote(file)} is for ${only === undefined || only.platform === 'other' ? 'another system' : only.platform}; the manifest lists ${left.join(', ')}${left.length < platforms.length ? ' as well' : ''}.`,
        suggestion: 'Name one wheel for each architecture, each with a marker: ; platform_machine == "x86_64" and "aarch64".',
      }
    }
  },
}

const wheelsFitPython: RepositoryRule = {
  code: 'CTSS-P055',
  name: 'wheel-for-other-python',
  severity: 'error',
  title: 'A requirements file names a wheel that is for another Python than the image has.',
  reason: 'pip refuses it ("is not a supported wheel on this platform"), and the image cannot be built.',
  source: 'PyPA specification "Platform compatibility tags"; the table of base images.',
  example: {
    bad: { 'requirements.txt': `${HEALTHY}https://example.org/thing-1.0-cp38-cp38-manylinux2014_x86_64.manylinux2014_aarch64.whl\n` },
    good: { 'requirements.txt': `${HEALTHY}https://example.org/thing-1.0-py3-none-any.whl\n` },
  },
  *check(facts) {
    const python = targetOf(facts)?.python
    if (python === undefined) return
    for (const { requirement, wheel, file } of namedWheels(facts)) {
      if (wheel.pythons.length === 0 || wheel.pythons.some(([first, last]) => first <= python[1] && python[1] <= last)) continue
      yield {
        place: requirement.text.place(requirement.span),
        message: `${quote(file)} is for Python 3.${wheel.pythons[0]?.[0]}; the image has ${python.join('.')}.`,
        suggestion: 'Name the wheel for the image’s Python, or begin with a base image that has that Python.',
      }
    }
  },
}

const versionsFitPython: RepositoryRule = {
  code: 'CTSS-P058',
  name: 'version-for-other-python',
  severity: 'error',
  title: 'No version of a package that is allowed here can be installed with the image’s Python.',
  reason:
    'pip ends with "No matching distribution found", and the image cannot be built. Versions name the Pythons that they are for, and packages that come as wheels only have none for others.',
  source: `PyPI’s list of files, recorded on ${WHEELS_DATE} by scripts/record-wheels.ts; the table of base images.`,
  example: {
    bad: { 'requirements.txt': `${HEALTHY}tflite-runtime==2.14.0\n` },
    good: { 'requirements.txt': `${HEALTHY}numpy==2.1.3\n` },
  },
  *check(facts) {
    const target = targetOf(facts)
    if (target?.python === undefined) return
    for (const installation of installationsOf(facts).all) {
      const { requirement } = installation
      const found = isCertain(installation, target.isBare) ? excludedBy(requirement, target.python) : undefined
      if (found === undefined) continue
      yield {
        place: requirement.text.place(requirement.span),
        message: `${requirement.writtenName} ${found.version} is for Python ${found.wants}; the image has ${target.python.join('.')} (PyPI, ${WHEELS_DATE}).`,
        suggestion: 'Allow a version for the image’s Python, or begin with a base image that has a Python for this one.',
      }
    }
  },
}

/** Rules about wheels. */
export const WHEEL_RULES: readonly RepositoryRule[] = [wheelsExist, wheelsFitArchitectures, wheelsFitPython, versionsFitPython]
