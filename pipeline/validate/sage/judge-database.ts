import type { DocumentPath } from '../yaml-source.ts'
import { COLUMNS } from './facts.ts'
import type { Column } from './facts.ts'
import type { Identity, Version } from './judge-identity.ts'
import { refuseStoredVersion } from './judge-identity.ts'
import { findJsonFault, refuseJsonFault } from './judge-json.ts'
import { lengthOf } from './judge-python.ts'
import { trueValueOf } from './judge-source.ts'
import type { RefusedKeys } from './judge-source.ts'
import { breaks, describeType, quoteSuggestion, refuse, valueOf } from './judge-submission.ts'
import type { Submission } from './judge-submission.ts'
import { cellFailures, literalOf } from './mysql.ts'
import type { Cell, SqlFailure } from './mysql.ts'
import { decodeUtf8 } from './python-utf8.ts'
import type { PythonDict, PythonValue } from './python-value.ts'
import { pythonJson } from './python-words.ts'

/** What the earlier checks leave to store. */
export interface Storable {
  readonly identity: Identity
  readonly version: Version
  /** Undefined: refused as a whole. */
  readonly source: PythonDict | undefined
  readonly refusedKeys: RefusedKeys
  readonly areArchitecturesGood: boolean
  readonly areBuildArgumentsGood: boolean
  readonly areInputsGood: boolean
  readonly areMetadataGood: boolean
  readonly resources: readonly PythonValue[]
}

/** A cell, and where in the manifest its value comes from; `found` undefined: Sage made it, or it is missing. */
type Source = Cell & { readonly path: DocumentPath; readonly found: PythonValue | undefined }

/** ecr_api.py L632-650, ecrdb.py insertApp L293-316: sources first, then resources, then the app. */
export function judgeStorage(submission: Submission, storable: Storable): void {
  const sources = sourceCells(storable)
  judgeStatement(submission, storable.version, sources)
  for (const [index, resource] of storable.resources.entries()) judgeResource(submission, resource, index)
  const apps = appCells(submission, storable)
  judgeStatement(submission, storable.version, apps)
  if (submission.refusals.length === 0) judgeReading(submission, storable.version, [...apps, ...sources])
}

/** `Apps.id`: how ECR names an app. */
export function idOf({ namespace, name }: Identity, { text }: Version): string | undefined {
  return namespace === undefined || name === undefined || text === undefined ? undefined : `${namespace}/${name}:${text}`
}

function sourceCells({ identity, version, source, refusedKeys, areArchitecturesGood, areBuildArgumentsGood }: Storable): readonly Source[] {
  const cells: Source[] = []
  const id = idOf(identity, version)
  if (id !== undefined && !version.isRefused) cells.push({ column: COLUMNS.id, literal: { kind: 'text', text: id }, path: ['version'], found: undefined })
  if (source === undefined) return cells
  const addJson = (column: Column, key: string): void => {
    const found = valueOf(source, key)
    if (found !== undefined) cells.push({ column, literal: jsonLiteral(found), path: ['source', key], found })
  }
  const add = (column: Column, key: string): void => {
    const found = trueValueOf(source, key)
    if (found !== undefined && !refusedKeys.has(key)) cells.push({ column, literal: literalOf(found), path: ['source', key], found })
  }
  if (areArchitecturesGood) addJson(COLUMNS.sourceArchitectures, 'architectures')
  add(COLUMNS.url, 'url')
  add(COLUMNS.branch, 'branch')
  add(COLUMNS.tag, 'tag')
  add(COLUMNS.directory, 'directory')
  add(COLUMNS.dockerfile, 'dockerfile')
  if (areBuildArgumentsGood) addJson(COLUMNS.buildArgs, 'build_args')
  return cells
}

/** What has passed `findJsonFault`. */
function jsonLiteral(value: PythonValue): Cell['literal'] {
  const json = pythonJson(value)
  return { kind: 'text', text: 'error' in json ? '' : json.text }
}

const TEXT_COLUMNS = ['keywords', 'authors', 'collaborators', 'homepage', 'funding', 'license'] as const

function appCells({ dict }: Submission, { version, areInputsGood, areMetadataGood }: Storable): readonly Source[] {
  const cells: Source[] = []
  const add = (column: Column, found: PythonValue | undefined, literal: (value: PythonValue) => Cell['literal']): void => {
    if (found !== undefined) cells.push({ column, literal: literal(found), path: [column.name], found })
  }
  const given = valueOf(dict, 'version')
  if (!version.isRefused && version.text !== undefined) cells.push({ column: COLUMNS.version, literal: version.literal, path: ['version'], found: given })
  const description = valueOf(dict, 'description')
  add(COLUMNS.description, description?.type === 'str' ? description : undefined, literalOf)
  for (const name of TEXT_COLUMNS) add(COLUMNS[name], valueOf(dict, name), literalOf)
  if (areInputsGood) add(COLUMNS.inputs, valueOf(dict, 'inputs'), jsonLiteral)
  const metadata = valueOf(dict, 'metadata')
  if (areMetadataGood && metadata?.type === 'dict') add(COLUMNS.metadata, metadata, jsonLiteral)
  add(COLUMNS.frozen, valueOf(dict, 'frozen'), literalOf)
  return cells
}

