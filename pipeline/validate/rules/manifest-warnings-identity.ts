import { isSameRepository, normaliseRepositoryUrl } from '../../repository-url.ts'
import { valueAt } from '../fixes/document-nodes.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { isPluginName, spellName } from '../fixes/plugin-names.ts'
import { throughPortal } from '../fixes/portal-survival.ts'
import { plainText, quoteValue, replaceValue } from '../fixes/yaml-edits.ts'
import { mappingOf, textOf } from '../lenient.ts'
import type { ManifestFile, ManifestRule } from '../rule.ts'
import { quoteFloat } from '../sage/python-number.ts'
import type { PythonValue } from '../sage/python-value.ts'
import { pythonTruth } from '../sage/python-words.ts'
import { quote } from '../words.ts'

/** The head of a manifest, for examples. */
const REST = 'description: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64, linux/arm64]\n'
const withVersion = (version: string): string => `name: cloud-counter\nversion: ${version}\n${REST}`

/** The shapes of tags that a node ships uploads of; unanchored, as `grep -E` reads them. */
const SHIPPED = /\d+\.\d+\.\d+|^v|^latest$|^test$/

/** A tag of an image (OCI distribution specification 1.1). */
const IMAGE_TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

/** `str()` of a scalar that is true in Python; undefined for lists and mappings, and for what counts as missing. */
function versionText(value: PythonValue | undefined): string | undefined {
  if (value === undefined) return undefined
  if (value.type === 'str') return value.value === '' ? undefined : value.value
  if (value.type === 'int') return value.value === 0n || value.value > MAX_NUMBER || value.value < -MAX_NUMBER ? undefined : String(value.value)
  if (value.type === 'float') return value.value === 0 ? undefined : quoteFloat(value.value)
  if (value.type === 'bool') return value.value ? 'True' : undefined
  return value.type === 'date' || value.type === 'datetime' ? value.text : undefined
}

/** The version in the form x.y.z that was meant by a text, as it is written; undefined when that is not certain. */
export function proposeVersion(text: string): string | undefined {
  if (text.length > 64) return undefined
  const tag = text
    .trim()
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/^-+|[.-]+$/g, '')
  if (SHIPPED.test(tag) && IMAGE_TAG.test(tag)) return tag
  const date = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(tag)
  if (date !== null) return date.slice(1).map(Number).join('.')
  const [, major = '', minor = '', suffix] = /^[vV]?(?=[.\d])(\d{0,9})(?:\.(\d{1,9}))?(?:[_-]([A-Za-z][\w.-]*))?$/.exec(tag) ?? []
  return major === '' && minor === '' ? undefined : `${Number(major)}.${Number(minor)}.0${suffix === undefined ? '' : `-${suffix}`}`
}

function advise(text: string): string {
  const proposal = proposeVersion(text)
  return proposal === undefined ? 'Write three numbers with dots between them, in quotes.' : `Write version: "${proposal}".`
}

/** Longer than any version; Python prints no number of more than 4,300 digits. */
const MAX_NUMBER = 10n ** 100n

function version(manifest: ManifestFile): PythonValue | undefined {
  return valueAt(manifest.python, ['version'])
}

const versionIsXyz: ManifestRule = {
  code: 'CTSS-M100',
  name: 'version-not-xyz',
  severity: 'warning',
  title: 'Nodes never ship the files that a plugin of this version uploads.',
  reason:
    'The upload agent on a node ships only folders whose tag holds `x.y.z`, begins with `v`, or is `latest` or `test`. A plugin of version `1.0`, or named after a commit, is registered, built and run; its measurements arrive, its uploaded files never do, and nothing says so.',
  source: 'waggle-sensor/wes-upload-agent main.sh L171-187 (the pattern is not anchored).',
  example: { bad: { 'sage.yaml': withVersion('"1.0"') }, good: { 'sage.yaml': withVersion('"1.0.0"') } },
  *check({ manifest }) {
    const text = versionText(version(manifest))
    if (text === undefined || SHIPPED.test(text)) return
    const written = plainText(manifest, ['version']) ?? text
    yield {
      place: manifest.place(['version']),
      message: `\`version\`: ${quote(text)} is not of the form x.y.z: nodes never ship the files that the plugin uploads.`,
      suggestion: advise(written),
    }
  },
}

