/**
 * What Sage's back end knows by heart: the vocabulary of its `config.py` and the limits of its tables (`ecrdb.py` initdb), both of
 * waggle-sensor/sage-ecr at 55a1a7e. Orders are Sage's.
 */

/** `config.py` L35-55: every other key of a manifest is refused. */
export const MANIFEST_KEYS = [
  'namespace',
  'name',
  'version',
  'description',
  'keywords',
  'authors',
  'collaborators',
  'homepage',
  'funding',
  'license',
  'source',
  'depends_on',
  'baseCommand',
  'arguments',
  'inputs',
  'resources',
  'metadata',
  'frozen',
  'testing',
] as const

/** `ecr_api.py` L477-491 and L595-629: what is read of `source`; other keys are ignored. */
export const SOURCE_KEYS = ['url', 'tag', 'branch', 'architectures', 'directory', 'dockerfile', 'build_args'] as const

/** `config.py` L115-121. */
export const ARCHITECTURES = ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm/v8'] as const

/** `config.py` L126. */
export const INPUT_KEYS = ['id', 'type', 'description', 'default'] as const

/** `config.py` L129. */
export const INPUT_TYPES = ['boolean', 'int', 'long', 'float', 'double', 'string', 'File'] as const

/** Where Sage puts the archive of a clone (`config.py` L31). */
export const ARCHIVE_FOLDER = '/temp/ecr/'

/** Bytes of a file's name on Linux (NAME_MAX). */
export const MAX_FILE_NAME_BYTES = 255

/** A column of a table. `characters`: VARCHAR's limit · `bytes`: TEXT's, 2^16 - 1 · `tinyint`: what MySQL makes of BOOLEAN. */
export interface Column {
  readonly name: string
  readonly table: 'Apps' | 'Sources' | 'Resources'
  readonly limit: { readonly characters: number } | { readonly bytes: number } | 'tinyint'
}

const TEXT = { bytes: 65_535 }
const apps = (name: string, limit: Column['limit']): Column => ({ table: 'Apps', name, limit })
const sources = (name: string, characters: number): Column => ({ table: 'Sources', name, limit: { characters } })

/** Columns that hold what a manifest says (`ecrdb.py` L57-101, L194-198). Those that are always short enough are left out. */
export const COLUMNS = {
  id: sources('id', 194),
  sourceArchitectures: sources('architectures', 256),
  url: sources('url', 256),
  branch: sources('branch', 64),
  tag: sources('tag', 64),
  directory: sources('directory', 256),
  dockerfile: sources('dockerfile', 256),
  buildArgs: sources('build_args', 256),
  resource: { table: 'Resources', name: 'resource', limit: { characters: 256 } },
  version: apps('version', { characters: 64 }),
  description: apps('description', TEXT),
  keywords: apps('keywords', TEXT),
  authors: apps('authors', TEXT),
  collaborators: apps('collaborators', TEXT),
  homepage: apps('homepage', TEXT),
  funding: apps('funding', TEXT),
  license: apps('license', { characters: 256 }),
  inputs: apps('inputs', TEXT),
  metadata: apps('metadata', TEXT),
  frozen: apps('frozen', 'tinyint'),
} as const satisfies Readonly<Record<string, Column>>

/** `ecrdb.py` addNamespace L977-999. */
export const NAMESPACE_LENGTH = { least: 4, most: 30 } as const

/** `ecrdb.py` addRepository L1034-1043. */
export const NAME_LENGTH = { least: 2, most: 255 } as const

/** Permissions.resourceName, which holds `namespace/name` (`ecrdb.py` L146). */
export const FULL_NAME_LENGTH = 64
