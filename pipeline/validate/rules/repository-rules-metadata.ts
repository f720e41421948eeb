import { rootManifest } from '../find-manifests.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { insertEntry } from '../fixes/yaml-edits.ts'
import type { TreeIndex } from '../../tree.ts'
import { mappingOf, textOf } from '../lenient.ts'
import type { RepositoryFacts, RepositoryRule } from '../rule.ts'
import { closestWord, editDistance } from '../words.ts'
import { jpegSize, recogniseImage } from './repository-rules-images.ts'
import type { ImageKind } from './repository-rules-images.ts'

const FOLDER = 'ecr-meta'
const DESCRIPTION = 'ecr-science-description.md'
const IMAGE = 'ecr-science-image.jpg'
const ICON = 'ecr-icon.jpg'
const FETCHED = [DESCRIPTION, IMAGE, ICON]

/** Other files that authors put there, for themselves or for other tools. */
const HARMLESS = /^(?:README.*|ecr-project-url\.txt|ecr-project-keywords\.txt|ecr-credits-license\.txt|\.gitkeep|\.keep|\.DS_Store)$/i

/** MEDIUMBLOB. */
const MAX_BYTES = 2 ** 24 - 1

const FETCH_SOURCE = 'sage-ecr ecr_api.py import_meta_files L723-757 (raw.githubusercontent.com/<owner>/<repository>/<branch>/ecr-meta/<file>)'

/** What belongs to all plugins of a repository is said once: with the manifest at its root, if there is one. */
export function speaksForRepository({ manifest, tree }: Pick<RepositoryFacts, 'manifest' | 'tree'>): boolean {
  return !manifest.file.includes('/') || rootManifest(tree) === undefined
}

const NAMES = new WeakMap<TreeIndex, ReadonlyMap<string, readonly string[]>>()

/** Names directly in a folder at the root. Grouped once: a hostile tree has thousands of both. */
function namesIn({ tree }: RepositoryFacts, folder: string): readonly string[] {
  const known = NAMES.get(tree) ?? groupNames(tree)
  NAMES.set(tree, known)
  return known.get(folder) ?? []
}

function groupNames({ entries }: TreeIndex): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const path of entries.keys()) {
    const [folder = '', name, deeper] = path.split('/', 3)
    if (name === undefined || deeper !== undefined) continue
    const names = groups.get(folder)
    if (names === undefined) groups.set(folder, [name])
    else names.push(name)
  }
  return groups
}

const folderIsNamed: RepositoryRule = {
  code: 'CTSS-R001',
  name: 'metadata-folder-misspelled',
  severity: 'warning',
  title: 'A folder is called nearly, but not quite, ecr-meta.',
  reason:
    'At registration the ECR fetches the description, the icon and the image of a plugin from `ecr-meta/` and from nowhere else. What is not there is skipped without a word.',
  source: FETCH_SOURCE,
  example: { bad: { 'ecr_meta/ecr-icon.jpg': '' }, good: { 'ecr-meta/README.md': '' } },
  *check(facts) {
    if (!speaksForRepository(facts)) return
    for (const folder of facts.tree.folders) {
      if (folder === FOLDER || folder.includes('/') || folder.length < 5 || folder.length > 12 || editDistance(folder.toLowerCase(), FOLDER) > 2) continue
      const names = namesIn(facts, folder)
      const first = names.find((name) => meantName(name) !== undefined) ?? ''
      if (first === '' && facts.tree.folders.has(FOLDER)) continue
      yield {
        place: { file: first === '' ? folder : `${folder}/${first}` },
        message: `The ECR reads the folder ${FOLDER}, not ${folder}.`,
        suggestion: `Rename it: git mv ${folder} ${FOLDER}`,
      }
    }
  },
}

const filesAreNamed: RepositoryRule = {
  code: 'CTSS-R002',
  name: 'metadata-file-misspelled',
  severity: 'warning',
  title: 'A file in ecr-meta has a name that the ECR does not fetch.',
  reason:
    'Exactly three names are fetched: `ecr-science-description.md`, `ecr-science-image.jpg` and `ecr-icon.jpg`. Underscores, other endings and capitals are skipped without a word, and the plugin has no icon or description in the catalogue.',
  source: FETCH_SOURCE,
  example: { bad: { 'ecr-meta/ecr_science_image.jpg': '' }, good: { 'ecr-meta/README.md': '' } },
  *check(facts) {
    if (!speaksForRepository(facts)) return
    for (const name of namesIn(facts, FOLDER)) {
      if (HARMLESS.test(name) || FETCHED.includes(name) || name.length > 64) continue
      const meant = meantName(name)
      if (meant === undefined || facts.tree.entries.has(`${FOLDER}/${meant}`)) continue
      const sameKind = /\.[a-z]+$/i.exec(name)?.[0].toLowerCase() === /\.[a-z]+$/.exec(meant)?.[0]
      yield {
        place: { file: `${FOLDER}/${name}` },
        message: `The ECR ignores ${FOLDER}/${name}: it fetches ${meant}.`,
        suggestion: sameKind || meant === DESCRIPTION ? `Rename it: git mv ${FOLDER}/${name} ${FOLDER}/${meant}` : `Save it as a JPEG, as ${FOLDER}/${meant}.`,
      }
    }
  },
}