const versionIsText: ManifestRule = {
  code: 'CTSS-M101',
  name: 'version-not-text',
  severity: 'warning',
  title: 'The version is not a text: it is registered otherwise than it is written.',
  reason:
    'Without quotes YAML reads `1.10` as the number 1.1, and `1.0` as a number that the Portal’s JavaScript prints as `1`. The plugin is then registered and tagged under another version than the author wrote; `1.1` and `1.10` become one.',
  source: 'YAML 1.1 and 1.2 (floats); sage-gui CreateApp.tsx L117-150 (parse and stringify); observed on Sage’s server.',
  example: { bad: { 'sage.yaml': withVersion('1.10') }, good: { 'sage.yaml': withVersion('"1.10.0"') } },
  *check({ manifest }) {
    const value = version(manifest)
    const place = manifest.place(['version'])
    if ((value?.type === 'list' && value.items.length > 0) || (value?.type === 'dict' && value.entries.length > 0)) {
      const only = value.type === 'list' && value.items.length === 1 ? versionText(value.items[0]) : undefined
      yield { place, message: `\`version\` is a ${value.type === 'list' ? 'list' : 'mapping'}, not a text.`, suggestion: advise(only ?? '') }
      return
    }
    const direct = versionText(value)
    if (direct === undefined || (value?.type !== 'int' && value?.type !== 'float' && value?.type !== 'bool')) return
    const written = plainText(manifest, ['version'])
    const portal = versionText(throughPortal(written ?? '')?.python) ?? direct
    const registered = portal === direct ? `it is registered as ${direct}` : `the Portal registers ${portal}, a direct submission ${direct}`
    const isNumber = written !== undefined && /^\d+(?:\.\d+)?$/.test(written)
    yield {
      place,
      message: `\`version: ${(written ?? direct).slice(0, 60)}\` is a ${value.type === 'bool' ? 'yes or no' : 'number'} without quotes: ${registered}.`,
      suggestion: isNumber ? `${advise(written).slice(0, -1)}, or at least "${written}", in quotes.` : advise(written ?? direct),
      ...(isNumber && fixProperty('quote the version as it is written', true, quoteValue(manifest, ['version']))),
    }
  },
}

const versionIsGiven: ManifestRule = {
  code: 'CTSS-M102',
  name: 'version-missing',
  severity: 'warning',
  title: 'No version is given: the ECR takes one from Git.',
  reason:
    'It runs `git describe --always --tags --long`, and takes the short commit, or the last tag and the number of commits since. Such a version is hardly ever of the form x.y.z, so that nodes never ship the plugin’s uploads; a tag that holds a hyphen breaks the registration. An empty version, `0` and `false` count as none.',
  source: 'sage-ecr ecr_api.py L207-233.',
  example: { bad: { 'sage.yaml': `name: cloud-counter\n${REST}` }, good: { 'sage.yaml': withVersion('"0.1.0"') } },
  *check({ manifest, portal }) {
    const value = version(manifest)
    if (value !== undefined && pythonTruth(value)) return
    const described = portal.describe === undefined ? '' : ` (git describe says ${portal.describe.slice(0, 60)})`
    yield {
      place: value === undefined ? { file: manifest.file, line: 1 } : manifest.place(['version']),
      message: `${manifest.file} ${value === undefined ? 'has no `version`' : 'has an empty `version`'}: it is taken from Git${described}.`,
      suggestion: 'Write version: "0.1.0", and raise it for each release.',
    }
  },
}

const versionIsTag: ManifestRule = {
  code: 'CTSS-M103',
  name: 'version-not-a-tag',
  severity: 'error',
  title: 'The version cannot be the tag of an image: the plugin is registered, and its build fails.',
  reason:
    'The ECR checks only for a slash. It registers the version, and then builds an image with it as the tag, for which only letters, digits, `_`, `.` and `-` are allowed, and neither `.` nor `-` in front. The registered version can never be built, and stays in the catalogue.',
  source: 'OCI distribution specification 1.1, "Pulling manifests" (tags); sage-ecr jenkins_server.py L100-190 (--output name=…:version).',
  example: { bad: { 'sage.yaml': withVersion('"1.0.0 beta"') }, good: { 'sage.yaml': withVersion('"1.0.0-beta"') } },
  *check({ manifest }) {
    const text = versionText(version(manifest))
    // Sage itself refuses a slash and what is longer than its column.
    if (text === undefined || text.length > 64 || text.includes('/') || IMAGE_TAG.test(text)) return
    yield {
      place: manifest.place(['version']),
      message: `\`version\`: ${quote(text)} cannot be the tag of an image: Sage registers it, and then its build fails.`,
      suggestion: advise(plainText(manifest, ['version']) ?? text),
    }
  },
}

