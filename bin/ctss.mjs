#!/usr/bin/env node
// Starts dist/ctss.mjs under Node 24, building it first in a fresh checkout.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// npm runs a script in its package; places are meant from where npm was called.
const { npm_lifecycle_event: script, INIT_CWD: caller } = process.env
if (script === 'ctss' && caller && process.cwd() === fileURLToPath(new URL('..', import.meta.url)).slice(0, -1)) process.chdir(caller)

const bundle = new URL('../dist/ctss.mjs', import.meta.url)
if (Number(process.versions.node.split('.')[0]) >= 24 && existsSync(bundle)) {
  await import(bundle.href)
} else {
  const bootstrap = fileURLToPath(new URL('../scripts/bootstrap.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [bootstrap, 'ctss', ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exitCode = status ?? 3
}
