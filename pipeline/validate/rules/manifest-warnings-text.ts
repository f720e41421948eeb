import { valueAt } from '../fixes/document-nodes.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { survivesPortal } from '../fixes/portal-survival.ts'
import { joinList, plainText, quoteValue, replaceValue } from '../fixes/yaml-edits.ts'
import { isMapping, listOf, mappingOf, textOf, valueOf } from '../lenient.ts'
import type { Finding, ManifestFile, ManifestRule } from '../rule.ts'
import { describeType } from '../sage/judge-submission.ts'
import { literalOf, storedText } from '../sage/mysql.ts'
import type { PythonValue } from '../sage/python-value.ts'
import { findNamedSecret, findSecrets } from '../secret-patterns.ts'
import { quote, writePath } from '../words.ts'
import type { DocumentPath } from '../yaml-source.ts'
import { mayDiffer } from './manifest-warnings-yaml.ts'

const withLine = (line: string): string =>
  `name: cloud-counter\nversion: "1.2.3"\n${line}\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64, linux/arm64]\n`

/**
 * What official templates write for the author to replace, in the places where they write it: sage-ecr example_app.yaml, waggle-sensor's
 * cookiecutter-sage-app, plugin-helloworld-ml and plugin-generic-template, and pywaggle docs/writing-a-plugin.md.
 */
const IN_TEXTS: readonly RegExp[] = [
  /\{\{.{0,100}\}\}/,
  /<[^<>@]{0,60}\byour\b[^<>@]{0,60}>/i,
  /\byour[-_](?:plugin|app|bucket|project)[-_]/i,
  /\byour@email\.address\b/i,
  /\byour\.(?:email|coworker|name)@/i,
  /@(?:somewhere\.org|otherplace\.edu|hyrule\.org)\b/i,
]

const WHOLE_TEXTS: ReadonlySet<string> = new Set([
  'short description about your plugin',
  'my hello world app',
  'my hello world plugin',
  'very important app',
  'key, words, describing, your, plugin',
  'machine learning, audio, birds, some keyword',
])

const AUTHORS = /^(?:your name|a coworker)\b/i
const ADDRESS = /^https?:\/\/github\.com\/(?:username|your-?user(?:name)?|your-?org|<[^>]*>)\//i
const INPUT_ID = /^your-parameters?$/i

const PLACEHOLDER_FIELDS = ['name', 'description', 'keywords', 'authors', 'collaborators', 'homepage', 'funding', 'license'] as const

function* placeholders(manifest: ManifestFile): Generator<readonly [DocumentPath, string]> {
  const { value } = manifest
  for (const field of PLACEHOLDER_FIELDS) {
    const text = textOf(value, field)
    if (isPlaceholder(text) || (field === 'authors' && AUTHORS.test(text)) || (field === 'homepage' && ADDRESS.test(text))) yield [[field], text]
  }
  const source = mappingOf(value, 'source')
  const url = textOf(source, 'url')
  if (isPlaceholder(url) || ADDRESS.test(url)) yield [['source', 'url'], url]
  const buildArguments = mappingOf(source, 'build_args')
  for (const key of Object.keys(buildArguments)) {
    const text = textOf(buildArguments, key)
    if (isPlaceholder(text)) yield [['source', 'build_args', key], text]
  }
  for (const [position, input] of listOf(value, 'inputs').entries()) {
    const id = textOf(input, 'id')
    if (INPUT_ID.test(id)) yield [['inputs', position, 'id'], id]
  }
  if (valueOf(mappingOf(value, 'metadata'), 'my-science-data') === 12345) yield [['metadata', 'my-science-data'], 'my-science-data: 12345']
}

function isPlaceholder(text: string): boolean {
  if (text.length < 6 || text.length > 2000) return false
  return WHOLE_TEXTS.has(text.trim().toLowerCase()) || IN_TEXTS.some((pattern) => pattern.test(text))
}

const templateIsFilledIn: ManifestRule = {
  code: 'CTSS-M107',
  name: 'placeholder-left',
  severity: 'warning',
  title: 'Something from the template was left in.',
  reason:
    'The catalogue shows it as if the author had written it: "Your Name", "my hello world app", `my-science-data: 12345`. Write what is true of this plugin, or delete the line.',
  source: 'sage-ecr example_app.yaml; waggle-sensor plugin-helloworld-ml, plugin-generic-template and cookiecutter-sage-app.',
  example: {
    bad: { 'sage.yaml': withLine('description: "Short description about your plugin"') },
    good: { 'sage.yaml': withLine('description: "Counts clouds"') },
  },
  *check({ manifest }) {
    for (const [path, text] of placeholders(manifest)) {
      const place = manifest.place(path)
      yield { place, message: `\`${writePath(path)}\`: ${quote(text)} is left from a template.`, suggestion: 'Write your own, or delete the line.' }
    }
  },
}

