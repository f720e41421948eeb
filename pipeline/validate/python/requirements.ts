import { mapText } from '../dockerfile/mapped-text.ts'
import type { MappedText } from '../dockerfile/mapped-text.ts'
import type { Span } from '../sage/python-value.ts'
import type { TextFile } from '../text-file.ts'
import { parseSpecifiers } from './version.ts'
import type { Specifier } from './version.ts'

/** A package that is asked for. */
export interface Requirement {
  /** Normalised: lower case, runs of `-`, `_` and `.` as one `-` (PyPA's specification "Names and normalization"); '' for an address that names none. */
  readonly name: string
  readonly writtenName: string
  readonly extras: readonly string[]
  /** Undefined: they could not be read. Empty: any version. */
  readonly specifiers: readonly Specifier[] | undefined
  /** What follows `;`. */
  readonly marker: string | undefined
  /** An address or a path instead of a version. */
  readonly url: string | undefined
  readonly text: TextFile
  /** Name, extras and versions, without marker, options and comment. */
  readonly span: Span
  /** The versions alone; empty, behind name and extras, where there are none. */
  readonly specifierSpan: Span
}

/** `-r other.txt` and its like. */
export interface RequirementsOption {
  /** In its long form: `--requirement`. */
  readonly name: string
  readonly value: string
  readonly span: Span
}

export interface RequirementsFile {
  readonly text: TextFile
  readonly requirements: readonly Requirement[]
  readonly options: readonly RequirementsOption[]
}

