import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

const FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i

/** The licences of every package of which something is in a bundle, as their authors ask for. A text that several packages have stands once, below all their names. */
export async function renderLicences({ inputs }: Metafile): Promise<string> {
  const folders = new Set(Object.keys(inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []))
  const packages = await Promise.all([...folders].toSorted().map(describePackage))
  const parts = [...Map.groupBy(packages, ({ text }) => text)].map(([text, sharing]) =>
    [sharing.map(({ title }) => title).join('\n'), text].join('\n\n').trim(),
  )
  return `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

async function describePackage(folder: string): Promise<{ readonly title: string; readonly text: string }> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { name: string; version: string; license?: string }
  const files = (await readdir(folder)).filter((name) => FILE.test(name)).toSorted()
  const texts = await Promise.all(files.map(async (name) => (await readFile(join(folder, name), 'utf8')).trim()))
  return { title: `${manifest.name} ${manifest.version} (${manifest.license ?? 'see its text'})`, text: texts.join('\n\n') }
}
