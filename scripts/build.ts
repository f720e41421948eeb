/** Bundles the CLI into dist/: one small entry, the rest in chunks that load when a command needs them. */
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

await rm('dist', { recursive: true, force: true })
await build({
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
  // CommonJS packages inside an ESM bundle ask for these.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  // These load their own WebAssembly, data or fonts from beside themselves; ssh2 is dockerode's ssh:// transport, which nothing here uses.
  external: ['@electric-sql/pglite', '@resvg/resvg-wasm', 'dejavu-fonts-ttf', 'vega', 'vega-lite', '*.node'],
  alias: { ssh2: './scripts/ssh2-stub.ts' },
})
