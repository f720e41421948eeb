#!/usr/bin/env node
// Starts dist/ctss.mjs under Node 24, building it first in a fresh checkout.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bundle = new URL('../dist/ctss.mjs', import.meta.url)
if (Number(process.versions.node.split('.')[0]) >= 24 && existsSync(bundle)) {
  await import(bundle.href)
} else {
  const bootstrap = fileURLToPath(new URL('../scripts/bootstrap.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [bootstrap, 'ctss', ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exitCode = status ?? 3
}
