import { error, warning } from '../../problem.ts'
import { resolveTreePath } from '../../tree.ts'
import { isMapping, listOf, mappingOf, textOf, textsOf, valueOf } from '../lenient.ts'
import type { Rule } from '../rule.ts'
import { describePath } from '../tree-words.ts'
import { closestWord, writePath } from '../words.ts'
import type { DocumentPath } from '../yaml-source.ts'

const SOURCE_KEYS = ['architectures', 'url', 'branch', 'tag', 'directory', 'dockerfile', 'build_args']

/** Keys that other tools or older ECRs read: silently dropped today (sage-ecr ecr_api.py L541-563). */
const DROPPED_KEYS = ['arguments', 'baseCommand', 'depends_on', 'testing']

/** `source.directory` is the build context and `source.dockerfile` a file in it (sage-ecr jenkins_server.py). Both may be links that stay inside. */
export const dockerfileExists: Rule = function* ({ manifest, tree }) {
  const source = mappingOf(manifest.value, 'source')
  const directory = textOf(source, 'directory') || '.'
  const dockerfile = textOf(source, 'dockerfile') || 'Dockerfile'
  const context = resolveTreePath(tree, directory)
  if (context.kind !== 'folder') {
    yield describePath('`source.directory`', directory, context, 'folder', manifest.place(['source', 'directory']))
    return
  }
  const place = manifest.place(['source', 'dockerfile'])
  const found = resolveTreePath(tree, dockerfile.startsWith('/') ? dockerfile : `${directory}/${dockerfile}`)
  if (found.kind !== 'file') {
    const others = [...tree.entries.keys()].filter((path) => /(?:^|\/)(?:[^/]*\.)?dockerfile(?:\.[^/]*)?$/i.test(path)).slice(0, 5)
    yield describePath(
      '`source.dockerfile`',
      context.path === '.' ? dockerfile : `${directory}/${dockerfile}`,
      found,
      'file',
      place,
      others.length === 0 ? undefined : `The repository holds ${others.join(', ')}.`,
    )
  } else if (context.path !== '.' && !found.path.startsWith(`${context.path}/`)) {
    yield error('path-outside', `\`source.dockerfile\` ("${dockerfile}") leads out of the build context "${context.path}".`, {
      place,
      suggestion: 'Move the Dockerfile into `source.directory`, or choose a higher directory.',
    })
  }
}

/** `Apps.architectures`, `Apps.build_args` and `Resources.resource` are VARCHAR(256) and hold Python's JSON. */
export const listsFitDatabase: Rule = function* ({ manifest }) {
  const source = mappingOf(manifest.value, 'source')
  const resources = listOf(manifest.value, 'resources').map((resource, position) => [['resources', position], resource] as const)
  const columns: readonly (readonly [DocumentPath, unknown])[] = [
    [['source', 'architectures'], listOf(source, 'architectures')],
    [['source', 'build_args'], mappingOf(source, 'build_args')],
    ...resources,
  ]
  for (const [path, value] of columns) {
    const { length } = pythonJson(value)
    if (length > 256)
      yield error('too-long', `\`${writePath(path)}\` has ${length} characters as JSON; the ECR takes 256.`, { place: manifest.place(path, 'key') })
  }
}

/** As Python's json.dumps writes it: a space after commas and colons, everything but ASCII escaped. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (isMapping(value))
    return `{${Object.entries(value)
      .map(([key, item]) => `${pythonJson(key)}: ${pythonJson(item)}`)
      .join(', ')}}`
  return (JSON.stringify(value) ?? 'null').replace(/[\u0080-\uffff]/g, () => '\\u0000')
}

/** The scheduler compares "arm/v7" with the capability "armv7", which never match (edge-scheduler cloudscheduler.go). */
export const armIsUnschedulable: Rule = function* ({ manifest }) {
  const architectures = textsOf(mappingOf(manifest.value, 'source'), 'architectures')
  const old = architectures.filter(({ text }) => text.startsWith('linux/arm/'))
  if (old.length === 0) return
  const isAll = old.length === architectures.length
  for (const { text, position } of old) {
    yield warning('never-scheduled', `The scheduler never matches ${text} with a node${isAll ? ', and the plugin has no other architecture' : ''}.`, {
      place: manifest.place(['source', 'architectures', position]),
      suggestion: isAll ? 'Add linux/arm64: every Waggle node has it.' : 'It is built and tested all the same; nodes will run another architecture.',
    })
  }
}

/** Listing an architecture twice builds it once. */
export const architecturesAreDistinct: Rule = function* ({ manifest }) {
  const seen = new Set<string>()
  for (const { text, position } of textsOf(mappingOf(manifest.value, 'source'), 'architectures')) {
    if (seen.has(text)) yield warning('listed-twice', `${text} is listed twice.`, { place: manifest.place(['source', 'architectures', position]) })
    seen.add(text)
  }
}

