import { analyse } from '../dockerfile/analysis.ts'
import type { StageCommand } from '../dockerfile/analysis.ts'
import { readPipInstall } from '../dockerfile/pip.ts'
import { baseName, textsByName } from '../dockerfile/texts-by-name.ts'
import type { Place } from '../../problem.ts'
import type { RepositoryFacts } from '../rule.ts'
import { commonTail } from './program.ts'
import { MAX_PACKAGES, readRequirement, readRequirements } from './requirements.ts'
import type { Requirement, RequirementsFile, RequirementsOption } from './requirements.ts'

/** A package that the image's build asks pip for. */
export interface Installation {
  readonly requirement: Requirement
  /** Other places than PyPI, or a list of versions to keep to, have a say in what comes. */
  readonly isSteered: boolean
}

/** A file that pip is told to read and that is not there. */
export interface MissingFile {
  readonly name: string
  readonly place: Place
}

export interface Installations {
  readonly all: readonly Installation[]
  readonly missing: readonly MissingFile[]
}

/** Options that change where packages come from, or which versions (pip 25, `pip install --help`). */
const STEERING = [
  '--index-url',
  '--extra-index-url',
  '--find-links',
  '--constraint',
  '--no-binary',
  '--only-binary',
  '--platform',
  '--no-index',
  '--pre',
  '--target',
] as const
const SHORT_NAMES: Readonly<Record<string, string>> = { '-c': '--constraint', '-i': '--index-url', '-f': '--find-links', '-t': '--target' }
const MAX_FILES = 50
/** Of all files together. */
const MAX_CHARACTERS = 2 ** 19

const known = new WeakMap<RepositoryFacts, Installations>()

/** What the build installs with pip: packages named in the Dockerfile, and those in requirements files that it names. Without a Dockerfile, requirements.txt. */
export function installationsOf(facts: RepositoryFacts): Installations {
  const found = known.get(facts) ?? findInstallations(facts)
  known.set(facts, found)
  return found
}

function findInstallations(facts: RepositoryFacts): Installations {
  const reader = new Reader(facts)
  const analysis = analyse(facts)
  if (facts.dockerfile === undefined) reader.file('requirements.txt', undefined, false)
  else for (const command of analysis?.commands ?? []) reader.command(command)
  return { all: reader.all, missing: reader.missing }
}

function isSteering(word: string): boolean {
  const [name = ''] = word.split('=')
  return STEERING.some((option) => option === name || option === SHORT_NAMES[name.slice(0, 2)])
}

class Reader {
  readonly all: Installation[] = []
  readonly missing: MissingFile[] = []
  readonly #facts: RepositoryFacts
  readonly #folder: string
  readonly #read = new Set<string>()
  readonly #asked = new Set<string>()
  #charactersLeft = MAX_CHARACTERS

  constructor(facts: RepositoryFacts) {
    this.#facts = facts
    this.#folder = analyse(facts)?.context ?? ''
  }

  command(command: StageCommand): void {
    const install = readPipInstall(command)
    const text = this.#facts.dockerfile?.text
    if (install === undefined || text === undefined) return
    const isSteered = command.words.some((word) => isSteering(word.text))
    for (const word of install.requirements) {
      const requirement = readRequirement(word.text, text, () => command.spanOf(word))
      if (requirement !== undefined) this.#add(requirement, isSteered)
    }
    for (const word of install.files) this.file(word.text, text.place(command.spanOf(word)), isSteered)
    if (command.words.some((word) => /^(?:-e)?\.?\.?\/?(?:\[[^\]]*\])?$|^\.$/.test(word.text) && word.text.includes('.'))) this.#project(isSteered)
  }

  #add(requirement: Requirement, isSteered: boolean): void {
    if (this.all.length < MAX_PACKAGES) this.all.push({ requirement, isSteered })
  }

  /** `pip install .`: what the project itself says of pywaggle; the rest of its requirements is not read. */
  #project(isSteered: boolean): void {
    for (const name of ['pyproject.toml', 'setup.cfg', 'setup.py']) {
      const text = this.#facts.texts.get(`${this.#folder}${name}`)
      if (text === undefined || this.#read.has(text.file)) continue
      this.#read.add(text.file)
      for (const { 0: all, 1: opening = '', index } of text.text.matchAll(/(^[ \t]*|["'])pywaggle\b(?![ \t]*=[ \t]*["'{])[^"'\r\n#]*/gm)) {
        const start = index + opening.length
        const requirement = readRequirement(all.slice(opening.length), text, (from, to) => ({ start: start + from, end: start + to }))
        if (requirement?.name === 'pywaggle') this.#add(requirement, isSteered)
      }
    }
  }

  /** A requirements file by its name in the image; `place` is where it is asked for. */
  file(name: string, place: Place | undefined, isSteered: boolean): void {
    if (this.#asked.size >= MAX_FILES) return
    this.#asked.add(name)
    const path = this.#find(name)
    if (path === undefined) {
      if (place !== undefined && this.#isCertainlyMissing(name)) this.missing.push({ name, place })
      return
    }
    this.#files(path, isSteered)
  }

  /** The file, and those that it names with `-r`. */
  #files(path: string, isSteered: boolean): void {
    const text = this.#facts.texts.get(path)
    if (text === undefined || this.#read.has(path) || this.#read.size >= MAX_FILES || text.text.length > this.#charactersLeft) return
    this.#read.add(path)
    this.#charactersLeft -= text.text.length
    const file = readRequirements(text)
    const steered = isSteered || file.options.some(({ name }) => isSteering(name))
    for (const requirement of file.requirements) this.#add(requirement, steered)
    for (const option of file.options) if (option.name === '--requirement') this.#include(file, option, steered)
  }

  #include({ text }: RequirementsFile, { value, span }: RequirementsOption, isSteered: boolean): void {
    const parts = text.file.split('/').slice(0, -1)
    for (const part of value.split('/')) {
      if (part === '..') parts.pop()
      else if (part !== '.' && part !== '') parts.push(part)
    }
    const path = parts.join('/')
    if (this.#facts.texts.has(path)) this.#files(path, isSteered)
    else if (this.missing.length < MAX_FILES && !value.includes('$') && !value.startsWith('/') && !value.includes('://') && !this.#facts.tree.entries.has(path))
      this.missing.push({ name: value, place: text.place(span) })
  }

  /** The only text of that name whose path agrees best with the one in the image. */
  #find(name: string): string | undefined {
    const wanted = name.split('/').filter((part) => part !== '' && part !== '.')
    let best: { readonly path: string; readonly tail: number; readonly depth: number } | undefined
    let isAlone = true
    for (const { file } of textsByName(this.#facts.texts).get(wanted.at(-1) ?? '') ?? []) {
      if (!file.startsWith(this.#folder)) continue
      const parts = file.split('/')
      const [tail, depth] = [commonTail(parts, wanted), parts.length]
      const order = best === undefined ? -1 : best.tail - tail || depth - best.depth
      if (order < 0) best = { path: file, tail, depth }
      isAlone = order < 0 || (isAlone && order > 0)
    }
    return isAlone ? best?.path : undefined
  }

  /** No file of that name anywhere, and no step of the build that might write it. */
  #isCertainlyMissing(name: string): boolean {
    const base = baseName(name)
    if (base === '' || /[$*?]|:\/\//.test(name)) return false
    const source = this.#facts.dockerfile?.text.text ?? ''
    return source.split(base).length === 2 && ![...this.#facts.tree.entries.keys()].some((path) => path.endsWith(base))
  }
}
