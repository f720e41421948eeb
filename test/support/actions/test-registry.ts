import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { REGISTRY_HOST } from '../../../adapters/workstation/cache-layout.ts'

/** A namespace of a test's own in the registry of this machine. */
export interface TestRegistry extends AsyncDisposable {
  /** For the input `registry`. */
  readonly root: string
}

/** Images that the engine has pulled from there go with it. */
export async function makeTestRegistry(): Promise<TestRegistry> {
  const root = `${REGISTRY_HOST}/test-${randomBytes(4).toString('hex')}`
  return { root, [Symbol.asyncDispose]: async () => removeImages(root) }
}

/** Removes from the engine what was pulled from below a registry or a namespace. */
export function removeImages(root: string): void {
  const lines = execFileSync('docker', ['image', 'ls', '--digests', '--format', '{{.Repository}}@{{.Digest}}'], { encoding: 'utf8' }).split('\n')
  const images = lines.filter((line) => line.startsWith(`${root}/`))
  if (images.length > 0) spawnSync('docker', ['image', 'rm', ...images])
}
