import type { ExampleFiles, RuleDocument } from '../rule.ts'
import { SOURCE_REFUSALS } from './sage-refusals-source.ts'
import { STORAGE_REFUSALS } from './sage-refusals-storage.ts'

/** A small manifest that Sage takes from the Portal. */
const HEALTHY = `name: cloud-counter
version: "1.2.3"
description: Counts clouds.
source:
  architectures: [linux/amd64, linux/arm64]
`

const GOOD: ExampleFiles = { 'sage.yaml': HEALTHY }

/** The healthy manifest with one piece changed. */
function changed(from: string, to: string): ExampleFiles {
  return { 'sage.yaml': HEALTHY.replace(from, to) }
}

/** The healthy manifest with lines at the end. */
function added(lines: string): ExampleFiles {
  return { 'sage.yaml': `${HEALTHY}${lines}\n` }
}

const error = 'error'

const READING: readonly RuleDocument[] = [
  {
    code: 'CTSS-M010',
    name: 'sage-cannot-read',
    severity: error,
    title: "Sage's server cannot read the manifest as YAML.",
    reason:
      'Sage reads YAML 1.1 with PyYAML, outside of what it catches: the answer is a page in HTML with status 500, without a word about the place. It also happens to texts that the Portal has written: `"<<"` and some others lose their quotes on the way.',
    source: 'sage-ecr@55a1a7e ecr_api.py L690-698; PyYAML 6.',
    example: { bad: changed('Counts clouds.', '"Counts clouds.'), good: GOOD },
  },
  {
    code: 'CTSS-M011',
    name: 'portal-cannot-read',
    severity: error,
    title: 'The Portal cannot use the manifest, and its Register button stays disabled.',
    reason:
      'The Portal reads YAML 1.2 in JavaScript, which refuses more than Python does: keys that stand twice, several documents, a missing or empty `source`. It shows no message.',
    source: 'sage-gui@389e705 CreateApp.tsx L103-140 and L274-276, with yaml 1.10.3.',
    example: { bad: added('version: "1.2.4"'), good: GOOD },
  },
  {
    code: 'CTSS-M012',
    name: 'not-a-mapping',
    severity: error,
    title: 'The manifest is empty, or no mapping.',
    reason: 'Sage takes an empty text for no manifest (`Could not parse app spec`), and asks a list or a single word for its keys, which breaks.',
    source: 'sage-ecr@55a1a7e ecr_api.py L697-702 and L326.',
    example: { bad: { 'sage.yaml': '- name: cloud-counter\n- version: "1.2.3"\n' }, good: GOOD },
  },
]

