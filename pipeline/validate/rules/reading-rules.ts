import type { RuleDocument } from '../rule.ts'

/** Why a manifest is not even parsed. */
export const FILE_TOO_LARGE: RuleDocument = {
  code: 'CTSS-M001',
  name: 'file-too-large',
  severity: 'error',
  title: 'The manifest is larger than 256 KiB.',
  reason:
    'A manifest has a few kilobytes; the largest of 84 public ones has 4. A file of this size is not parsed, because parsers of YAML need seconds for megabytes. Keep data out of it.',
  source: 'This tool. Sage means to stop at 32 KiB (sage-ecr ecr_api.py L1676), but its running code does not.',
  example: { none: 'A file of 256 KiB is too long to print.' },
}

export const FILE_IS_BINARY: RuleDocument = {
  code: 'CTSS-M002',
  name: 'file-is-binary',
  severity: 'error',
  title: 'The manifest is not text.',
  reason: 'It holds zero bytes, as programs, images and UTF-16 texts do. Neither Sage nor the Portal reads such a file.',
  source: 'YAML 1.1 section 4.1.1; PyYAML reader.py refuses unprintable characters.',
  example: { bad: { 'sage.yaml': 'name: cloud\0counter\n' } },
}

export const NOT_UTF8_SUBMITTED: RuleDocument = {
  code: 'CTSS-M003',
  name: 'not-utf8-breaks-server',
  severity: 'error',
  title: 'The manifest is not UTF-8, and is submitted as it is.',
  reason: "Sage's server decodes the body as UTF-8 outside of what it catches, and answers with an HTML page and status 500.",
  source: 'sage-ecr ecr_api.py L697 (request.get_data().decode()).',
  example: { none: 'A page of text cannot show bytes that are no UTF-8.' },
}

export const NOT_UTF8: RuleDocument = {
  code: 'CTSS-M004',
  name: 'not-utf8',
  severity: 'warning',
  title: 'The manifest is not UTF-8: the Portal replaces what it cannot read by �.',
  reason: 'Mostly the file was saved as Latin-1 or Windows-1252, and names with accents are lost on the way. Save it as UTF-8.',
  source: 'Fetch standard, Body.text() decodes as UTF-8 with replacement; sage-gui CreateApp.tsx L117-122.',
  example: { none: 'A page of text cannot show bytes that are no UTF-8.' },
}

export const CONFLICT_MARKERS: RuleDocument = {
  code: 'CTSS-M005',
  name: 'conflict-markers',
  severity: 'error',
  title: 'A merge was left unfinished: Git’s conflict markers stand in the file.',
  reason: 'Lines that begin with `<<<<<<<`, `=======` and `>>>>>>>` enclose two versions of a text. Keep one, and delete the three lines.',
  source: 'git-merge(1), "How conflicts are presented"; found in 2 of 536 historical manifests.',
  example: {
    bad: { 'sage.yaml': 'name: cloud-counter\n<<<<<<< HEAD\nversion: "1.2.3"\n=======\nversion: "1.2.4"\n>>>>>>> work\n' },
  },
}

export const TOO_MANY_VALUES: RuleDocument = {
  code: 'CTSS-M006',
  name: 'aliases-explode',
  severity: 'error',
  title: 'Aliases make the manifest grow without bound, or hold itself.',
  reason:
    "Written out, the file would hold more than 300,000 values. Sage's server would work on it until something breaks. Write the values out instead of using aliases (`*name`).",
  source: 'This tool; the attack is known as "billion laughs". json.dumps in sage-ecr ecr_api.py writes every alias out.',
  example: { bad: { 'sage.yaml': 'metadata: &again\n  again: *again\n' } },
}

export const NO_MANIFEST: RuleDocument = {
  code: 'CTSS-M007',
  name: 'no-manifest',
  severity: 'error',
  title: 'The repository holds no manifest.',
  reason:
    'The Portal fetches `sage.yaml` at the root of the chosen branch and nothing else. Write one; `ctss init` makes a plugin with all its files. For a trial without any manifest, `ctss test FOLDER` needs only a Dockerfile.',
  source: 'sage-gui apps/sage/ecr/create-app/CreateApp.tsx L117-122.',
  example: { none: 'It is a repository without the file.' },
}

export const MANIFEST_UNREADABLE: RuleDocument = {
  code: 'CTSS-M008',
  name: 'manifest-unreadable',
  severity: 'error',
  title: 'The manifest is no file, or leads out of the repository.',
  reason: 'It is a folder, a symbolic link that leaves the repository or leads nowhere, or it lies in a Git submodule. GitHub serves none of these as a file.',
  source: 'The Portal fetches the file from raw.githubusercontent.com (sage-gui CreateApp.tsx L117-122).',
  example: { none: 'It is about the kind of the file, not about its text.' },
}

export const MORE_PROBLEMS: RuleDocument = {
  code: 'CTSS-M009',
  name: 'more-problems',
  severity: 'warning',
  title: 'There are more problems than are listed.',
  reason: 'At most 100 problems are listed, errors first. Mend these, and look again.',
  source: 'This tool: a person reads no more, and a hostile file could cause as many as it has bytes.',
  example: { none: 'It takes more than 100 problems.' },
}

export const READING_RULES: readonly RuleDocument[] = [
  FILE_TOO_LARGE,
  FILE_IS_BINARY,
  NOT_UTF8_SUBMITTED,
  NOT_UTF8,
  CONFLICT_MARKERS,
  TOO_MANY_VALUES,
  NO_MANIFEST,
  MANIFEST_UNREADABLE,
  MORE_PROBLEMS,
]
