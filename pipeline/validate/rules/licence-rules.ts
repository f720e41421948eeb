import { fixProperty } from '../fixes/make-fix.ts'
import { replaceValue } from '../fixes/yaml-edits.ts'
import { textOf, valueOf } from '../lenient.ts'
import { readLicence } from '../licences.ts'
import type { LicenceReading } from '../licences.ts'
import type { ManifestFile, ManifestRule } from '../rule.ts'
import { quote } from '../words.ts'

const withLicence = (licence: string): string =>
  `name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: ${licence}\nsource:\n  architectures: [linux/amd64, linux/arm64]\n`

/** Longer ones are refused by Sage. */
const MAX_CHARACTERS = 256

const isMissing: ManifestRule = {
  code: 'CTSS-M120',
  name: 'license-missing',
  severity: 'warning',
  title: 'No licence is named.',
  reason:
    'Without a licence nobody but the author may use, change or pass on the plugin, and a citable record of it cannot be made. Half of the public manifests leave the field empty, because the template does.',
  source: 'Berne convention (all rights are reserved by default); https://choosealicense.com/no-permission.',
  example: { bad: { 'sage.yaml': withLicence('""') }, good: { 'sage.yaml': withLicence('"MIT"') } },
  *check({ manifest }) {
    const value = valueOf(manifest.value, 'license')
    if (value !== undefined && value !== null && (typeof value !== 'string' || value.trim() !== '')) return
    yield {
      place: value === undefined ? { file: manifest.file, line: 1 } : manifest.place(['license'], 'key'),
      message: 'No `license` is named: nobody may use the plugin.',
      suggestion: 'Name one by its SPDX identifier, for instance license: "MIT" (https://spdx.org/licenses).',
    }
  },
}

const READINGS = new WeakMap<ManifestFile, LicenceReading>()

/** Two rules ask the same, and the answer takes its time. */
function readingOf(manifest: ManifestFile, text: string): LicenceReading {
  const reading = READINGS.get(manifest) ?? readLicence(text)
  READINGS.set(manifest, reading)
  return reading
}

const isUnknown: ManifestRule = {
  code: 'CTSS-M121',
  name: 'license-unknown',
  severity: 'warning',
  title: 'The licence is none that is known, or the text does not say which of several.',
  reason:
    'The ECR stores any text. Catalogues, registries and funders compare licences by their SPDX identifiers, and readers cannot tell from "The license agreed by the laboratory" what they may do. For a licence of your own, SPDX has `LicenseRef-` and a name.',
  source: 'SPDX specification 2.3, annex D (license expressions); https://spdx.org/licenses.',
  example: { bad: { 'sage.yaml': withLicence('"Creative commons license"') }, good: { 'sage.yaml': withLicence('"CC-BY-4.0"') } },
  *check({ manifest }) {
    const text = textOf(manifest.value, 'license').trim()
    if (text === '' || text.length > MAX_CHARACTERS) return
    const reading = readingOf(manifest, text)
    if (reading.kind !== 'unknown') return
    const { closest } = reading
    yield {
      place: manifest.place(['license']),
      message:
        closest === undefined ? `\`license\`: ${quote(text)} names no licence that is known.` : `\`license\`: ${quote(text)} does not say which version.`,
      suggestion: `Use an SPDX identifier, for instance "${closest ?? 'BSD-3-Clause'}" (https://spdx.org/licenses).`,
    }
  },
}

const isSpelledOtherwise: ManifestRule = {
  code: 'CTSS-M123',
  name: 'license-not-spdx',
  severity: 'hint',
  title: 'The licence is not written as an SPDX identifier.',
  reason:
    'People understand "MIT License" or "GPLv3", tools look for `MIT` or `GPL-3.0-only`. Where only the spelling differs the fix is safe; where the text leaves something open, such as "only" or "or later", it is not.',
  source: 'SPDX specification 2.3, annex D (license expressions); https://spdx.org/licenses.',
  example: { bad: { 'sage.yaml': withLicence('"MIT License"') }, good: { 'sage.yaml': withLicence('"MIT"') } },
  *check({ manifest }) {
    const text = textOf(manifest.value, 'license').trim()
    if (text === '' || text.length > MAX_CHARACTERS) return
    const reading = readingOf(manifest, text)
    if (reading.kind !== 'spelling' && reading.kind !== 'guess') return
    const { kind, expression } = reading
    const isCertain = kind === 'spelling'
    yield {
      place: manifest.place(['license']),
      message: `\`license\`: ${quote(text)} ${isCertain ? 'is' : 'is probably'} "${expression}" in SPDX.`,
      suggestion:
        expression.endsWith('-only') && !isCertain
          ? `Write "${expression}", or "${expression.replace(/only$/, 'or-later')}".`
          : `Write license: "${expression}".`,
      ...fixProperty(`write ${expression}`, isCertain, replaceValue(manifest, ['license'], expression)),
    }
  },
}

/** Warnings about the licence. */
export const LICENCE_WARNINGS: readonly ManifestRule[] = [isMissing, isUnknown, isSpelledOtherwise]