const IDENTITY: readonly RuleDocument[] = [
  {
    code: 'CTSS-M013',
    name: 'namespace-missing',
    severity: error,
    title: 'There is no namespace, and the manifest is submitted as it is.',
    reason: 'The Portal fills the user name in; a program that posts the file to `/submit` must write it. Null, `0` and empty texts count as missing.',
    source: 'sage-ecr@55a1a7e ecr_api.py L325-329; sage-gui@389e705 CreateApp.tsx L117-122.',
    example: { bad: GOOD, good: added('namespace: skylab') },
  },
  {
    code: 'CTSS-M014',
    name: 'namespace-pattern',
    severity: error,
    title: 'The namespace may hold only lower-case letters and digits of ASCII.',
    reason: 'Checked when the namespace is created. GitHub owners with hyphens or capitals are no namespaces: the Portal uses the Sage user name.',
    source: 'sage-ecr@55a1a7e ecrdb.py L977-983.',
    example: { bad: added('namespace: Cloud-Lab'), good: added('namespace: cloudlab') },
  },
  {
    code: 'CTSS-M015',
    name: 'namespace-length',
    severity: error,
    title: 'The namespace must have 4 to 30 characters.',
    reason: 'Checked when the namespace is created; the limits are those of names on Docker Hub, where Sage took them from.',
    source: 'sage-ecr@55a1a7e ecrdb.py L985-986.',
    example: { bad: added('namespace: sky'), good: added('namespace: skylab') },
  },
  {
    code: 'CTSS-M016',
    name: 'name-missing',
    severity: error,
    title: 'The plugin has no name.',
    reason: 'Null, `0` and empty texts count as missing. The Portal leaves its Register button disabled.',
    source: 'sage-ecr@55a1a7e ecr_api.py L349-352.',
    example: { bad: changed('name: cloud-counter\n', ''), good: GOOD },
  },
  {
    code: 'CTSS-M017',
    name: 'name-pattern',
    severity: error,
    title: 'The name may hold only lower-case letters, digits, - and _ of ASCII.',
    reason:
      'The image that is built carries the name, and registries of images know no other characters. Checked when the plugin is registered for the first time.',
    source: 'sage-ecr@55a1a7e ecrdb.py L1034-1040.',
    example: { bad: changed('cloud-counter', 'Cloud Counter'), good: GOOD },
  },
  {
    code: 'CTSS-M018',
    name: 'name-length',
    severity: error,
    title: 'The name must have 2 to 255 characters.',
    reason: 'Checked when the plugin is registered for the first time. In practice 64 minus the namespace and a slash is the limit.',
    source: 'sage-ecr@55a1a7e ecrdb.py L1042-1043.',
    example: { bad: changed('cloud-counter', 'c'), good: GOOD },
  },
  {
    code: 'CTSS-M019',
    name: 'full-name-too-long',
    severity: error,
    title: 'Namespace and name together have more than 64 characters.',
    reason: 'Permissions are stored for `namespace/name` in a column of 64 characters. Sage checks each name alone, and the database breaks.',
    source: 'sage-ecr@55a1a7e ecrdb.py L1048-1050 and the DDL: Permissions.resourceName VARCHAR(64) (L146).',
    example: { bad: changed('cloud-counter', 'counts-clouds-and-birds-and-cars-and-people-wherever-a-camera-is-up'), good: GOOD },
  },
  {
    code: 'CTSS-M020',
    name: 'name-is-no-text',
    severity: error,
    title: 'The name or the namespace is no text.',
    reason:
      'YAML makes a number of `42`, a date of `2024-01-31` and a boolean of `yes`. Sage matches a pattern against it, and Python breaks. Put it in quotes.',
    source: 'sage-ecr@55a1a7e ecrdb.py L952 and L982; Python 3.11 re.fullmatch.',
    example: { bad: changed('cloud-counter', '2024'), good: GOOD },
  },
  {
    code: 'CTSS-M021',
    name: 'version-with-slash',
    severity: error,
    title: 'The version holds a slash.',
    reason: 'Sage packs the clone into a file that is named after the version.',
    source: 'sage-ecr@55a1a7e ecr_api.py L261-271.',
    example: { bad: changed('1.2.3', 'release/1.2.3'), good: GOOD },
  },
  {
    code: 'CTSS-M022',
    name: 'version-too-long',
    severity: error,
    title: 'The version has more than 64 characters.',
    reason:
      'No rule stands in Sage’s code, but the column has 64 characters; with white space at the end, which is cut off, the app is written and not found again.',
    source: 'sage-ecr@55a1a7e ecr_api.py L261-275 and L646-663; DDL: Apps.version VARCHAR(64) (L61), Apps.id VARCHAR(194).',
    example: { bad: changed('1.2.3', '1.2.3-with-everything-that-was-said-about-it-in-the-meeting-of-last-week'), good: GOOD },
  },
  {
    code: 'CTSS-M023',
    name: 'version-not-storable',
    severity: error,
    title: 'The version is a value that cannot be compared or stored.',
    reason: 'Lists of several entries, infinities, zero bytes and half characters break the database’s client or the file system.',
    source: 'sage-ecr@55a1a7e ecr_api.py L386-396; mysqlclient 2.1 converters.py.',
    example: { bad: changed('"1.2.3"', '[1, 2, 3]'), good: GOOD },
  },
  {
    code: 'CTSS-M024',
    name: 'git-version-unreadable',
    severity: error,
    title: 'Sage cannot take apart what `git describe` says about the newest commit.',
    reason:
      'It asks `git describe --always --tags --long`, and takes seven or eight characters for a commit; all else must be TAG-NUMBER-COMMIT with two hyphens. A newest tag such as `v1.0-rc1` breaks every submission, even one with a version of its own.',
    source: 'sage-ecr@55a1a7e ecr_api.py L208-233.',
    example: { none: 'It depends on the tags of the repository, not on its files.' },
  },
]

