import { warning } from '../../problem.ts'
import { mappingOf, textOf } from '../lenient.ts'
import type { Rule } from '../rule.ts'
import { closestWord, editDistance } from '../words.ts'

const FOLDER = 'ecr-meta'

/** The three names that the ECR fetches at submission (ecr_api.py, import_meta_files L723-757), and what is known to lie beside them. */
const FETCHED = ['ecr-science-description.md', 'ecr-science-image.jpg', 'ecr-icon.jpg']
const HARMLESS = /^(?:README.*|ecr-project-url\.txt|ecr-project-keywords\.txt|ecr-credits-license\.txt|\.gitkeep|\.keep)$/i

/** MEDIUMBLOB. */
const MAX_BYTES = 16 * 2 ** 20 - 1

/** Files that are named otherwise are silently skipped: `ecr_science_image.jpg`, `ecr-science.description.md`, `icon.jpg`, `.png`. */
export const metadataFilesAreNamed: Rule = function* ({ tree }) {
  const folders = new Set<string>()
  for (const { path, bytes } of tree.entries.values()) {
    const [folder = '', name, ...deeper] = path.split('/')
    if (name === undefined) continue
    if (folder !== FOLDER) {
      if (!folders.has(folder) && isMisspelled(folder))
        yield warning('metadata-misspelled', `The ECR reads the folder ${FOLDER}, not ${folder}.`, {
          place: { file: path },
          suggestion: `Rename it to ${FOLDER}.`,
        })
      folders.add(folder)
      continue
    }
    if (deeper.length > 0 || HARMLESS.test(name)) continue
    if (FETCHED.includes(name)) {
      if (bytes > MAX_BYTES) yield warning('metadata-too-large', `${path} is larger than 16 MiB, which the ECR does not store.`, { place: { file: path } })
      continue
    }
    const meant = meantName(name)
    if (meant !== undefined && !tree.entries.has(`${FOLDER}/${meant}`)) {
      yield warning('metadata-misspelled', `The ECR ignores ${path}: it fetches ${meant}.`, {
        place: { file: path },
        suggestion: /\.jpe?g$|\.md$/i.test(name) ? `Rename it to ${FOLDER}/${meant}.` : `Save it as ${FOLDER}/${meant}.`,
      })
    }
  }
}

/** Fetched from the root of the repository only, even with `source.directory`, and of a branch only: with `tag` alone nothing is found. */
export const metadataIsFetched: Rule = function* ({ manifest, tree }) {
  const source = mappingOf(manifest.value, 'source')
  const hasMetadata = tree.folders.has(FOLDER)
  if (hasMetadata && textOf(source, 'tag') !== '' && textOf(source, 'branch') === '') {
    yield warning('metadata-not-fetched', `With \`source.tag\` and no \`source.branch\` the ECR finds no ${FOLDER}.`, {
      place: manifest.place(['source', 'tag']),
      suggestion: 'Name the branch too: the tag still decides what is built.',
    })
  }
  const directory = textOf(source, 'directory').replace(/^\.\/|\/$/g, '')
  if (!hasMetadata && directory !== '' && directory !== '.' && tree.folders.has(`${directory}/${FOLDER}`)) {
    yield warning('metadata-not-fetched', `The ECR reads ${FOLDER} at the root of the repository, not in ${directory}.`, {
      place: { file: manifest.file },
      suggestion: 'Move it to the root.',
    })
  }
}

function isMisspelled(folder: string): boolean {
  return folder.length > 4 && editDistance(folder.toLowerCase(), FOLDER) <= 2
}

function meantName(name: string): string | undefined {
  const plain = name
    .toLowerCase()
    .replaceAll(/[_. ]/g, '-')
    .replace(/-(?:png|jpe?g|gif|webp|md|txt)$/, '')
  const stems = FETCHED.map((file) => file.replace(/\.[a-z]+$/, ''))
  const stem = closestWord(plain, stems) ?? closestWord(`ecr-${plain}`, stems) ?? closestWord(`ecr-science-${plain}`, stems)
  return FETCHED.find((file) => stem !== undefined && file.startsWith(`${stem}.`))
}
