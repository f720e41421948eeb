import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workplace } from './ctss-process.ts'
import { layOut } from './layout.ts'
import type { MemoryFile } from './memory-tree.ts'

/** The platform of this machine, on which everything of a tiny plugin runs natively. */
export const NATIVE = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'

/** A manifest without problems. */
export const MANIFEST = `name: tiny-plugin
namespace: faults
version: "0.1.0"
description: Does next to nothing
license: MIT
source:
  architectures: [${NATIVE}]
`

const TRAIN = `echo 42 > /opt/ml/model/weights.txt
echo '{"schema": "ctss.result/v1", "metrics": {"accuracy": {"value": 0.91}}}' > /opt/ml/output/result.json
`

/** A trial that passes although nothing is published: without pywaggle a plugin is a shell script, and its image is there in a second. */
const QUIET = '{name: quiet, timeout: 60s, expect: [{name: env.nothing, count: 0}]}'

/** A pipeline file with that trial. */
export const ONE_TRIAL = oneTrial(QUIET)

function oneTrial(trial: string): string {
  return `test:\n  trials:\n    - ${trial}\n`
}

const FILES: Readonly<Record<string, MemoryFile>> = {
  'sage.yaml': MANIFEST,
  'ctss.yaml': `training:
  dockerfile: train/Dockerfile
  command: [sh, /train.sh]
model: {path: model, from: train}
${ONE_TRIAL}`,
  Dockerfile: 'FROM debian:bookworm-slim\nCOPY model /model\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n',
  'main.sh': 'cat /model/weights.txt\n',
  'train/Dockerfile': 'FROM debian:bookworm-slim\nCOPY train.sh /\n',
  'train/train.sh': TRAIN,
}

/** Writes a plugin of shell scripts that passes every stage, but for `files`, which come in the place of its own; null: none in its place. */
export async function writeTinyPlugin(place: Workplace, files: Readonly<Record<string, MemoryFile | null>> = {}, name = 'tiny-plugin'): Promise<string> {
  const folder = join(place.folder, name)
  await mkdir(folder, { recursive: true })
  const merged = Object.entries({ ...FILES, ...files }).filter((entry): entry is [string, MemoryFile] => entry[1] !== null)
  layOut(folder, Object.fromEntries(merged))
  return folder
}

/** The same plugin without training, its one trial as given in YAML's flow style. */
export function withoutTraining(trial = QUIET): Readonly<Record<string, MemoryFile | null>> {
  return {
    'ctss.yaml': oneTrial(trial),
    Dockerfile: 'FROM debian:bookworm-slim\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n',
    'main.sh': 'echo running\n',
    'train/Dockerfile': null,
    'train/train.sh': null,
  }
}

/** A plugin that says where it is and then waits, in every stage, so that a test can step in; `nonce` keeps the builder from answering out of its cache. */
export function slowFiles(nonce: string): Readonly<Record<string, MemoryFile>> {
  return {
    Dockerfile: `FROM debian:bookworm-slim\nRUN echo building ${nonce}; sleep 2\nCOPY model /model\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n`,
    'main.sh': 'echo running\nsleep 2\n',
    'train/train.sh': `echo training; sleep 2\n${TRAIN}`,
  }
}
