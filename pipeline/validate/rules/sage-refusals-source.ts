import type { ExampleFiles, RuleDocument } from '../rule.ts'

/** A manifest with this source, for a user who submits it as it is. */
function withSource(source: string): ExampleFiles {
  return { 'sage.yaml': `namespace: skylab\nname: cloud-counter\nversion: "1.2.3"\ndescription: Counts clouds.\nsource:${source}\n` }
}

const ADDRESS = '\n  url: https://github.com/sky-lab/cloud-counter\n  branch: main'
const ARCHITECTURES = '\n  architectures: [linux/amd64, linux/arm64]'
const GOOD = withSource(ADDRESS + ARCHITECTURES)
const error = 'error'

/** What Sage wants below `source`. */
export const SOURCE_REFUSALS: readonly RuleDocument[] = [
  {
    code: 'CTSS-M029',
    name: 'source-missing',
    severity: error,
    title: 'There is no source, or it is empty.',
    reason: 'The source says for which architectures the image is built. Without it the Portal’s button stays disabled too.',
    source: 'sage-ecr@55a1a7e ecr_api.py L403-420; config.py L74.',
    example: { bad: withSource(' {}'), good: GOOD },
  },
  {
    code: 'CTSS-M030',
    name: 'source-type',
    severity: error,
    title: 'The source must be a mapping.',
    reason: 'An address alone is not enough: write it below `source:` as `url:`.',
    source: 'sage-ecr@55a1a7e ecr_api.py L411-416; config.py L74.',
    example: { bad: withSource(' https://github.com/sky-lab/cloud-counter'), good: GOOD },
  },
  {
    code: 'CTSS-M043',
    name: 'url-missing',
    severity: error,
    title: 'The source has no url, and the manifest is submitted as it is.',
    reason: 'The Portal fills the repository’s address in, and overwrites what stands there; a program that posts the file must write it.',
    source: 'sage-ecr@55a1a7e ecr_api.py L489-491; sage-gui@389e705 CreateApp.tsx L117-122.',
    example: { bad: withSource(`\n  branch: main${ARCHITECTURES}`), good: GOOD },
  },
  {
    code: 'CTSS-M044',
    name: 'branch-missing',
    severity: error,
    title: 'The source has neither branch nor tag, and the manifest is submitted as it is.',
    reason: 'The Portal fills in the branch that was chosen. A `git_commit` alone is not enough, and Sage has no default.',
    source: 'sage-ecr@55a1a7e ecr_api.py L493-497.',
    example: { bad: withSource(`\n  url: https://github.com/sky-lab/cloud-counter${ARCHITECTURES}`), good: GOOD },
  },
  {
    code: 'CTSS-M045',
    name: 'git-argument-type',
    severity: error,
    title: 'The address, the branch or the tag is no text.',
    reason: 'They become arguments of `git clone`, which must be texts. YAML makes a number of `1.0`: put tags in quotes.',
    source: 'sage-ecr@55a1a7e ecr_api.py L198-205; Python 3.11 subprocess.',
    example: { bad: withSource(`${ADDRESS}\n  tag: 1.0${ARCHITECTURES}`), good: withSource(`${ADDRESS}\n  tag: "1.0"${ARCHITECTURES}`) },
  },
  {
    code: 'CTSS-M046',
    name: 'url-too-long',
    severity: error,
    title: 'The address has more than 256 characters.',
    reason: 'The column’s limit; the database breaks after the clone.',
    source: 'sage-ecr@55a1a7e DDL: Sources.url VARCHAR(256) (ecrdb.py L90).',
    example: { none: 'An address of more than 256 characters is too long to print.' },
  },
  {
    code: 'CTSS-M047',
    name: 'branch-too-long',
    severity: error,
    title: 'The branch or the tag has more than 64 characters.',
    reason: 'The column’s limit; the database breaks after the clone.',
    source: 'sage-ecr@55a1a7e DDL: Sources.branch and Sources.tag VARCHAR(64) (ecrdb.py L91-92).',
    example: {
      bad: withSource(`${ADDRESS}\n  tag: the-release-that-was-made-after-the-meeting-of-last-week-and-is-fine${ARCHITECTURES}`),
      good: withSource(`${ADDRESS}\n  tag: v1.2.3${ARCHITECTURES}`),
    },
  },
  {
    code: 'CTSS-M048',
    name: 'architectures-missing',
    severity: error,
    title: 'The source lists no architectures.',
    reason: 'Sage builds one image for each, and has no default. It says so only after a full clone.',
    source: 'sage-ecr@55a1a7e ecr_api.py L600-603.',
    example: { bad: withSource(`${ADDRESS}\n  architectures: []`), good: GOOD },
  },
  {
    code: 'CTSS-M049',
    name: 'architectures-type',
    severity: error,
    title: 'The architectures must be a list.',
    reason: 'Sage takes the letters of a text for its entries (`Architecture l not supported`), and breaks on null and numbers.',
    source: 'sage-ecr@55a1a7e ecr_api.py L602-612.',
    example: { bad: withSource(`${ADDRESS}\n  architectures: linux/amd64`), good: GOOD },
  },
  {
    code: 'CTSS-M050',
    name: 'architecture-unknown',
    severity: error,
    title: 'Sage knows no such architecture.',
    reason: 'It knows linux/amd64, linux/arm64, linux/arm/v6, linux/arm/v7 and linux/arm/v8, in this spelling. It says so only after a full clone.',
    source: 'sage-ecr@55a1a7e ecr_api.py L607-612; config.py L115-121.',
    example: { bad: withSource(`${ADDRESS}\n  architectures: [amd_64, linux/aarch64]`), good: GOOD },
  },
  {
    code: 'CTSS-M051',
    name: 'architectures-too-long',
    severity: error,
    title: 'The architectures have more than 256 characters as JSON.',
    reason: 'The column’s limit. All five take 76: entries must stand there several times.',
    source: 'sage-ecr@55a1a7e DDL: Sources.architectures VARCHAR(256) (ecrdb.py L89).',
    example: {
      bad: withSource(`${ADDRESS}\n  architectures: [${Array.from({ length: 18 }, () => 'linux/amd64').join(', ')}]`),
      good: GOOD,
    },
  },
  {
    code: 'CTSS-M052',
    name: 'build-arguments-type',
    severity: error,
    title: 'The build arguments must be a mapping.',
    reason: 'Null counts as no mapping. Sage stores build arguments and passes them to no build.',
    source: 'sage-ecr@55a1a7e ecr_api.py L619-621.',
    example: {
      bad: withSource(`${ADDRESS}${ARCHITECTURES}\n  build_args: [MODEL=yolo]`),
      good: withSource(`${ADDRESS}${ARCHITECTURES}\n  build_args: {MODEL: yolo}`),
    },
  },
  {
    code: 'CTSS-M053',
    name: 'build-argument-value',
    severity: error,
    title: 'The values of build arguments must be texts.',
    reason: 'YAML makes numbers and booleans of what has no quotes, and the Portal drops quotes that JavaScript does not need.',
    source: 'sage-ecr@55a1a7e ecr_api.py L623-626.',
    example: {
      bad: withSource(`${ADDRESS}${ARCHITECTURES}\n  build_args: {VERSION: 2}`),
      good: withSource(`${ADDRESS}${ARCHITECTURES}\n  build_args: {VERSION: "2"}`),
    },
  },
  {
    code: 'CTSS-M054',
    name: 'build-arguments-too-long',
    severity: error,
    title: 'The build arguments have more than 256 characters as JSON.',
    reason: 'The column’s limit; the database breaks after the clone. Letters outside of ASCII count six.',
    source: 'sage-ecr@55a1a7e ecr_api.py L628; DDL: Sources.build_args VARCHAR(256) (ecrdb.py L96).',
    example: { none: 'More than 256 characters are too long to print.' },
  },
  {
    code: 'CTSS-M055',
    name: 'path-too-long',
    severity: error,
    title: 'The directory or the Dockerfile’s path has more than 256 characters.',
    reason: 'The column’s limit; the database breaks after the clone.',
    source: 'sage-ecr@55a1a7e DDL: Sources.directory and Sources.dockerfile VARCHAR(256) (ecrdb.py L94-95).',
    example: { none: 'A path of more than 256 characters is too long to print.' },
  },
]
