import type { OracleCase } from '../../test/oracle/generator.ts'

const MOST_QUESTIONS = 300

/** The smallest text that still differs: pieces are cut out, large ones first, as long as the difference stays. */
export async function minimise(item: OracleCase, differs: (smaller: OracleCase) => Promise<boolean>): Promise<OracleCase> {
  let best = item
  let questions = 0
  const attempt = async (text: string): Promise<boolean> => {
    if (text === best.text || questions >= MOST_QUESTIONS) return false
    questions += 1
    const smaller = { ...best, text: text.toWellFormed() }
    if (!(await differs(smaller))) return false
    best = smaller
    return true
  }
  await shrink(() => best.text.split(/(?<=\n)/), attempt)
  if (best.text.length < 2000) await shrink(() => best.text.match(/./gsu) ?? [], attempt)
  return best
}

async function shrink(pieces: () => readonly string[], attempt: (text: string) => Promise<boolean>): Promise<void> {
  for (let size = Math.ceil(pieces().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < pieces().length;) {
      const all = pieces()
      const isShorter = await attempt([...all.slice(0, start), ...all.slice(start + size)].join(''))
      if (!isShorter) start += size
    }
  }
}
