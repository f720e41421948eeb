import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { stringify } from 'yaml'

interface StandIn {
  readonly script: string
  /** Inputs with their defaults, as the action's own action.yml has them at the version that our workflows name. */
  readonly inputs: Readonly<Record<string, string>>
  readonly outputs: readonly string[]
}

const REPOSITORY = '${{ github.repository }}'
const TOKEN = '${{ github.token }}'

const STAND_INS: Readonly<Record<string, StandIn>> = {
  'actions/checkout': {
    script: 'checkout',
    inputs: {
      repository: REPOSITORY,
      ref: '',
      token: TOKEN,
      path: '.',
      'persist-credentials': 'true',
      clean: 'true',
      filter: '',
      'fetch-depth': '1',
      'fetch-tags': 'false',
    },
    outputs: ['ref', 'commit'],
  },
  'actions/upload-artifact': {
    script: 'upload-artifact',
    inputs: {
      name: 'artifact',
      path: '',
      'if-no-files-found': 'warn',
      'retention-days': '',
      'compression-level': '6',
      overwrite: 'false',
      'include-hidden-files': 'false',
    },
    outputs: ['artifact-id', 'artifact-url', 'artifact-digest'],
  },
  'actions/download-artifact': {
    script: 'download-artifact',
    inputs: { name: '', path: '', pattern: '', 'merge-multiple': 'false', 'github-token': '', repository: REPOSITORY, 'run-id': '${{ github.run_id }}' },
    outputs: ['download-path'],
  },
  'actions/setup-node': {
    script: 'nothing',
    inputs: { 'node-version': '', 'node-version-file': '', cache: '', 'package-manager-cache': 'true', 'registry-url': '' },
    outputs: ['node-version', 'cache-hit'],
  },
  'docker/setup-qemu-action': { script: 'nothing', inputs: { image: '', platforms: 'all', reset: 'false', 'cache-image': 'true' }, outputs: ['platforms'] },
  'actions/attest-build-provenance': {
    script: 'attest-build-provenance',
    inputs: {
      'subject-path': '',
      'subject-digest': '',
      'subject-name': '',
      'subject-checksums': '',
      'push-to-registry': 'false',
      'create-storage-record': 'true',
      'show-summary': 'true',
      'github-token': TOKEN,
    },
    outputs: ['bundle-path', 'attestation-id', 'attestation-url'],
  },
}

/**
 * Writes `folder/owner/name` for each third-party action that our workflows use: actions of the same inputs and outputs that need no network. Returns the folders by name.
 */
export async function makeStandIns(folder: string): Promise<Readonly<Record<string, string>>> {
  const made = await Promise.all(
    Object.entries(STAND_INS).map(async ([name, { script, inputs, outputs }]) => {
      const target = join(folder, name)
      await mkdir(target, { recursive: true })
      await build({
        entryPoints: [join(import.meta.dirname, `${script}.ts`)],
        outfile: join(target, 'main.mjs'),
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node24',
      })
      const metadata = {
        name: `${name}, a stand-in`,
        description: 'For tests',
        inputs: Object.fromEntries(Object.entries(inputs).map(([input, value]) => [input, { description: input, default: value }])),
        outputs: Object.fromEntries(outputs.map((output) => [output, { description: output }])),
        runs: { using: 'node24', main: 'main.mjs' },
      }
      await writeFile(join(target, 'action.yml'), stringify(metadata))
      return [name, target] as const
    }),
  )
  return Object.fromEntries(made)
}
