/** The alarm for an old runner: fails when a newer one has been out for longer than GitHub waits. Asks GitHub; without an answer it fails too. */
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { daysBehind, RUNNER_GRACE_DAYS } from './newer.ts'
import { fetchRunnerReleases } from './upstreams.ts'
import { readVersions } from './versions.ts'

const { runner } = readVersions()
const upstreams = { githubApi: process.env['GITHUB_API_URL'] ?? 'https://api.github.com', token: process.env['GITHUB_TOKEN'], registry: new OciRegistry() }
const releases = await fetchRunnerReleases(upstreams).catch((cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause))))
if (releases instanceof Error)
  ring('The age of the runner is not known', `GitHub was asked for the releases of its runner, and gave no answer (${releases.message}): run this again.`)
else {
  const days = daysBehind(runner.version, releases, new Date())
  const newest = releases[0]?.version ?? runner.version
  if (days > RUNNER_GRACE_DAYS) {
    ring(
      'The runner is too old',
      `Runner ${runner.version} of runner-images/versions.json is ${days} days behind: GitHub gives no jobs to a runner that does not follow a release within ${RUNNER_GRACE_DAYS} days. Merge the pull request that proposes ${newest}, and run this workflow by hand.`,
    )
  } else
    process.stdout.write(
      `Runner ${runner.version}: ${days === 0 ? 'there is no newer one' : `${newest} is newer; the first newer one came ${days} days ago`}.\n`,
    )
}

function ring(title: string, sentence: string): void {
  process.stdout.write(`::error title=${title}::${sentence}\n`)
  process.exitCode = 1
}