const homepageIsAddress: ManifestRule = {
  code: 'CTSS-M108',
  name: 'homepage-not-an-address',
  severity: 'warning',
  title: 'The homepage is no web address.',
  reason: 'The Portal makes a link of it. Without `https://` the link leads to a page of the Portal that does not exist.',
  source: 'sage-gui apps/sage/ecr (homepage as href); package.json and cookiecutter-sage-app use a full address.',
  example: {
    bad: { 'sage.yaml': withLine('description: "Counts clouds"\nhomepage: "github.com/sky-lab/cloud-counter"') },
    good: { 'sage.yaml': withLine('description: "Counts clouds"\nhomepage: "https://github.com/sky-lab/cloud-counter"') },
  },
  *check({ manifest }) {
    const text = textOf(manifest.value, 'homepage')
    if (text.trim() === '' || typeof manifest.value['homepage'] !== 'string' || /^\s*https?:\/\/[^\s/]/i.test(text)) return
    const isHost = text.length < 256 && /^(?:www\.|github\.com\/|gitlab\.com\/)[^\s]+$/i.test(text)
    yield {
      place: manifest.place(['homepage']),
      message: `\`homepage\`: ${quote(text)} is no web address, and the Portal makes a link of it.`,
      suggestion: isHost ? `Write homepage: "https://${text}".` : 'Write an address that begins with https://, or leave it empty.',
      ...(isHost && fixProperty('write https:// in front', true, replaceValue(manifest, ['homepage'], `https://${text}`))),
    }
  },
}

const descriptionSaysSomething: ManifestRule = {
  code: 'CTSS-M109',
  name: 'description-blank',
  severity: 'warning',
  title: 'The description holds nothing but white space.',
  reason: 'Sage asks for a description, takes blanks for one, and shows an empty line in the catalogue.',
  source: 'sage-ecr ecr_api.py L403-420 (only the empty text counts as missing).',
  example: { bad: { 'sage.yaml': withLine('description: "  "') }, good: { 'sage.yaml': withLine('description: "Counts clouds"') } },
  *check({ manifest }) {
    const text = textOf(manifest.value, 'description')
    if (text !== '' && text.trim() === '')
      yield {
        place: manifest.place(['description']),
        message: '`description` holds nothing but white space.',
        suggestion: 'Say in one sentence what the plugin measures.',
      }
  },
}

const secretsStayOut: ManifestRule = {
  code: 'CTSS-M110',
  name: 'secret-in-manifest',
  severity: 'warning',
  title: 'Something that looks like a token or a password stands in the manifest.',
  reason:
    'The manifest is public, in Git and in the catalogue, and stays in the history when the line is deleted. Whoever finds the secret can use it. Revoke it where it was issued, and pass the new one to the job as a secret (`env: {NAME: "{secret.name.key}"}`).',
  source: 'waggle-sensor/edge-scheduler (secrets in env of a job); the forms are those that their issuers document.',
  example: {
    bad: {
      'sage.yaml': withLine(
        `description: "Counts clouds"\ninputs:\n  - id: token\n    type: string\n    default: "ghp_${'R4nd0mT0ken'.repeat(4).slice(0, 36)}"`,
      ),
    },
    good: { 'sage.yaml': withLine('description: "Counts clouds"\ninputs:\n  - id: token\n    type: string') },
  },
  *check({ manifest }) {
    const suggestion = 'Revoke it where it was issued, delete it here, and give it to the job as a secret.'
    const found = findSecrets(manifest.text.text)
    for (const secret of found) yield { place: manifest.text.place(secret), message: `This looks like ${secret.kind}, for everybody to read.`, suggestion }
    const named = (path: DocumentPath, name: string, value: unknown): Finding | undefined => {
      const kind = typeof value === 'string' ? findNamedSecret(name, value) : undefined
      if (kind === undefined) return undefined
      const span = manifest.span(path, 'value')
      if (span === undefined || found.some(({ start, end }) => start < span.end && end > span.start)) return undefined
      return { place: manifest.place(path), message: `The value of \`${name.slice(0, 60)}\` looks like ${kind}, for everybody to read.`, suggestion }
    }
    const buildArguments = mappingOf(mappingOf(manifest.value, 'source'), 'build_args')
    for (const [key, value] of Object.entries(buildArguments)) {
      const finding = named(['source', 'build_args', key], key, value)
      if (finding !== undefined) yield finding
    }
    for (const [position, input] of listOf(manifest.value, 'inputs').entries()) {
      const finding = isMapping(input) ? named(['inputs', position, 'default'], textOf(input, 'id'), valueOf(input, 'default')) : undefined
      if (finding !== undefined) yield finding
    }
  },
}

