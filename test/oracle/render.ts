import type { Random } from './random.ts'

/** YAML to be: a snippet that fits on one line, a list, or a mapping. Keys are snippets too, and may repeat. */
export type Node = string | { readonly items: readonly Node[] } | { readonly entries: Entry[] }
export type Entry = readonly [key: string, value: Node]

/** A mapping as a text: in blocks mostly, or in one line, or as JSON. */
export function render(random: Random, entries: readonly Entry[]): string {
  const style = random.next()
  if (style < 0.1) return `${flowMapping(entries)}\n`
  if (style < 0.18) return json({ entries: [...entries] })
  if (style < 0.21) return JSON.stringify(Object.fromEntries(entries.map(([key, value]) => [plainKey(key), jsonValue(value)])), undefined, random.pick([0, 2]))
  return block(random, entries, '')
}

function block(random: Random, entries: readonly Entry[], indent: string): string {
  return entries.map(([key, value]) => `${indent}${key}:${blockValue(random, value, indent)}`).join('')
}

function blockValue(random: Random, value: Node, indent: string): string {
  if (typeof value === 'string') return value === '' ? '\n' : ` ${value}${random.chance(0.05) ? ' # comment' : ''}\n`
  if (random.chance(0.25)) return ` ${flow(value)}\n`
  const deeper = indent + random.pick(['  ', '  ', '    ', ' '])
  if ('entries' in value) return value.entries.length === 0 ? ' {}\n' : `\n${block(random, value.entries, deeper)}`
  if (value.items.length === 0) return ' []\n'
  const dash = random.chance(0.3) ? indent : deeper
  return `\n${value.items.map((item) => `${dash}- ${blockItem(random, item, `${dash}  `)}`).join('')}`
}

function blockItem(random: Random, item: Node, indent: string): string {
  if (typeof item === 'object' && 'entries' in item && item.entries.length > 0 && random.chance(0.7)) return block(random, item.entries, indent).trimStart()
  return `${flow(item)}\n`
}

function flow(value: Node): string {
  if (typeof value === 'string') return value
  return 'entries' in value ? flowMapping(value.entries) : `[${value.items.map(flow).join(', ')}]`
}

function flowMapping(entries: readonly Entry[]): string {
  return `{${entries.map(([key, value]) => `${key}: ${flow(value)}`).join(', ')}}`
}

/** JSON with the keys as often as they come. */
function json(value: Node): string {
  if (typeof value === 'string') return jsonText(value)
  if ('items' in value) return `[${value.items.map(json).join(', ')}]`
  return `{${value.entries.map(([key, item]) => `${JSON.stringify(plainKey(key))}: ${json(item)}`).join(', ')}}`
}

function plainKey(key: string): string {
  return key.replaceAll('"', '')
}

/** Snippets that are JSON stay, Python's extensions included. */
function jsonText(snippet: string): string {
  if (/^(?:NaN|-?Infinity|"(?:[^"\\]|\\u[0-9a-f]{4})*"|-?\d[\d.eE+-]*)$/.test(snippet)) return snippet
  try {
    return JSON.stringify(JSON.parse(snippet))
  } catch {
    return snippet === '' || snippet === '~' ? 'null' : JSON.stringify(snippet)
  }
}

function jsonValue(value: Node): unknown {
  if (typeof value === 'string') return JSON.parse(/^(?:NaN|-?Infinity|-?\d.*)$/.test(value) ? JSON.stringify(value) : jsonText(value))
  if ('items' in value) return value.items.map(jsonValue)
  return Object.fromEntries(value.entries.map(([key, item]) => [plainKey(key), jsonValue(item)]))
}
