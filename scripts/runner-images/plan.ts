/** The outputs of the job that plans `runner-images.yml`: what is built, and what it is built with. An image that cannot be built is warned of. */
import { appendFileSync } from 'node:fs'
import { readTestbedImage } from '../../adapters/virtual-waggle/testbed-image.ts'
import { IMAGES, isImageName, planImage } from './images.ts'
import { readVersions } from './versions.ts'

const versions = readVersions()
const include = Object.keys(IMAGES)
  .filter(isImageName)
  .flatMap((name) => {
    const plan = planImage(name, versions)
    if (plan.kind === 'leave-out') {
      process.stdout.write(`::warning title=${name} is not built::${plan.reason}\n`)
      return []
    }
    const { folder, platforms } = IMAGES[name]
    const tag = folder === 'virtual-waggle' ? readTestbedImage().contentHash : versions.runner.version
    return [{ name, folder, tag, platforms: platforms.join(','), arguments: plan.buildArguments.join('\n') }]
  })
const text = `matrix=${JSON.stringify({ include })}\nbinfmt=${pinned('binfmt')}\nbuildkit=${pinned('buildkit')}\n`
process.stdout.write(text)
const file = process.env['GITHUB_OUTPUT']
if (file) appendFileSync(file, text)

function pinned(name: 'binfmt' | 'buildkit'): string {
  const image = versions.images[name]
  if (!image?.digest) throw new Error(`nothing is built without ${name}, and nobody knows its digest`)
  return `${image.reference}@${image.digest}`
}
