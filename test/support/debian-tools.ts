import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { connectEngine } from '../../adapters/engine/connect.ts'
import { ensureFolderImage, readFolderImage } from '../../adapters/engine/folder-image.ts'
import { run } from '../../adapters/process/run.ts'
import type { RunOptions, RunResult } from '../../adapters/process/run.ts'

/** Runs Debian's programs in a container without a network. */
export interface DebianTools {
  /** `dockerArgs` are those of `docker run` before the image. Afterwards the container is gone; `look` may look into it before. */
  run(command: readonly string[], dockerArgs?: readonly string[], options?: RunOptions, look?: (container: string) => Promise<void>): Promise<RunResult>
}

/**
 * shellcheck, cloud-init, systemd-analyze, nft and others: an image of our own on the base that plugins get here too, built at its first use (a minute, once).
 * Debian's cloud-init would change a machine that it is installed on at its next boot, so it is not installed on the one that runs the tests.
 */
export async function debianTools(): Promise<DebianTools> {
  const image = readFolderImage(fileURLToPath(new URL('debian-tools', import.meta.url)), 'ctss-test-debian-tools')
  const base = { name: 'debian:bookworm-slim', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
  await ensureFolderImage(
    connectEngine(process.env['DOCKER_HOST']),
    image,
    base,
    { step: () => undefined, output: () => undefined },
    new AbortController().signal,
  )
  return {
    run: async (command, dockerArgs = [], options = {}, look = async () => undefined) => {
      const name = `ctss-debian-tools-${randomUUID()}`
      try {
        const args = ['run', `--name=${name}`, '--network=none', ...dockerArgs, image.reference, ...command]
        const result = await run({ command: 'docker', args }, { timeoutMs: 120_000, ...options })
        await look(name)
        return result
      } finally {
        await run({ command: 'docker', args: ['rm', '--force', '--volumes', name] })
      }
    },
  }
}