/** The ECR ignores other keys of `source` without a word. */
export const sourceKeysAreKnown: Rule = function* ({ manifest }) {
  for (const key of Object.keys(mappingOf(manifest.value, 'source'))) {
    if (SOURCE_KEYS.includes(key)) continue
    const meant = closestWord(key, SOURCE_KEYS)
    yield warning('key-ignored', `The ECR ignores \`source.${key.slice(0, 100)}\`.`, {
      place: manifest.place(['source', key], 'key'),
      ...(meant !== undefined && { suggestion: `Did you mean \`${meant}\`?` }),
    })
  }
}

/** Stored, and since 2023-02 never passed to the ECR's build (d95aa98, jenkins_server.py L58-66). Our build passes them. */
export const buildArgumentsAreIgnored: Rule = function* ({ manifest }) {
  if (Object.keys(mappingOf(mappingOf(manifest.value, 'source'), 'build_args')).length === 0) return
  yield warning('build-args-ignored', "The ECR's own builder ignores `source.build_args`; this pipeline passes them.", {
    place: manifest.place(['source', 'build_args'], 'key'),
    suggestion: 'Give each ARG of the Dockerfile a default that works.',
  })
}

/** Accepted and dropped by the ECR. */
export const droppedKeysAreNamed: Rule = function* ({ manifest }) {
  for (const key of DROPPED_KEYS) {
    const value = valueOf(manifest.value, key)
    if (value === undefined || value === '' || value === null) continue
    yield warning('key-ignored', `The ECR accepts \`${key}\` and drops it.`, {
      place: manifest.place([key], 'key'),
      ...(key === 'testing' && { suggestion: 'Describe trials in ctss.yaml instead.' }),
    })
  }
}

/** A job's arguments replace CMD; only an ENTRYPOINT stays. About ten of 79 Dockerfiles have none. */
export const dockerfileHasEntrypoint: Rule = function* ({ manifest, dockerfile, tree }) {
  if (dockerfile === undefined || /^\s*ENTRYPOINT\b/im.test(dockerfile)) return
  const source = mappingOf(manifest.value, 'source')
  const found = resolveTreePath(tree, `${textOf(source, 'directory') || '.'}/${textOf(source, 'dockerfile') || 'Dockerfile'}`)
  yield warning('no-entrypoint', "The Dockerfile has no ENTRYPOINT: a job's arguments would replace its CMD.", {
    place: found.kind === 'file' ? { file: found.path } : { file: manifest.file },
    suggestion: 'For instance ENTRYPOINT ["python3", "/app/main.py"].',
  })
}

/** What a clone without its submodules lacks, our build lacks too; links that leave the repository lead nowhere in a container. */
export const treeIsWhole: Rule = function* ({ tree }) {
  for (const entry of tree.entries.values()) {
    if (entry.mode === '160000') {
      yield warning('submodule', `${entry.path} is a Git submodule: its files are not part of the build.`, {
        place: { file: entry.path },
        suggestion: 'Copy what is needed into the repository, or install it as a package in the Dockerfile.',
      })
    } else if (entry.mode === '120000') {
      const { kind } = resolveTreePath(tree, entry.path)
      if (kind === 'outside' || kind === 'loop')
        yield warning('link-outside', `The symbolic link ${entry.path} ${kind === 'loop' ? 'leads in a circle' : 'leaves the repository'}: it is left out.`, {
          place: { file: entry.path },
          suggestion: 'Put the file itself there.',
        })
    }
  }
}

/** The Portal's job form renders `-<id> <value>` (SelectedAppTable.tsx L75-90); ids that stand twice, or begin with dashes, give wrong flags. */
export const inputsAreFlags: Rule = function* ({ manifest }) {
  const seen = new Set<string>()
  for (const [position, input] of listOf(manifest.value, 'inputs').entries()) {
    const id = textOf(input, 'id')
    const place = manifest.place(['inputs', position, 'id'])
    if (id !== '' && seen.has(id)) yield warning('listed-twice', `The input \`${id.slice(0, 100)}\` is listed twice.`, { place })
    if (id.startsWith('-'))
      yield warning('input-with-dashes', `The input id \`${id.slice(0, 100)}\` begins with a dash: the Portal adds its own.`, {
        place,
        suggestion: `Write "${id.replace(/^-+/, '')}".`,
      })
    if (!defaultFits(textOf(input, 'type'), valueOf(input, 'default')))
      yield warning('default-of-other-type', `The default of \`${id.slice(0, 100)}\` is no ${textOf(input, 'type')}.`, {
        place: manifest.place(['inputs', position, 'default']),
      })
    seen.add(id)
  }
}

function defaultFits(type: string, value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' || value === 'true' || value === 'false'
    case 'int':
    case 'long':
      return Number.isInteger(Number(value))
    case 'float':
    case 'double':
      return !Number.isNaN(Number(value))
    default:
      return true
  }
}
