import { markedFailure } from './pyyaml-failure.ts'
import { PythonFailure } from './python-failure.ts'
import { MAP, SEQ, STR, TAG_PREFIX, type MappingNode, type Node, type Pair, type ScalarNode, type SequenceNode } from './pyyaml-node.ts'
import { resolveTag } from './pyyaml-resolver.ts'
import { Scanner } from './pyyaml-scanner.ts'
import { quoteText } from './python-text.ts'
import type { Span } from './python-value.ts'
import type { ScalarToken, TagToken, Token } from './pyyaml-token.ts'

/** How many collections stand in each other before CPython's stack of 1000 frames ends, two frames for each. */
export const MAX_DEPTH = 480

type Kind = Token['kind']

/** What may follow a key or an entry that has no content. */
const AFTER_ENTRY: ReadonlySet<Kind> = new Set<Kind>(['-', '<block end>'])
const AFTER_INDENTLESS: ReadonlySet<Kind> = new Set<Kind>(['-', '?', ':', '<block end>'])
const AFTER_BLOCK_PAIR: ReadonlySet<Kind> = new Set<Kind>(['?', ':', '<block end>'])
const AFTER_FLOW_KEY: ReadonlySet<Kind> = new Set<Kind>([':', ',', '}'])
const AFTER_FLOW_VALUE: ReadonlySet<Kind> = new Set<Kind>([',', '}'])
const AFTER_SINGLE_KEY: ReadonlySet<Kind> = new Set<Kind>([':', ',', ']'])
const AFTER_SINGLE_VALUE: ReadonlySet<Kind> = new Set<Kind>([',', ']'])
const BEFORE_DOCUMENT: ReadonlySet<Kind> = new Set<Kind>(['<directive>', '<document start>', '<stream end>'])
const AFTER_DOCUMENT_START: ReadonlySet<Kind> = new Set<Kind>(['<directive>', '<document start>', '<document end>', '<stream end>'])

/** A node, and where its alias stands. */
interface Child {
  readonly node: Node
  readonly alias: Span | undefined
}

/** Where a node may stand: `indentless` means that a `- ` without indentation begins a sequence, as after `key:`. */
type Room = 'flow' | 'block' | 'indentless'

/** Tag, anchor and first place of a node. */
interface Properties {
  readonly tag: string | undefined
  readonly anchor: string | undefined
  readonly mark: number
}

/** The only document of a text; undefined when there is none. Throws PyYAML's first error. */
export function composeDocument(text: string): Node | undefined {
  return new Composer(text).document()
}

class Composer {
  readonly #text: string
  readonly #scanner: Scanner
  readonly #anchors = new Map<string, Node>()
  #handles = new Map<string, string>()
  #depth = 0
  /** Where the last token that is content ended. */
  #end = 0

  constructor(text: string) {
    this.#text = text
    this.#scanner = new Scanner(text)
  }

