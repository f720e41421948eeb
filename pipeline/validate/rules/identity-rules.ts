import { error, warning } from '../../problem.ts'
import { isSameRepository, normaliseRepositoryUrl } from '../../repository-url.ts'
import { mappingOf, textOf, valueOf } from '../lenient.ts'
import type { Rule } from '../rule.ts'
import { quote } from '../words.ts'

/** `Permissions.resourceName` of the ECR's database is VARCHAR(64) and holds `namespace/name`. */
export const nameFitsDatabase: Rule = function* ({ manifest }) {
  const [namespace, name] = [textOf(manifest.value, 'namespace'), textOf(manifest.value, 'name')]
  const length = `${namespace}/${name}`.length
  if (namespace !== '' && name.length <= 64 && length > 64) {
    yield error('name-too-long', `\`namespace/name\` has ${length} characters; the ECR takes 64.`, {
      place: manifest.place(['name']),
      suggestion: 'Choose a shorter name.',
    })
  }
}

/** The ECR takes names that no OCI registry takes, such as `-a` or `a___b` (OCI distribution specification 1.1, repository names). */
export const nameFitsRegistry: Rule = function* ({ manifest }) {
  const name = textOf(manifest.value, 'name')
  if (/^[a-z0-9_-]{2,64}$/.test(name) && !/^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$/.test(name)) {
    yield error('name-not-an-image', `\`name\`: ${quote(name)} cannot be the name of a container image.`, {
      place: manifest.place(['name']),
      suggestion: 'Begin and end it with a letter or digit, with at most two _ in a row.',
    })
  }
}

/** The version becomes the image's tag (OCI distribution specification 1.1); the ECR checks only for a slash. */
export const versionFitsTag: Rule = function* ({ manifest }) {
  const version = textOf(manifest.value, 'version')
  if (version !== '' && version.length <= 64 && !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(version)) {
    yield error('version-not-a-tag', `\`version\`: ${quote(version)} cannot be the tag of a container image.`, {
      place: manifest.place(['version']),
      suggestion: 'Use x.y.z, for instance 0.1.0.',
    })
  }
}

/** wes-upload-agent ships uploads only of tags that hold x.y.z, begin with v, or are `latest` or `test` (main.sh L171-187). */
export const versionShipsUploads: Rule = function* ({ manifest }) {
  const version = textOf(manifest.value, 'version')
  if (version !== '' && !/\d+\.\d+\.\d+|^v|^latest$|^test$/.test(version)) {
    yield warning('version-not-xyz', `\`version\`: ${quote(version)} is not of the form x.y.z: nodes never ship the files that the plugin uploads.`, {
      place: manifest.place(['version']),
      suggestion: 'Use x.y.z, for instance 0.1.0.',
    })
  }
}

/** Without a version the ECR asks Git (`git describe`), and two pushes of one commit get one name. */
export const versionIsGiven: Rule = function* ({ manifest }) {
  if (textOf(manifest.value, 'version') === '' || valueOf(manifest.value, 'version') === false) {
    yield warning('version-missing', `${manifest.file} has no \`version\`: it is taken from Git.`, {
      place: { file: manifest.file, line: 1 },
      suggestion: 'Write version: "0.1.0" and raise it for each release.',
    })
  }
}

/** `description` is a TEXT column (65,535 bytes). */
export const descriptionFitsDatabase: Rule = function* ({ manifest }) {
  const bytes = Buffer.byteLength(textOf(manifest.value, 'description'))
  if (bytes > 65_535) yield error('too-long', `\`description\` has ${bytes} bytes; the ECR takes 65,535.`, { place: manifest.place(['description'], 'key') })
}

/** About one in four `source.url` of 62 manifests names another repository than the file lies in: copied, and not mended. The Portal overwrites it. */
export const urlIsThisRepository: Rule = function* ({ manifest, subject }) {
  const url = textOf(mappingOf(manifest.value, 'source'), 'url')
  if (url === '' || normaliseRepositoryUrl(subject.repository) === undefined || isSameRepository(url, subject.repository)) return
  yield warning('url-elsewhere', `\`source.url\` names another repository (${quote(url)}) than this one (${subject.repository}).`, {
    place: manifest.place(['source', 'url']),
    suggestion: 'Delete the line, or write this repository: the Portal overwrites it anyway.',
  })
}

const LICENCES = /\b(?:MIT|BSD|Apache|[AL]?GPL|GNU|MPL|Mozilla|ISC|CC0|CC[- ]BY|Unlicense|EUPL|BSL|Artistic|Zlib|NCSA|EPL|public domain|proprietary)\b|GPLv?\d/i

/** The catalogue shows a licence badge, and a DOI needs one; the ECR takes any text. */
export const licenceIsNamed: Rule = function* ({ manifest }) {
  const licence = textOf(manifest.value, 'license').trim()
  if (licence === '') {
    yield warning('license-missing', 'No `license` is named: nobody may use the plugin.', {
      place: manifest.place(['license'], 'key'),
      suggestion: 'Name one by its SPDX identifier, for instance license: "MIT".',
    })
  } else if (!LICENCES.test(licence)) {
    yield warning('license-unknown', `\`license\`: ${quote(licence)} names no licence that is known.`, {
      place: manifest.place(['license']),
      suggestion: 'Use an SPDX identifier, for instance "BSD-3-Clause" (https://spdx.org/licenses).',
    })
  }
}
