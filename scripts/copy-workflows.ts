/**
 * Copies reusable-workflows/ to .github/workflows/, to the byte: GitHub finds workflows there alone, and follows no links. `--check` writes nothing and fails
 * when the copies are stale.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'

const SOURCES = new URL('../reusable-workflows/', import.meta.url)
const COPIES = new URL('../.github/workflows/', import.meta.url)

const sources = await readWorkflows(SOURCES)
const copies = await readWorkflows(COPIES)
const stale = [...new Set([...sources.keys(), ...copies.keys()])].filter((name) => sources.get(name) !== copies.get(name)).sort()

if (!process.argv.includes('--check')) {
  await mkdir(COPIES, { recursive: true })
  for (const name of stale) {
    const text = sources.get(name)
    await (text === undefined ? rm(new URL(name, COPIES)) : writeFile(new URL(name, COPIES), text))
  }
} else if (stale.length) {
  process.stderr.write(`.github/workflows differs from reusable-workflows (${stale.join(', ')}): run \`npm run generate\`.\n`)
  process.exitCode = 1
}

async function readWorkflows(folder: URL): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name))
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')] as const)))
}
