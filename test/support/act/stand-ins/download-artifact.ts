/**
 * In the place of actions/download-artifact v8: an artifact asked for by name must be there; by pattern there may be none, and each gets a folder of its own, unless it is the only
 * one or `merge-multiple` is set. Patterns hold `*` only.
 */
import { cpSync, mkdirSync } from 'node:fs'
import { join, matchesGlob, resolve } from 'node:path'
import { listArtifacts, runFolder } from './artifact-store.ts'
import { readFlag, readInput, readVariable, runAction, say, setOutput } from './runner-protocol.ts'

runAction(() => {
  const name = readInput('name')
  const run = readInput('run-id')
  if (run !== readVariable('GITHUB_RUN_ID') && readInput('github-token') === '') throw new Error("Artifacts of another run need 'github-token'")
  const there = listArtifacts(run)
  if (name !== '' && !there.includes(name)) throw new Error(`Artifact not found for name: ${name}`)
  const wanted = name === '' ? there.filter((artifact) => matchesGlob(artifact, readInput('pattern') || '*')) : [name]

  const target = resolve(readVariable('GITHUB_WORKSPACE'), readInput('path'))
  for (const artifact of wanted) {
    const folder = readFlag('merge-multiple') || wanted.length === 1 ? target : join(target, artifact)
    mkdirSync(folder, { recursive: true })
    cpSync(join(runFolder(run), artifact), folder, { recursive: true })
  }
  setOutput('download-path', target)
  say(`downloaded ${wanted.length} artifact(s): ${wanted.join(', ')}`)
})
