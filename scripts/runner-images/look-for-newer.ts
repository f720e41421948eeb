/**
 * Asks the upstreams of runner-images/versions.json for newer versions: `node scripts/runner-images/look-for-newer.ts FOLDER`. Leaves the changed files below
 * FOLDER/files and what changed in FOLDER/changes.md; nothing when nothing is newer. Output of a job: `changed`.
 */
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFolderImage } from '../../adapters/engine/folder-image.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { changeFiles } from './changed-files.ts'
import { proposeVersions } from './newer.ts'
import { fetchFound } from './upstreams.ts'
import { readSource, readVersions } from './versions.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node scripts/runner-images/look-for-newer.ts FOLDER')
const versions = readVersions()
const upstreams = { githubApi: process.env['GITHUB_API_URL'] ?? 'https://api.github.com', token: process.env['GITHUB_TOKEN'], registry: new OciRegistry() }
const found = await fetchFound(versions, upstreams, (line) => process.stdout.write(`::warning title=Not asked::${line}\n`))
const { versions: newer, changes } = proposeVersions(versions, found, new Date().toISOString().slice(0, 10))
for (const change of changes) process.stdout.write(`${change}\n`)
if (changes.length) {
  for (const [path, content] of Object.entries(changeFiles(versions, newer, readSource, hashTestbed))) {
    const target = join(folder, 'files', path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, content)
  }
  writeFileSync(join(folder, 'changes.md'), `${changes.map((change) => `- ${change}`).join('\n')}\n`)
}
const file = process.env['GITHUB_OUTPUT']
if (file) appendFileSync(file, `changed=${changes.length > 0}\n`)

/** The digest that the testbed's folder has with another Dockerfile in it. */
function hashTestbed(dockerfile: string): string {
  const scratch = mkdtempSync(join(tmpdir(), 'ctss-testbed-'))
  try {
    cpSync(fileURLToPath(new URL('../../runner-images/virtual-waggle', import.meta.url)), scratch, { recursive: true })
    writeFileSync(join(scratch, 'Dockerfile'), dockerfile)
    return readFolderImage(scratch, 'testbed').contentHash
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