function judgeStatement(submission: Submission, version: Version, cells: readonly Source[]): void {
  for (const { cell, failure } of cellFailures(cells)) refuseCell(submission, version, cell, failure)
}

function judgeResource(submission: Submission, resource: PythonValue, index: number): void {
  const path = ['resources', index]
  const fault = findJsonFault(resource, path)
  if (fault !== undefined) {
    refuseJsonFault(submission, fault, `insertApp returned: ${fault.exception},`)
    return
  }
  const [failed] = cellFailures([{ column: COLUMNS.resource, literal: jsonLiteral(resource) }])
  if (failed === undefined) return
  const sage = `insertApp returned: ${failed.failure.exception},${failed.failure.words}`
  const message = `Resource ${index + 1} is too long: as JSON, Sage's table holds 256 characters. ${breaks(failed.failure.words)}`
  refuse(submission, { code: 'CTSS-M040', path, found: resource, sage, accident: true, message, suggestion: 'Shorten it.' })
}

function refuseCell(submission: Submission, version: Version, cell: Source, failure: SqlFailure): void {
  const { column, path, found } = cell
  const sage = `insertApp returned: ${failure.exception},${failure.words}`
  if (column === COLUMNS.id || column === COLUMNS.version) {
    refuseStoredVersion(submission, version, sage)
    return
  }
  const { code, message, suggestion } = explain(submission, cell, failure)
  refuse(submission, { code, path, ...(found && { found }), sage, accident: true, message: `${message} ${breaks(failure.words)}`, suggestion })
}

interface Explanation {
  readonly code: string
  readonly message: string
  readonly suggestion: string
}

const LONG_CODES: ReadonlyMap<Column, string> = new Map<Column, string>([
  [COLUMNS.url, 'CTSS-M046'],
  [COLUMNS.branch, 'CTSS-M047'],
  [COLUMNS.tag, 'CTSS-M047'],
  [COLUMNS.sourceArchitectures, 'CTSS-M051'],
  [COLUMNS.buildArgs, 'CTSS-M054'],
  [COLUMNS.directory, 'CTSS-M055'],
  [COLUMNS.dockerfile, 'CTSS-M055'],
  [COLUMNS.description, 'CTSS-M028'],
  [COLUMNS.license, 'CTSS-M057'],
  [COLUMNS.inputs, 'CTSS-M042'],
  [COLUMNS.metadata, 'CTSS-M042'],
])

function explain(submission: Submission, { column, path, literal, found }: Source, { code }: SqlFailure): Explanation {
  const name = path.join('.')
  if (column === COLUMNS.frozen) {
    const what = found === undefined ? '' : `; Sage sees ${describeType(found)}`
    return {
      code: 'CTSS-M059',
      message: `frozen must be true or false${what}.`,
      suggestion: 'Delete it (Sage ignores it), or write true or false without quotes.',
    }
  }
  if (literal.kind === 'row' || literal.kind === 'syntax') {
    const message = `${name} must be one text; Sage sees ${found?.type === 'list' && found.items.length === 0 ? 'an empty list' : 'a list'}.`
    return {
      code: 'CTSS-M056',
      message,
      suggestion: path[0] === 'source' ? `Write one text after ${column.name}:.` : 'Write the entries as one text, separated by commas.',
    }
  }
  if (code === 1406) return tooLong(column, name)
  if (literal.kind === 'text' || literal.kind === 'bytes' || found?.type === 'str')
    return code === 1366 && literal.kind === 'text'
      ? tooLong(column, name)
      : { code: 'CTSS-M060', message: `${name} holds characters that are no text.`, suggestion: 'Write them without escapes.' }
  const message = `${name} must be text; Sage cannot store ${found === undefined ? 'this' : describeType(found)} of this kind.`
  return { code: 'CTSS-M061', message, suggestion: quoteSuggestion(submission, path) }
}

function tooLong(column: Column, name: string): Explanation {
  const limit = column.limit !== 'tinyint' && 'characters' in column.limit ? `${column.limit.characters} characters` : '65,535 bytes'
  const isJson = ['architectures', 'build_args', 'inputs', 'metadata'].includes(column.name)
  const message = `${name} is too long${isJson ? ' when it is written as JSON' : ''}: Sage's table holds ${limit}.`
  return { code: LONG_CODES.get(column) ?? 'CTSS-M058', message, suggestion: 'Shorten it.' }
}

/** ecr_api.py L655-665: what was written is read again, and may not be found, or be no text to Python. */
function judgeReading(submission: Submission, version: Version, cells: readonly Source[]): void {
  const { literal } = version
  const isCut = literal.kind === 'text' && lengthOf(literal.text) > 64
  if (literal.kind === 'null' || isCut) {
    refuseStoredVersion(submission, version, 'app not found after inserting, something went wrong')
    return
  }
  for (const cell of cells) {
    const { path, found } = cell
    const decoded = cell.literal.kind === 'bytes' ? decodeUtf8(cell.literal.bytes) : undefined
    if (decoded === undefined || 'text' in decoded) continue
    const message = `${path.join('.')} holds bytes that are no UTF-8. ${breaks(decoded.problem)}`
    refuse(submission, { code: 'CTSS-M060', path, ...(found && { found }), sage: decoded.problem, accident: true, message, suggestion: 'Write it as text.' })
  }
}
