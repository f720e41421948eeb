/** Bundles the CLI into dist/: one small entry, the rest in chunks that load when a command needs them. */
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const DAY_MS = 86_400_000

const { metafile } = await build({
  entryPoints: { ctss: 'cli/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // CommonJS packages inside an ESM bundle ask for these.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  // These load their own WebAssembly, data or fonts from beside themselves.
  external: ['@electric-sql/pglite', '@resvg/resvg-wasm', 'dejavu-fonts-ttf', 'vega', 'vega-lite', '*.node'],
  // dockerode's ssh:// transport, which nothing here uses.
  alias: { ssh2: './scripts/ssh2-stub.ts' },
})

// A ctss that runs while this one is built still loads chunks of its own: they stay for a day.
const written = new Set(Object.keys(metafile.outputs).map((path) => basename(path)))
for (const name of (await readdir('dist')).filter((file) => /\.mjs(\.map)?$/.test(file) && !written.has(file))) {
  const path = join('dist', name)
  if (Date.now() - (await stat(path)).mtimeMs > DAY_MS) await rm(path)
}