function meantName(name: string): string | undefined {
  const ending = /\.(png|jpe?g|gif|webp|md|markdown|txt)$/i.exec(name)?.[1]?.toLowerCase()
  if (ending === undefined) return undefined
  const stem = name
    .slice(0, -ending.length - 1)
    .toLowerCase()
    .replaceAll(/[_. ]/g, '-')
  const isText = ending === 'md' || ending === 'markdown' || ending === 'txt'
  const candidates = FETCHED.filter((file) => file.endsWith('.md') === isText)
  const stems = candidates.map((file) => file.replace(/\.[a-z]+$/, ''))
  // Only a name that begins like theirs is compared: `figure1.png` is a picture in the description.
  const meant = stems.find((each) => each.endsWith(`-${stem}`)) ?? (/^(?:ecr|science)/.test(stem) ? closestWord(stem, stems) : undefined)
  return candidates.find((file) => meant !== undefined && file.startsWith(`${meant}.`))
}

const folderIsAtRoot: RepositoryRule = {
  code: 'CTSS-R003',
  name: 'metadata-misplaced',
  severity: 'warning',
  title: 'ecr-meta lies beside the plugin in a folder; the ECR reads only the one at the root.',
  reason:
    '`source.directory` says where the plugin is built, and nothing else: the description and the images are fetched from the root of the repository all the same.',
  source: FETCH_SOURCE,
  example: {
    bad: {
      'sage.yaml':
        'name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64]\n  directory: "plugin"\n',
      'plugin/Dockerfile': 'FROM scratch\nENTRYPOINT ["/main"]\n',
      'plugin/ecr-meta/ecr-icon.jpg': '',
    },
  },
  *check({ manifest, tree }) {
    const slash = manifest.file.lastIndexOf('/')
    const written = textOf(mappingOf(manifest.value, 'source'), 'directory')
    if (written.length > 256) return
    const directory = written.replace(/^\.\//, '').replace(/\/$/, '')
    const folders = new Set([slash < 0 ? '' : manifest.file.slice(0, slash), directory === '.' ? '' : directory])
    for (const folder of folders) {
      if (folder === '' || !tree.folders.has(`${folder}/${FOLDER}`)) continue
      const place = folder === directory ? manifest.place(['source', 'directory']) : { file: manifest.file, line: 1 }
      const both = tree.folders.has(FOLDER) ? ', and shows what lies there for this plugin too' : ''
      yield { place, message: `The ECR reads ${FOLDER} at the root of the repository, not in ${folder}${both}.`, suggestion: 'Move it to the root.' }
    }
  },
}

const branchIsNamed: RepositoryRule = {
  code: 'CTSS-R004',
  name: 'metadata-tag-only',
  severity: 'warning',
  title: 'With a tag and no branch, the ECR does not find ecr-meta.',
  reason:
    'It fetches the files of `source.branch`, also when a tag says what is built; without a branch the address has a hole, and nothing is found. The Portal fills the branch in; whoever submits the file as it is must write it.',
  source: FETCH_SOURCE,
  example: {
    bad: {
      'sage.yaml':
        'name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64]\n  tag: "v1.2.3"\n',
    },
  },
  *check({ manifest, tree, portal }) {
    const source = mappingOf(manifest.value, 'source')
    if (!tree.folders.has(FOLDER) || textOf(source, 'tag') === '' || textOf(source, 'branch') !== '') return
    yield {
      place: manifest.place(['source', 'tag']),
      message: `With \`source.tag\` and no \`source.branch\` the ECR finds no ${FOLDER}, unless the Portal writes the branch.`,
      suggestion: 'Name the branch too: the tag still decides what is built.',
      ...fixProperty(`name the branch ${portal.branch}`, false, insertEntry(manifest, ['source'], 'branch', portal.branch)),
    }
  },
}

const filesAreSmall: RepositoryRule = {
  code: 'CTSS-R005',
  name: 'metadata-too-large',
  severity: 'warning',
  title: 'A file in ecr-meta is larger than 16 MiB, which the ECR cannot store.',
  reason: 'The column holds 16 MiB. A larger file breaks the registration after everything else has been written.',
  source: 'sage-ecr ecrdb.py initdb (MetaFiles.file is MEDIUMBLOB); ecr_api.py L723-757.',
  example: { none: 'A file of 16 MiB is too long to print.' },
  *check(facts) {
    if (!speaksForRepository(facts)) return
    for (const name of FETCHED) {
      const entry = facts.tree.entries.get(`${FOLDER}/${name}`)
      if (entry !== undefined && entry.bytes > MAX_BYTES)
        yield {
          place: { file: entry.path },
          message: `${entry.path} is larger than 16 MiB, which the ECR cannot store.`,
          suggestion: 'Save it smaller: 1 MB is plenty.',
        }
    }
  },
}

const KIND_WORDS: Readonly<Record<Exclude<ImageKind, 'jpeg'>, string>> = {
  png: 'a PNG image',
  gif: 'a GIF image',
  webp: 'a WebP image',
  heic: 'a HEIC or AVIF image',
  'git-lfs': 'a pointer of Git LFS, and GitHub serves the pointer',
  empty: 'empty',
  other: 'no image',
}

const imagesAreJpeg: RepositoryRule = {
  code: 'CTSS-R006',
  name: 'metadata-not-jpeg',
  severity: 'warning',
  title: 'An image in ecr-meta is no JPEG, whatever its name says.',
  reason:
    'The ECR stores the bytes as they are, under a name that ends in `.jpg`. Renaming a PNG does not make a JPEG of it: some browsers show it, other readers of the catalogue do not. A pointer of Git LFS is a text, and shows nothing anywhere.',
  source: `${FETCH_SOURCE}; JPEG: ITU-T T.81, annex B.`,
  example: { bad: { 'ecr-meta/ecr-icon.jpg': 'version https://git-lfs.github.com/spec/v1\n' } },
  *check(facts) {
    if (!speaksForRepository(facts)) return
    for (const name of [IMAGE, ICON]) {
      const file = `${FOLDER}/${name}`
      const bytes = facts.metadataFiles.get(file)
      const kind = bytes === undefined ? 'jpeg' : recogniseImage(bytes)
      if (kind === 'jpeg') continue
      yield { place: { file }, message: `${file} is ${KIND_WORDS[kind]}, not a JPEG image.`, suggestion: 'Save it as a JPEG.' }
    }
  },
}

const imagesHaveTheSize: RepositoryRule = {
  code: 'CTSS-R007',
  name: 'metadata-image-size',
  severity: 'hint',
  title: 'An image in ecr-meta has not the size that the catalogue asks for.',
  reason: 'The catalogue asks for an icon of 512 × 512 pixels, and a science image of at least 1920 × 1080. Others are shown too, cut or blurred.',
  source: 'Sage’s documentation of ecr-meta (waggle-sensor/sage-website); the ECR’s code does not check it.',
  example: { none: 'A page of text cannot show an image.' },
  *check(facts) {
    if (!speaksForRepository(facts)) return
    for (const name of [IMAGE, ICON]) {
      const file = `${FOLDER}/${name}`
      const bytes = facts.metadataFiles.get(file)
      const size = bytes === undefined || recogniseImage(bytes) !== 'jpeg' ? undefined : jpegSize(bytes)
      if (size === undefined) continue
      const { width, height } = size
      if (name === ICON ? width === 512 && height === 512 : width >= 1920 && height >= 1080) continue
      const wanted = name === ICON ? '512 × 512' : 'at least 1920 × 1080'
      yield {
        place: { file },
        message: `${file} has ${width} × ${height} pixels; the catalogue asks for ${wanted}.`,
        suggestion: `Save it with ${wanted} pixels.`,
      }
    }
  },
}

const descriptionIsThere: RepositoryRule = {
  code: 'CTSS-R008',
  name: 'no-science-description',
  severity: 'hint',
  title: 'The plugin has no science description.',
  reason:
    'The catalogue’s page of a plugin is made of `ecr-meta/ecr-science-description.md`: about a page on the question, the data and the method. Without it there is one line.',
  source: FETCH_SOURCE,
  example: { bad: { 'ecr-meta/ecr-science-description.md': '' } },
  *check(facts) {
    if (!speaksForRepository(facts)) return
    const file = `${FOLDER}/${DESCRIPTION}`
    const entry = facts.tree.entries.get(file)
    if (entry !== undefined && (entry.bytes > 0 || entry.mode === '120000')) return
    const isMisspelled = namesIn(facts, FOLDER).some((name) => !FETCHED.includes(name) && meantName(name) === DESCRIPTION)
    if (entry === undefined && isMisspelled) return
    yield {
      place: { file: entry === undefined ? facts.manifest.file : file, line: 1 },
      message: entry === undefined ? `There is no ${file}: the catalogue’s page of the plugin stays empty.` : `${file} is empty.`,
      suggestion: 'Write about a page on the question, the data and the method.',
    }
  },
}

/** Warnings about what the catalogue shows of a plugin. */
export const METADATA_RULES: readonly RepositoryRule[] = [
  folderIsNamed,
  filesAreNamed,
  folderIsAtRoot,
  branchIsNamed,
  filesAreSmall,
  imagesAreJpeg,
  imagesHaveTheSize,
  descriptionIsThere,
]
