import type { Versions } from './versions.ts'

/** A release of GitHub's runner. */
export interface RunnerRelease {
  readonly version: string
  readonly released: string
  readonly sha256: Readonly<Record<'amd64' | 'arm64', string | null>>
}

/** What the upstreams have today; undefined: they gave no answer that could be read. */
export interface Found {
  readonly runner: RunnerRelease | undefined
  readonly toolkit: { readonly version: string; readonly sha256: Readonly<Record<string, string>> } | undefined
  /** By name in versions.json. */
  readonly digests: Readonly<Record<string, string>>
}

/** Versions with what is newer, and a line for each change. */
export interface Proposal {
  readonly versions: Versions
  readonly changes: readonly string[]
}

/** GitHub gives no more jobs to a runner that is this far behind (docs.github.com, "Runner software updates on self-hosted runners"). */
export const RUNNER_GRACE_DAYS = 30

const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const
const DAY_MS = 86_400_000
const SUM = /^[0-9a-f]{64}$/

/** The releases of a list as GitHub's API answers it, newest first; drafts, pre-releases, and what is none, are left out. */
export function readRunnerReleases(list: unknown): RunnerRelease[] {
  if (!Array.isArray(list)) return []
  return list
    .map(fields)
    .flatMap((release) => {
      const version = /^v(\d+\.\d+\.\d+)$/.exec(text(release.get('tag_name')))?.[1]
      const released = /^\d{4}-\d{2}-\d{2}/.exec(text(release.get('published_at')))?.[0]
      if (version === undefined || released === undefined || release.get('draft') === true || release.get('prerelease') === true) return []
      return [{ version, released, sha256: { amd64: readSum(release, version, 'amd64'), arm64: readSum(release, version, 'arm64') } }]
    })
    .sort((one, other) => compareVersions(other.version, one.version))
}

/** From the release's notes, which carry each sum between markers, and from the digest that GitHub keeps of the asset: null where neither tells, or where they differ. */
function readSum(release: ReadonlyMap<string, unknown>, version: string, architecture: keyof typeof ARCHITECTURES): string | null {
  const platform = `linux-${ARCHITECTURES[architecture]}`
  const noted = new RegExp(`<!-- BEGIN SHA ${platform} -->([0-9a-f]{64})<!-- END SHA ${platform} -->`).exec(text(release.get('body')))?.[1]
  const assets = release.get('assets')
  const asset = (Array.isArray(assets) ? assets : []).map(fields).find((one) => one.get('name') === `actions-runner-${platform}-${version}.tar.gz`)
  const kept = text(asset?.get('digest')).replace(/^sha256:/, '')
  const sums = new Set([noted, kept].filter((sum): sum is string => sum !== undefined && SUM.test(sum)))
  const [only = null] = sums
  return sums.size === 1 ? only : null
}

/** The newest version in a Debian package list of which every one of the named packages is there. */
export function readToolkit(packages: string, names: readonly string[]): Found['toolkit'] {
  const versions = new Map<string, Map<string, string>>()
  for (const paragraph of packages.split(/\n\n+/)) {
    const value = (field: string): string => new RegExp(`^${field}: (.*)$`, 'm').exec(paragraph)?.[1] ?? ''
    const [name, version, sum] = [value('Package'), value('Version'), value('SHA256')]
    if (!names.includes(name) || !/^\d+\.\d+\.\d+-\d+$/.test(version) || !SUM.test(sum)) continue
    versions.set(version, (versions.get(version) ?? new Map<string, string>()).set(name, sum))
  }
  const whole = [...versions].filter(([, sums]) => sums.size === names.length).sort(([one], [other]) => compareVersions(other, one))
  const [newest] = whole
  return newest && { version: newest[0], sha256: Object.fromEntries(names.map((name) => [name, newest[1].get(name) ?? ''])) }
}

/** Takes over what is newer. A tag that points to another image than before is taken over too; another tag is a person's decision. Never goes back, and never takes an unknown sum for a known one. */
export function proposeVersions(versions: Versions, { runner, toolkit, digests }: Found, today: string): Proposal {
  const changes: string[] = []
  const changed = { origin: 'Asked of the upstream itself, by scripts/runner-images/look-for-newer.ts.', seen: today, tried: false }
  let next = versions
  if (runner && compareVersions(runner.version, versions.runner.version) > 0 && runner.sha256.amd64 !== null && runner.sha256.arm64 !== null) {
    changes.push(`GitHub's runner ${versions.runner.version} -> ${runner.version} (${runner.released})`)
    next = { ...next, runner: { ...next.runner, ...runner, ...changed } }
  }
  const before = versions['nvidia-container-toolkit']
  if (toolkit && compareVersions(toolkit.version, before.version) > 0) {
    changes.push(`NVIDIA's container toolkit ${before.version} -> ${toolkit.version}`)
    next = { ...next, 'nvidia-container-toolkit': { ...before, ...toolkit, ...changed } }
  }
  for (const [name, digest] of Object.entries(digests)) {
    const image = next.images[name]
    if (!image || image.digest === digest) continue
    changes.push(`${image.reference}: ${image.digest ?? 'unknown'} -> ${digest}`)
    next = { ...next, images: { ...next.images, [name]: { ...image, digest, ...changed } } }
  }
  return { versions: next, changes }
}

/** How long, in whole days, a newer runner than ours has been out; 0 when there is none. `releases` as `readRunnerReleases` gives them. */
export function daysBehind(version: string, releases: readonly RunnerRelease[], now: Date): number {
  const newer = releases.filter((release) => compareVersions(release.version, version) > 0)
  const first = Math.min(...newer.map(({ released }) => Date.parse(released)))
  return newer.length === 0 ? 0 : Math.max(0, Math.floor((now.getTime() - first) / DAY_MS))
}

/** By their numbers, from the left. */
function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((version) => version.split(/[.-]/).map(Number)) as [number[], number[]]
  for (const [index, number] of left.entries()) {
    const difference = number - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function fields(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
