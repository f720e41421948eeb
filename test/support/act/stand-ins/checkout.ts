/**
 * In the place of actions/checkout: the same refspecs and the same state of the clone (one commit unless `fetch-depth` says more, no tags, `origin` at GitHub), fetched from
 * `$CTSS_STAND_IN_REPOSITORIES/owner/name`. No credentials are kept, so `persist-credentials` is not tested by it; sparse checkouts, LFS and submodules are not there.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readInput, readVariable, runAction, say, setOutput } from './runner-protocol.ts'

runAction(() => {
  const repository = readInput('repository')
  const own = repository === readVariable('GITHUB_REPOSITORY')
  const given = readInput('ref')
  // As the action: the event's commit at its ref, unless another ref is asked for.
  const commit = given === '' && own ? readVariable('GITHUB_SHA') : /^[0-9a-f]{40}$/.test(given) ? given : ''
  const ref = given === '' && own ? readVariable('GITHUB_REF') : commit === '' ? given || 'HEAD' : ''
  const target = resolve(readVariable('GITHUB_WORKSPACE'), readInput('path'))
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', target, '-c', 'protocol.file.allow=always', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()

  mkdirSync(target, { recursive: true })
  git('init', '--quiet')
  git('config', 'remote.origin.url', `${readVariable('GITHUB_SERVER_URL')}/${repository}`)
  const depth = Number(readInput('fetch-depth'))
  const source = `file://${join(readVariable('CTSS_STAND_IN_REPOSITORIES'), repository)}`
  const place = /^refs\/(?:heads|tags|pull)\/(?<name>.+)$/.exec(ref)?.groups?.['name']
  const kept = ref.startsWith('refs/heads/')
    ? `refs/remotes/origin/${place}`
    : ref.startsWith('refs/pull/')
      ? `refs/remotes/pull/${place}`
      : place === undefined
        ? ''
        : ref
  const everything = depth === 0 ? ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'] : []
  const wanted = `+${commit || ref}${kept === '' ? '' : `:${kept}`}`
  git('fetch', '--quiet', '--no-tags', ...(depth === 0 ? [] : [`--depth=${depth}`]), source, ...everything, wanted)
  const branch = ref.startsWith('refs/heads/') ? ['-B', place ?? ''] : ['--detach']
  git('-c', 'advice.detachedHead=false', 'checkout', '--quiet', '--force', ...branch, commit || kept || 'FETCH_HEAD')

  const head = git('rev-parse', 'HEAD')
  setOutput('ref', given)
  setOutput('commit', head)
  say(`checked out ${repository} at ${head}`)
})
