import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MachineFile, MachineOrder } from '../../pipeline/fleet/render-user-data.ts'

/** The files that a machine of Chameleon boots with, as they are in runner-images. */
export function readMachineFiles(): MachineFile[] {
  const folders = ['runner-images/chameleon', 'runner-images/runner']
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => ({ name, content: readFileSync(join(folder, name), 'utf8') })))
  return files.filter(({ name }) => name !== 'Dockerfile')
}

/** An order for a machine with a GPU, with everything that an order may have. */
export function sampleOrder(changes: Partial<MachineOrder> = {}): MachineOrder {
  return {
    // Longer than the ones that GitHub makes, of about 5 kB.
    jitConfig: Buffer.from(JSON.stringify({ '.runner': 'a'.repeat(6000) })).toString('base64'),
    runner: { address: 'https://github.com/actions/runner/releases/download/v2.338.0/actions-runner-linux-x64-2.338.0.tar.gz', sha256: 'a'.repeat(64) },
    gpu: {
      kind: 'nvidia',
      count: 2,
      toolkit: ['libnvidia-container1', 'nvidia-container-toolkit'].map((name) => ({
        address: `https://nvidia.github.io/libnvidia-container/stable/deb/amd64/${name}_1.19.1-1_amd64.deb`,
        sha256: 'b'.repeat(64),
      })),
      image: `docker.io/nvidia/cuda:12.9.1-base-ubuntu24.04@sha256:${'c'.repeat(64)}`,
    },
    leaseEnd: new Date('2026-11-22T00:50:00Z'),
    diskGib: 40,
    egressPorts: [80, 443, 7480],
    clockAddress: 'https://api.github.com/',
    logs: { address: 'https://ctss.example/api/v1/machines/m-1/logs', token: 'one-time_token.1' },
    ...changes,
  }
}
