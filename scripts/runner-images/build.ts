/**
 * Builds an image of runner-images on this machine, with base and sums of versions.json: `node scripts/runner-images/build.ts NAME [arguments of docker buildx build]`,
 * for instance `chameleon-cpu --load`. A `--build-arg` that is given takes the place of ours; without a sum or a base the build stops.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { IMAGES, isImageName, planImage } from './images.ts'
import { readVersions } from './versions.ts'

const [name = '', ...more] = process.argv.slice(2)
process.exitCode = build()

function build(): number {
  if (!isImageName(name)) return stop(`there is no image ${JSON.stringify(name)}: it is one of ${Object.keys(IMAGES).join(', ')}`)
  const plan = planImage(name, readVersions())
  if (plan.kind === 'leave-out' && !more.some((argument) => argument.startsWith('--build-arg=BASE='))) {
    return stop(`${name}: ${plan.reason}. Put it into runner-images/versions.json, or give it: --build-arg=BASE=...@sha256:...`)
  }
  const { folder, platforms } = IMAGES[name]
  const buildArguments = plan.kind === 'build' ? plan.buildArguments : []
  const args = ['buildx', 'build', `--platform=${platforms.join(',')}`, ...buildArguments.map((pair) => `--build-arg=${pair}`), `--tag=ctss-${name}`, ...more]
  const { status, error } = spawnSync('docker', [...args, fileURLToPath(new URL(`../../runner-images/${folder}`, import.meta.url))], { stdio: 'inherit' })
  return error ? stop(`docker cannot be run: ${error.message}`) : (status ?? 1)
}

function stop(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}
