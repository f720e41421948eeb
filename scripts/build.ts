/**
 * Bundles the CLI and the app into dist/, and each action into actions/<name>/dist/: small entries, the rest in chunks that load when they are needed.
 * Deterministic: the same sources and packages give the same bytes. `--actions`, `--app`: only those; `--out FOLDER`: below that folder.
 */
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild'
import type { ActionDefinition } from '../actions/definition.ts'
import { ACTIONS } from '../actions/definitions.ts'
import { renderLicences } from './licences.ts'

const DAY_MS = 86_400_000

const { values } = parseArgs({
  options: { actions: { type: 'boolean', default: false }, app: { type: 'boolean', default: false }, out: { type: 'string', default: '.' } },
})

const shared: BuildOptions = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  legalComments: 'none',
  logLevel: 'warning',
  outExtension: { '.js': '.mjs' },
  // CommonJS packages inside an ESM bundle ask for these.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  // dockerode's ssh:// transport, which nothing here uses.
  alias: { ssh2: './scripts/ssh2-stub.ts' },
}

const DIST_FOLDER = join(values.out, 'dist')

async function bundleCli(): Promise<void> {
  const { metafile } = await build({
    ...shared,
    entryPoints: { ctss: 'cli/main.ts' },
    outdir: DIST_FOLDER,
    minifySyntax: true,
    sourcemap: 'linked',
    metafile: true,
    // These load their own WebAssembly, data or fonts from beside themselves.
    plugins: [leaveOut(SESSIONS)],
    external: ['@electric-sql/pglite', '@resvg/resvg-wasm', 'dejavu-fonts-ttf', 'vega', 'vega-lite', '*.node'],
  })
  // A ctss that runs while this one is built still loads chunks of its own: they stay for a day.
  await removeStaleChunks(metafile, DIST_FOLDER, DAY_MS)
}

/** The app, and beside it the thread that draws charts and the process that judges what strangers wrote. All but three packages is in the bundle, so that an image of it needs no others. */
async function bundleApp(): Promise<void> {
  const { metafile } = await build({
    ...shared,
    entryPoints: { app: 'app/main.ts', 'chart-worker': 'app/chart-worker.ts', 'judge-process': 'adapters/judge-process/judge-process.ts' },
    outdir: DIST_FOLDER,
    minifySyntax: true,
    sourcemap: 'linked',
    metafile: true,
    plugins: [leaveOut(SESSIONS)],
    external: ['@electric-sql/pglite', '@resvg/resvg-wasm', 'dejavu-fonts-ttf', 'pg-native', '*.node'],
    // What the judge's process loads before it is given its limits is in its bundle anyway.
    logOverride: { 'ignored-bare-import': 'silent' },
  })
  await removeStaleChunks(metafile, DIST_FOLDER, DAY_MS)
  await writeFile(join(DIST_FOLDER, 'licences.txt'), await renderLicences(metafile))
}

/** Removes what earlier builds have left and no one of the last `keptMs` has written. */
async function removeStaleChunks({ outputs }: Metafile, folder: string, keptMs: number): Promise<void> {
  const written = new Set(Object.keys(outputs).map((path) => basename(path)))
  for (const name of (await readdir(folder)).filter((file) => /\.mjs(\.map)?$/.test(file) && !written.has(file))) {
    const path = join(folder, name)
    if (Date.now() - (await stat(path)).mtimeMs > keptMs) await rm(path, { force: true })
  }
}

/** gRPC and Protocol Buffers, by which dockerode opens sessions of BuildKit: builds are buildx's here. */
const SESSIONS = ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs']
/** Only `validate` and `setup` judge manifests; the others take the verdict from its record. */
const RULES = ['./rules/repository-rule-list.ts']
/** Charts are bars and lines: no maps, no trees. */
const VEGA = ['vega-geo', 'vega-force', 'vega-hierarchy', 'vega-voronoi', 'vega-wordcloud', 'vega-crossfilter']
/** Signing in by AWS SSO or STS, and reading user agents of browsers: in a job, credentials for S3 come from the environment. */
const AWS = [
  'bowser',
  '@aws-sdk/nested-clients/sso-oidc',
  '@aws-sdk/nested-clients/sts',
  '@aws-sdk/nested-clients/signin',
  '@aws-sdk/nested-clients/sso',
  '@aws-sdk/nested-clients/cognito-identity',
]

function leftOutOf(action: string): readonly string[] {
  return [...SESSIONS, ...VEGA, ...AWS, ...(action === 'validate' || action === 'setup' ? [] : RULES)]
}

function leaveOut(modules: readonly string[]): Plugin {
  return {
    name: 'leave-out',
    setup(building) {
      building.onResolve({ filter: /./ }, ({ path }) => (modules.includes(path) ? { path, namespace: 'left-out' } : undefined))
      building.onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'export const REPOSITORY_RULE_LIST = []' }))
    },
  }
}

/** An action holds everything that it needs: on a runner there are no packages. */
async function bundleAction({ name, starts }: ActionDefinition): Promise<void> {
  const outdir = join(values.out, 'actions', name, 'dist')
  const { metafile } = await build({
    ...shared,
    entryPoints: { main: `actions/${name}/main.ts`, ...(starts && { post: 'actions/post.ts' }) },
    outdir,
    minify: true,
    metafile: true,
    external: ['*.node'],
    alias: { ...shared.alias, undici: './scripts/undici-stub.ts' },
    plugins: [leaveOut(leftOutOf(name))],
  })
  await removeStaleChunks(metafile, outdir, 0)
  await writeFile(join(outdir, 'licences.txt'), await renderLicences(metafile))
  await writeFile(join(outdir, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`)
}

await Promise.all([
  ...(values.actions || values.app ? [] : [bundleCli()]),
  ...(values.actions ? [] : [bundleApp()]),
  ...(values.app ? [] : ACTIONS.map(bundleAction)),
])