const nameIsImage: ManifestRule = {
  code: 'CTSS-M104',
  name: 'name-not-an-image',
  severity: 'error',
  title: 'The name cannot be that of an image: the plugin is registered, and its build fails.',
  reason:
    'The ECR takes any text of small letters, digits, `_` and `-`. No registry takes a name that begins or ends with `_` or `-`, holds three `_` in a row, or mixes the two without a letter between, and without an image the plugin cannot run.',
  source: 'OCI distribution specification 1.1, "Pulling manifests" (names); sage-ecr ecrdb.py L1034-1043.',
  example: {
    bad: { 'sage.yaml': `name: cloud___counter\nversion: "1.2.3"\n${REST}` },
    good: { 'sage.yaml': `name: cloud__counter\nversion: "1.2.3"\n${REST}` },
  },
  *check({ manifest }) {
    const name = textOf(manifest.value, 'name')
    if (!/^[a-z0-9_-]{2,64}$/.test(name) || /^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$/.test(name)) return
    const repaired = name
      .replaceAll(/[_-]*-[_-]*/g, '-')
      .replaceAll(/_{3,}/g, '__')
      .replaceAll(/^[_-]+|[_-]+$/g, '')
    const edits = !isPluginName(repaired) ? undefined : replaceValue(manifest, ['name'], repaired)
    yield {
      place: manifest.place(['name']),
      message: `\`name\`: ${quote(name)} cannot be the name of a container image.`,
      suggestion: 'Begin and end it with a letter or digit, with at most two _ in a row.',
      ...fixProperty(`rename it to ${repaired}`, true, edits),
    }
  },
}

const nameIsJob: ManifestRule = {
  code: 'CTSS-M105',
  name: 'name-not-a-job',
  severity: 'hint',
  title: 'A job cannot call the plugin by its name, because of the underscore.',
  reason:
    'In a job each plugin has a name of small letters, digits and `-`. The catalogue takes `_`, the scheduler does not: whoever schedules the plugin must call it something else there, and the measurements carry that other name as their task.',
  source:
    'waggle-sensor/edge-scheduler cloudscheduler.go L100-205 (plugin names, ^[a-z0-9-]+$); cookiecutter-sage-app hooks/pre_gen_project.py asks for ^[a-z][a-z0-9-]+$.',
  example: {
    bad: { 'sage.yaml': `name: cloud_counter\nversion: "1.2.3"\n${REST}` },
    good: { 'sage.yaml': `name: cloud-counter\nversion: "1.2.3"\n${REST}` },
  },
  *check({ manifest }) {
    const name = textOf(manifest.value, 'name')
    if (!/^[a-z0-9_-]{2,64}$/.test(name) || !name.includes('_')) return
    const proposal = spellName(name.replaceAll('_', '-'))
    yield {
      place: manifest.place(['name']),
      message: `\`name\`: a job cannot call its plugin ${quote(name)}, as the scheduler takes no underscore.`,
      suggestion: proposal === undefined ? 'Give a new plugin a name without underscores.' : `A new plugin is better called ${proposal}.`,
    }
  },
}

const urlIsHere: ManifestRule = {
  code: 'CTSS-M106',
  name: 'url-elsewhere',
  severity: 'warning',
  title: 'source.url names another repository than the one that the manifest lies in.',
  reason:
    'About one in four addresses of public manifests was copied from another plugin. The Portal writes the right one over it; who submits the file as it is registers, and has built, the other repository’s code under this plugin’s name.',
  source: 'sage-gui CreateApp.tsx L117-150 (overwrites source.url); sage-ecr ecr_api.py L198-205 (clones it).',
  example: {
    bad: {
      'sage.yaml':
        'name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64]\n  url: "https://github.com/waggle-sensor/plugin-helloworld"\n',
    },
  },
  *check({ manifest, repository }) {
    const url = textOf(mappingOf(manifest.value, 'source'), 'url')
    if (repository === undefined || url === '' || url.length > 256 || normaliseRepositoryUrl(repository) === undefined) return
    if (isSameRepository(url, repository)) return
    yield {
      place: manifest.place(['source', 'url']),
      message: `\`source.url\` names another repository (${quote(url)}) than this one (${repository}).`,
      suggestion: 'Write this repository: the Portal writes it over what stands there anyway.',
      ...fixProperty('write this repository', false, replaceValue(manifest, ['source', 'url'], repository)),
    }
  },
}

/** Warnings about what the plugin is called, and where it lies. */
export const IDENTITY_WARNINGS: readonly ManifestRule[] = [versionIsXyz, versionIsText, versionIsGiven, versionIsTag, nameIsImage, nameIsJob, urlIsHere]