const DESCRIPTION: readonly RuleDocument[] = [
  {
    code: 'CTSS-M025',
    name: 'description-missing',
    severity: error,
    title: 'There is no description.',
    reason: 'Sage requires two fields besides the name: `description` and `source`.',
    source: 'sage-ecr@55a1a7e ecr_api.py L403-406; config.py L74.',
    example: { bad: changed('description: Counts clouds.\n', ''), good: GOOD },
  },
  {
    code: 'CTSS-M026',
    name: 'description-empty',
    severity: error,
    title: 'The description is empty.',
    reason: 'Sage says that it is missing. White space would do.',
    source: 'sage-ecr@55a1a7e ecr_api.py L418-420.',
    example: { bad: changed('Counts clouds.', '""'), good: GOOD },
  },
  {
    code: 'CTSS-M027',
    name: 'description-type',
    severity: error,
    title: 'The description must be text.',
    reason:
      'YAML reads `yes`, `5` and `2024-01-31` as other things. The Portal drops the quotes around some of them, so that even `"yes"` arrives as a boolean.',
    source: 'sage-ecr@55a1a7e ecr_api.py L411-416.',
    example: { bad: changed('Counts clouds.', '[counts, clouds]'), good: GOOD },
  },
  {
    code: 'CTSS-M028',
    name: 'description-too-long',
    severity: error,
    title: 'The description has more than 65,535 bytes.',
    reason: 'The column’s limit; a byte more breaks the database. Long texts belong into `ecr-meta/ecr-science-description.md`.',
    source: 'sage-ecr@55a1a7e DDL: Apps.description TEXT (ecrdb.py L63).',
    example: { none: 'A text of 64 KiB is too long to print.' },
  },
  {
    code: 'CTSS-M031',
    name: 'unknown-field',
    severity: error,
    title: 'Sage knows no such field.',
    reason: 'Every key at the top must be one of nineteen; upper and lower case differ.',
    source: 'sage-ecr@55a1a7e ecr_api.py L423-426; config.py L35-55.',
    example: { bad: added('licence: MIT'), good: added('license: MIT') },
  },
]

const INPUTS: readonly RuleDocument[] = [
  {
    code: 'CTSS-M032',
    name: 'inputs-type',
    severity: error,
    title: 'The inputs must be a list.',
    reason: 'Sage walks over whatever stands there. `inputs:` with nothing behind it is null, and Python breaks.',
    source: 'sage-ecr@55a1a7e ecr_api.py L455-457.',
    example: { bad: added('inputs:'), good: added('inputs: []') },
  },
  {
    code: 'CTSS-M033',
    name: 'input-type-of-entry',
    severity: error,
    title: 'Each input must be a mapping.',
    reason: 'Sage looks for the keys of each input, and takes the letters of a word for them.',
    source: 'sage-ecr@55a1a7e ecr_api.py L457-467.',
    example: { bad: added('inputs: [stream]'), good: added('inputs: [{id: stream, type: string}]') },
  },
  {
    code: 'CTSS-M034',
    name: 'input-unknown-key',
    severity: error,
    title: 'An input has only id, type, description and default.',
    reason: 'Every other key is refused; what a flag is good for goes into its description.',
    source: 'sage-ecr@55a1a7e ecr_api.py L458-460; config.py L126.',
    example: { bad: added('inputs: [{id: stream, type: string, label: Stream}]'), good: added('inputs: [{id: stream, type: string, description: Stream}]') },
  },
  {
    code: 'CTSS-M035',
    name: 'input-id-missing',
    severity: error,
    title: 'An input has no id.',
    reason: 'The id is the flag of the command line that the Portal offers, without dashes.',
    source: 'sage-ecr@55a1a7e ecr_api.py L462-464; config.py L125.',
    example: { bad: added('inputs: [{type: string}]'), good: added('inputs: [{id: stream, type: string}]') },
  },
  {
    code: 'CTSS-M036',
    name: 'input-type-missing',
    severity: error,
    title: 'An input has no type.',
    reason: "Sage reads the type before it looks whether there is one: its answer is `'type'`, a KeyError.",
    source: 'sage-ecr@55a1a7e ecr_api.py L462-465.',
    example: { bad: added('inputs: [{id: stream}]'), good: added('inputs: [{id: stream, type: string}]') },
  },
  {
    code: 'CTSS-M037',
    name: 'input-type-unknown',
    severity: error,
    title: 'Sage knows no such input type.',
    reason: 'The types are boolean, int, long, float, double, string and File, in this spelling (they come from the Common Workflow Language).',
    source: 'sage-ecr@55a1a7e ecr_api.py L465-467; config.py L129.',
    example: { bad: added('inputs: [{id: stream, type: str}]'), good: added('inputs: [{id: stream, type: string}]') },
  },
  {
    code: 'CTSS-M038',
    name: 'not-json',
    severity: error,
    title: 'A value cannot be stored as JSON.',
    reason:
      'Inputs, resources, metadata, architectures and build arguments are stored as JSON, which has no dates, no binary data and no sets. YAML makes a date of `2024-01-31`, also where the Portal has dropped its quotes.',
    source: 'sage-ecr@55a1a7e ecr_api.py L469, L544, L614, L628 and ecrdb.py L301; Python 3.11 json.dumps.',
    example: { bad: added('metadata: {since: 2024-01-31}'), good: added('metadata: {since: January 2024}') },
  },
]

/** Everything for which Sage, or the Portal before it, does not take a manifest. */
export const SAGE_REFUSALS: readonly RuleDocument[] = [...READING, ...IDENTITY, ...DESCRIPTION, ...INPUTS, ...SOURCE_REFUSALS, ...STORAGE_REFUSALS].toSorted(
  (a, b) => a.code.localeCompare(b.code),
)
