import type { Random } from './random.ts'
import type { Entry } from './render.ts'
import { proseSnippet, textSnippet } from './snippets.ts'

const WORDS = [
  'cloud',
  'counter',
  'motion',
  'bird',
  'sound',
  'analysis',
  'Smoke detector',
  'machine learning',
  'Ada <ada@example.org>',
  'https://example.org/a#b',
  'CC0',
  'MIT',
] as const

/** A text such as authors write, healthy mostly. */
export function words(random: Random): string {
  if (random.chance(0.08)) return proseSnippet(random)
  return textSnippet(random, random.pick(WORDS))
}

const INPUT_TYPES = ['boolean', 'int', 'long', 'float', 'double', 'string', 'File'] as const

/** Fields of an input that Sage takes. */
export function healthyInput(random: Random): Entry[] {
  const entries: Entry[] = [
    ['id', random.pick(['stream', 'interval', '"n"', '1', 'y'])],
    ['type', random.pick(INPUT_TYPES)],
  ]
  if (random.chance(0.3)) entries.push(['description', words(random)])
  if (random.chance(0.3)) entries.push(['default', random.pick(['1', '0.5', 'true', '"no"', 'camera', '~', '[1, 2]', '{a: 1}'])])
  return entries
}
