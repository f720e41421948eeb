// Advance widths of DejaVu Sans in ems, by group: close enough to place labels, the same on every machine.
const NARROW = /[ijl|'.,:;! ·/\\()[\]frt\u2009]/
const WIDE = /[mwMW@%\u2E80-\u{1FAFF}]/u
const CAPITAL = /\p{Lu}/u

/** Width in pixels that a text will have in a chart. Vega passes the mark's item, of which only the font size matters. */
export function textWidth(item: { readonly fontSize?: number }, text: string | number | null | undefined): number {
  const characters = Array.from(text === null || text === undefined ? '' : String(text))
  return characters.reduce((sum, character) => sum + emsOf(character), 0) * (item.fontSize ?? 11)
}

function emsOf(character: string): number {
  if (NARROW.test(character)) return 0.35
  if (WIDE.test(character)) return 0.95
  return CAPITAL.test(character) ? 0.7 : 0.62
}