const listsAreSeparatedByCommas: ManifestRule = {
  code: 'CTSS-M122',
  name: 'semicolons-between-names',
  severity: 'hint',
  title: 'Names are separated by semicolons: they count as one.',
  reason:
    'Authors, collaborators and keywords are comma separated texts. The Portal splits keywords at commas, and shows a text without any as one long keyword.',
  source: 'sage-ecr example_app.yaml ("comma separated"); sage-gui apps/sage/ecr (keywords split on ",").',
  example: {
    bad: { 'sage.yaml': withLine('description: "Counts clouds"\nkeywords: "clouds; sky; camera"') },
    good: { 'sage.yaml': withLine('description: "Counts clouds"\nkeywords: "clouds, sky, camera"') },
  },
  *check({ manifest }) {
    for (const field of ['keywords', 'authors', 'collaborators']) {
      const text = textOf(manifest.value, field)
      if (text.includes(',') || !/;\s*\S/.test(text) || text.length > 4096) continue
      const words = text.split(';').map((word) => word.trim())
      const joined = words.filter((word) => word !== '').join(', ')
      yield {
        place: manifest.place([field]),
        message: `\`${field}\` separates its names by semicolons, and Sage by commas.`,
        suggestion: 'Write commas.',
        ...fixProperty('write commas', true, replaceValue(manifest, [field], joined)),
      }
    }
  },
}

const TEXT_FIELDS = ['keywords', 'authors', 'collaborators', 'homepage', 'funding', 'license'] as const

/** Stored as they are written, or not at all. */
const SAME_AS_TEXT: ReadonlySet<PythonValue['type']> = new Set(['str', 'NoneType', 'date', 'datetime', 'bytes'])

/** What Sage stores for a value that is no text; undefined: it refuses it, or means the same by it. */
function storedInstead(value: PythonValue, text: string): string | undefined {
  if (SAME_AS_TEXT.has(value.type)) return undefined
  // CTSS-M170 says that.
  if ((value.type === 'int' || value.type === 'float' || value.type === 'bool') && mayDiffer(value, text)) return undefined
  const literal = literalOf(value)
  // CTSS-M170 speaks of numbers that JavaScript cannot hold.
  return literal.kind === 'int' && !Number.isSafeInteger(Number(literal.value)) ? undefined : storedText(literal)
}

const textsAreTexts: ManifestRule = {
  code: 'CTSS-M124',
  name: 'text-field-not-text',
  severity: 'warning',
  title: 'A list, a mapping or a number stands where the catalogue has a text.',
  reason:
    'Sage looks only at the description’s type. Of a list with one entry it stores the entry, of a mapping what Python prints, braces and quotes and all, and of true the number 1; as soon as the list has a second entry, Sage breaks on it (CTSS-M056).',
  source: 'sage-ecr ecr_api.py L403-434, ecrdb.py insertApp L293-316; mysqlclient 2.1 MySQLdb/converters.py (lists, mappings and booleans).',
  example: {
    bad: { 'sage.yaml': withLine('description: "Counts clouds"\nauthors: {name: Jane Doe}') },
    good: { 'sage.yaml': withLine('description: "Counts clouds"\nauthors: "Jane Doe"') },
  },
  *check({ manifest }) {
    for (const field of TEXT_FIELDS) {
      const value = valueAt(manifest.python, [field])
      const stored = value === undefined ? undefined : storedInstead(value, manifest.text.text)
      if (value === undefined || stored === undefined) continue
      const written = plainText(manifest, [field])
      const name = textOf(mappingOf(manifest.value, field), 'name')
      yield {
        place: manifest.place([field]),
        message: `\`${field}\` is ${describeType(value)}, not a text: Sage stores ${quote(stored)}.`,
        suggestion: name === '' ? `Write one text after ${field}:, in quotes.` : `Write one text, for instance ${field}: ${quote(name)}.`,
        ...(value.type === 'list' && fixProperty('write one text', true, joinList(manifest, [field]))),
        ...(written !== undefined && survivesPortal(written) && fixProperty('put it in quotes', true, quoteValue(manifest, [field]))),
      }
    }
  },
}

/** Warnings about what people read in the catalogue, and about what they should not read there. */
export const TEXT_WARNINGS: readonly ManifestRule[] = [
  templateIsFilledIn,
  homepageIsAddress,
  descriptionSaysSomething,
  secretsStayOut,
  listsAreSeparatedByCommas,
  textsAreTexts,
]
