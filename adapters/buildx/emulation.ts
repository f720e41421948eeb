/** Go's names of the architectures that Node runs on. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm' }

/** Whether a builder on a machine of this architecture (Go's name; this machine's without it) runs the programs of a platform by emulation. */
export function isEmulated(platform: string, architecture: string = ARCHITECTURES[process.arch] ?? process.arch): boolean {
  return platform.split('/')[1] !== architecture
}