  document(): Node | undefined {
    let root: Node
    if (!BEFORE_DOCUMENT.has(this.#kind())) {
      this.#setHandles([])
      root = this.#child('block').node
    } else {
      if (this.#documentStart() === undefined) return undefined
      root = AFTER_DOCUMENT_START.has(this.#kind()) ? this.#nothing(this.#scanner.peek().start) : this.#child('block').node
    }
    if (this.#kind() === '<document end>') this.#take()
    const second = this.#documentStart()
    if (second !== undefined) {
      throw markedFailure(
        'ComposerError',
        this.#text,
        { words: 'expected a single document in the stream', at: root.mark },
        'but found another document',
        second,
      )
    }
    return root
  }

  /** Where the next document begins, its directives included; undefined at the end of the stream. */
  #documentStart(): number | undefined {
    while (this.#kind() === '<document end>') this.#take()
    const { kind, start } = this.#scanner.peek()
    if (kind === '<stream end>') return undefined
    this.#directives()
    if (this.#kind() !== '<document start>') throw this.#failure(undefined, undefined, `expected '<document start>', but found '${this.#kind()}'`)
    this.#take()
    return start
  }

  #directives(): void {
    const tags: (readonly [string, string])[] = []
    const handles = new Set<string>()
    let hasVersion = false
    for (let token = this.#scanner.peek(); token.kind === '<directive>'; token = this.#scanner.peek()) {
      this.#take()
      const { directive, start } = token
      if (directive === undefined) continue
      if ('major' in directive) {
        if (hasVersion) throw this.#failure(undefined, undefined, 'found duplicate YAML directive', start)
        if (directive.major !== 1n) throw this.#failure(undefined, undefined, 'found incompatible YAML document (version 1.* is required)', start)
        hasVersion = true
      } else {
        if (handles.has(directive.handle)) throw this.#failure(undefined, undefined, `duplicate tag handle ${quoteText(directive.handle)}`, start)
        handles.add(directive.handle)
        tags.push([directive.handle, directive.prefix])
      }
    }
    this.#setHandles(tags)
  }

  #setHandles(tags: readonly (readonly [string, string])[]): void {
    this.#handles = new Map([['!', '!'], ['!!', TAG_PREFIX], ...tags])
  }

  #child(room: Room): Child {
    const token = this.#scanner.peek()
    if (token.kind !== '<alias>') return { node: this.#node(room), alias: undefined }
    this.#take()
    const node = this.#anchors.get(token.name)
    if (node === undefined) {
      throw markedFailure('ComposerError', this.#text, undefined, `found undefined alias ${quoteText(token.name)}`, token.start)
    }
    return { node, alias: { start: token.start, end: token.end } }
  }

  #node(room: Room): Node {
    const { tag, anchor, mark } = this.#properties()
    const content = this.#content(room, tag, mark, anchor !== undefined || tag !== undefined)
    if (anchor !== undefined) {
      const first = this.#anchors.get(anchor)
      if (first !== undefined) {
        const words = `found duplicate anchor ${quoteText(anchor)}; first occurrence`
        throw markedFailure('ComposerError', this.#text, { words, at: first.mark }, 'second occurrence', mark)
      }
      this.#anchors.set(anchor, content)
    }
    if (content.id !== 'scalar') this.#fill(content)
    return content
  }

  /** A tag and an anchor, in any order. Looks no further than it must: a tag that is not known is an error before what follows it. */
  #properties(): Properties {
    const first = this.#scanner.peek()
    const mark = first.start
    if (first.kind !== '<anchor>' && first.kind !== '<tag>') return { tag: undefined, anchor: undefined, mark }
    this.#take()
    const second = this.#scanner.peek()
    const other = second.kind === first.kind ? undefined : second
    const anchor = first.kind === '<anchor>' ? first : other?.kind === '<anchor>' ? other : undefined
    const tag = first.kind === '<tag>' ? first : other?.kind === '<tag>' ? other : undefined
    if (anchor !== undefined && tag !== undefined) this.#take()
    return { tag: tag && this.#expand(tag, mark), anchor: anchor?.name, mark }
  }

  #expand({ handle, suffix, start }: TagToken, mark: number): string {
    if (handle === undefined) return suffix
    const prefix = this.#handles.get(handle)
    if (prefix === undefined) {
      throw this.#failure('while parsing a node', mark, `found undefined tag handle ${quoteText(handle)}`, start)
    }
    return prefix + suffix
  }

  /** A scalar, or a collection that has nothing in it yet. */
  #content(room: Room, tag: string | undefined, mark: number, hasProperties: boolean): Node {
    const token = this.#scanner.peek()
    const { kind } = token
    if (kind === '<scalar>') {
      this.#take()
      return scalarNode(token, tag, mark)
    }
    const isBlock = room !== 'flow'
    if (kind === '[' || (isBlock && kind === '<block sequence start>') || (room === 'indentless' && kind === '-')) return sequenceNode(token, tag, mark)
    if (kind === '{' || (isBlock && kind === '<block mapping start>')) return mappingNode(token, tag, mark)
    if (!hasProperties) {
      throw this.#failure(`while parsing a ${isBlock ? 'block' : 'flow'} node`, mark, `expected the node content, but found '${kind}'`)
    }
    return { ...this.#nothing(mark), ...(tag !== undefined && tag !== '!' && { tag }) }
  }

  /** An empty scalar: nothing is written. */
  #nothing(mark: number): ScalarNode {
    return {
      id: 'scalar',
      tag: resolveTag(''),
      mark,
      start: this.#end,
      end: this.#end,
      object: undefined,
      text: '',
      style: 'plain',
      codePoints: undefined,
    }
  }

  #fill(node: SequenceNode | MappingNode): void {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new PythonFailure('RecursionError', 'maximum recursion depth exceeded', node.mark)
    const { kind } = this.#scanner.peek()
    if (node.id === 'sequence') {
      if (kind === '[') this.#flowSequence(node)
      else if (kind === '-') this.#indentlessSequence(node)
      else this.#blockSequence(node)
    } else if (kind === '{') this.#flowMapping(node)
    else this.#blockMapping(node)
    node.end = this.#end
    this.#depth -= 1
  }

  #blockSequence({ items }: SequenceNode): void {
    const begin = this.#take().start
    while (this.#kind() === '-') items.push(this.#contentAfter(this.#take(), AFTER_ENTRY, 'block').node)
    this.#endBlock('while parsing a block collection', begin)
  }

  #indentlessSequence({ items }: SequenceNode): void {
    while (this.#kind() === '-') items.push(this.#contentAfter(this.#take(), AFTER_INDENTLESS, 'block').node)
  }

  #blockMapping({ pairs }: MappingNode): void {
    const begin = this.#take().start
    while (this.#kind() === '?') {
      const key = this.#contentAfter(this.#take(), AFTER_BLOCK_PAIR, 'indentless').node
      pairs.push(this.#pair(key, AFTER_BLOCK_PAIR, 'indentless'))
    }
    this.#endBlock('while parsing a block mapping', begin)
  }

  #endBlock(words: string, begin: number): void {
    if (this.#kind() !== '<block end>') throw this.#failure(words, begin, `expected <block end>, but found '${this.#kind()}'`)
    this.#take()
  }

  #flowSequence({ items }: SequenceNode): void {
    const begin = this.#take().start
    for (let isFirst = true; this.#kind() !== ']'; isFirst = false) {
      if (!isFirst) this.#separator('while parsing a flow sequence', begin, ']')
      if (this.#kind() === '?') items.push(this.#singlePair())
      else if (this.#kind() !== ']') items.push(this.#child('flow').node)
    }
    this.#take()
  }

  /** `[key: value]`: a mapping of one pair. */
  #singlePair(): MappingNode {
    const token = this.#scanner.peek()
    const node = mappingNode(token, undefined, token.start)
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new PythonFailure('RecursionError', 'maximum recursion depth exceeded', node.mark)
    const key = this.#contentAfter(this.#take(), AFTER_SINGLE_KEY, 'flow').node
    node.pairs.push(this.#pair(key, AFTER_SINGLE_VALUE, 'flow'))
    node.end = this.#end
    this.#depth -= 1
    return node
  }

  #flowMapping({ pairs }: MappingNode): void {
    const begin = this.#take().start
    for (let isFirst = true; this.#kind() !== '}'; isFirst = false) {
      if (!isFirst) this.#separator('while parsing a flow mapping', begin, '}')
      if (this.#kind() === '?') {
        const key = this.#contentAfter(this.#take(), AFTER_FLOW_KEY, 'flow').node
        pairs.push(this.#pair(key, AFTER_FLOW_VALUE, 'flow'))
      } else if (this.#kind() !== '}') {
        const key = this.#child('flow').node
        pairs.push({ key, value: this.#nothing(this.#scanner.peek().start), alias: undefined })
      }
    }
    this.#take()
  }

  #separator(words: string, begin: number, close: string): void {
    if (this.#kind() !== ',') throw this.#failure(words, begin, `expected ',' or '${close}', but got '${this.#kind()}'`)
    this.#take()
  }

  /** The value of a key, after a colon; nothing when there is none. */
  #pair(key: Node, after: ReadonlySet<Kind>, room: Room): Pair {
    const token = this.#scanner.peek()
    if (token.kind !== ':') return { key, value: this.#nothing(token.start), alias: undefined }
    const { node, alias } = this.#contentAfter(this.#take(), after, room)
    return { key, value: node, alias }
  }

  #contentAfter(token: Token, after: ReadonlySet<Kind>, room: Room): Child {
    return after.has(this.#kind()) ? { node: this.#nothing(token.end), alias: undefined } : this.#child(room)
  }

  #kind(): Kind {
    return this.#scanner.peek().kind
  }

  #take(): Token {
    const token = this.#scanner.take()
    if (token.kind !== '<block end>') this.#end = token.end
    return token
  }

  #failure(words: string | undefined, from: number | undefined, problem: string, at = this.#scanner.peek().start): PythonFailure {
    return markedFailure('ParserError', this.#text, words === undefined ? undefined : { words, ...(from !== undefined && { at: from }) }, problem, at)
  }
}

function scalarNode(token: ScalarToken, tag: string | undefined, mark: number): ScalarNode {
  const resolved = tag === '!' || (tag === undefined && token.style === 'plain') ? resolveTag(token.value) : (tag ?? STR)
  const { start, end, value, style, codePoints } = token
  return { id: 'scalar', tag: resolved, mark, start, end, object: undefined, text: value, style, codePoints }
}

function sequenceNode({ start }: Token, tag: string | undefined, mark: number): SequenceNode {
  return { id: 'sequence', tag: tag === undefined || tag === '!' ? SEQ : tag, mark, start, end: start, object: undefined, items: [] }
}

function mappingNode({ start }: Token, tag: string | undefined, mark: number): MappingNode {
  return { id: 'mapping', tag: tag === undefined || tag === '!' ? MAP : tag, mark, start, end: start, object: undefined, pairs: [], merged: 0 }
}