const LONG_NAMES: Readonly<Record<string, string>> = {
  '-r': '--requirement',
  '-c': '--constraint',
  '-i': '--index-url',
  '-f': '--find-links',
  '-e': '--editable',
}
const MAX_LINE = 8192
/** No image needs more. */
export const MAX_PACKAGES = 2000
/** Of options, as many. */
const MAX_OPTIONS = 2000
const REQUIREMENT = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)[ \t]*(?:\[([^\][]*)\])?[ \t]*/
const ADDRESS = /^(?:[a-z][a-z0-9+.-]{1,15}:\/\/|git\+|\.{0,2}\/|[^\s;@]+\.(?:whl|zip|tar\.gz)(?:[\s;#]|$))/i

/** Reads a requirements file as pip does (pip's "Requirements File Format"); lines that it would refuse are left out, and all behind the 2000th package. */
export function readRequirements(text: TextFile): RequirementsFile {
  const requirements: Requirement[] = []
  const options: RequirementsOption[] = []
  for (const line of logicalLines(text.text)) {
    if (requirements.length >= MAX_PACKAGES || options.length >= MAX_OPTIONS) break
    const option = readOption(line)
    if (option !== undefined) options.push(option)
    const isPackage = option === undefined || option.name === '--editable'
    const requirement = isPackage ? readRequirement(option?.value ?? line.text, text, option === undefined ? line.span : () => option.span) : undefined
    if (requirement !== undefined) requirements.push(requirement)
  }
  return { text, requirements, options }
}

/** Lines without comments; those that end with `\` joined. */
function* logicalLines(text: string): Iterable<MappedText> {
  let pieces: Span[] = []
  let length = 0
  for (const { 0: line, index } of text.matchAll(/[^\r\n]+|\r\n|\n|\r/g)) {
    if (/^[\r\n]/.test(line)) continue
    const isContinued = line.endsWith('\\')
    const start = index + (pieces.length === 0 ? (/^[\s\uFEFF]*/.exec(line)?.[0].length ?? 0) : 0)
    const comment = /(?:^|[ \t])#/.exec(line)
    const end = comment === null ? index + line.length - Number(isContinued) : Math.max(index + comment.index, start)
    length += end - start
    if (length <= MAX_LINE && end > start) pieces.push({ start, end })
    if (isContinued && comment === null) continue
    if (pieces.length > 0) yield mapText(text, pieces)
    pieces = []
    length = 0
  }
  if (pieces.length > 0) yield mapText(text, pieces)
}

function readOption(line: MappedText): RequirementsOption | undefined {
  const [all, name, value = ''] = /^(--?[A-Za-z][A-Za-z-]*)(?:[ \t=]+(\S*))?/.exec(line.text) ?? []
  const glued = /^(-[rcief])([^\s=-]\S*)/.exec(line.text)
  if (glued?.[1] !== undefined && glued[2] !== undefined && !line.text.startsWith('--')) {
    return { name: LONG_NAMES[glued[1]] ?? glued[1], value: glued[2], span: line.span(0, glued[0].length) }
  }
  return name === undefined || all === undefined ? undefined : { name: LONG_NAMES[name] ?? name, value, span: line.span(0, all.length) }
}

/** Reads one requirement; undefined: it is none. `span` tells where its characters stand in the file. */
export function readRequirement(written: string, text: TextFile, span: (start: number, end: number) => Span): Requirement | undefined {
  const source = written.trimEnd()
  if (source.length > MAX_LINE) return undefined
  const options = source.search(/[ \t]--[a-z]/)
  const { line, marker } = cutMarker(options < 0 ? source : source.slice(0, options).trimEnd())
  if (ADDRESS.test(line)) {
    const [, egg = ''] = /[#&]egg=([A-Za-z0-9._-]+)/.exec(line) ?? []
    const file = /^[A-Za-z0-9_.]+(?=-)/.exec(wheelFileOf(line) ?? '')?.[0] ?? ''
    return make(egg || file || (readGitAddress(line)?.repository ?? ''), [], [], line)
  }
  const match = REQUIREMENT.exec(line)
  const [head = '', name = '', extras = ''] = match ?? []
  if (match === null) return undefined
  const rest = line.slice(head.length)
  const names = extras.split(',').flatMap((extra) => (extra.trim() === '' ? [] : [extra.trim().toLowerCase()]))
  if (rest.startsWith('@')) return make(name, names, [], rest.slice(1).trim())
  const versions = /^\((.*)\)$/.exec(rest)?.[1] ?? rest
  if (versions !== '' && !/^[=!~<>]/.test(versions)) return undefined
  return make(name, names, parseSpecifiers(versions), undefined, head.trimEnd().length)

  function make(
    writtenName: string,
    list: readonly string[],
    specifiers: readonly Specifier[] | undefined,
    url: string | undefined,
    from = line.length,
  ): Requirement {
    return {
      name: normaliseName(writtenName),
      writtenName,
      extras: list,
      specifiers,
      marker,
      url,
      text,
      span: span(0, line.length),
      specifierSpan: from >= line.length ? { start: span(0, line.length).end, end: span(0, line.length).end } : span(from, line.length),
    }
  }
}

/** The file's name in the address or path of a wheel; undefined: it is none. */
export function wheelFileOf(address: string): string | undefined {
  const [path = ''] = address.split(/[?#]/, 1)
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  return file.endsWith('.whl') ? file : undefined
}

/** What a Git address names (pip's "VCS Support"); undefined: it is none. */
export function readGitAddress(address: string): { readonly repository: string; readonly reference: string } | undefined {
  if (!address.startsWith('git')) return undefined
  const [place = ''] = address.split(/[#;\s]/, 1)
  const scheme = place.indexOf('://')
  const path = place.slice(place.indexOf('/', scheme < 0 ? 0 : scheme + 3))
  const [folder = '', ...reference] = path.split('@')
  const name = folder.slice(folder.lastIndexOf('/') + 1).replace(/\.git$/, '')
  return { repository: /^[A-Za-z0-9._-]+$/.test(name) ? name : '', reference: reference.join('@') }
}

/** In an address only a `;` behind white space begins a marker. */
function cutMarker(source: string): { readonly line: string; readonly marker: string | undefined } {
  const at = ADDRESS.test(source) || /^[^;]{0,256}@/.test(source) ? source.search(/[ \t];/) : source.indexOf(';')
  if (at < 0) return { line: source, marker: undefined }
  return { line: source.slice(0, at).trimEnd(), marker: source.slice(source.indexOf(';', at) + 1).trim() }
}

/** `Foo.Bar_baz` as `foo-bar-baz`. */
export function normaliseName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}
