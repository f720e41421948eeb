/**
 * Proposes what `look-for-newer.ts` has left: `node scripts/runner-images/open-pull-request.ts FOLDER`. One commit on a branch of its own, by GitHub's API, so that no
 * checkout holds a token. Only Node and files of this folder: no package runs where the token can write. The same proposal twice is one pull request.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROPOSED_FILES, proposalBranch } from './proposed-files.ts'

const [folder = ''] = process.argv.slice(2)
const { GITHUB_API_URL: api = 'https://api.github.com', GITHUB_REPOSITORY: repository = '', GITHUB_TOKEN: token = '' } = process.env
// What else the folder may hold is not looked at: it comes out of a job that runs packages.
const files = Object.fromEntries(
  PROPOSED_FILES.flatMap((path) => {
    const file = join(folder, 'files', path)
    return existsSync(file) ? [[path, readFileSync(file, 'utf8')] as const] : []
  }),
)
if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new Error('GITHUB_REPOSITORY is not set')
if (Object.keys(files).length === 0) throw new Error(`${folder} has no file to propose`)

const branch = proposalBranch(files)
const { default_branch: base } = await ask<{ default_branch: string }>('GET', '')
const [owner] = repository.split('/')
const open = await ask<{ html_url: string }[]>('GET', `/pulls?state=open&head=${owner}:${branch}`)
if (open[0]) process.stdout.write(`Proposed already: ${open[0].html_url}\n`)
else {
  await makeBranch()
  const title = 'build(runner-images): newer versions'
  const body = `${readFileSync(join(folder, 'changes.md'), 'utf8').slice(0, 60_000)}\nMade by \`runner-images.yml\`. GitHub starts no checks on a pull request of its own token: close and open it again, then look at them.\n`
  const { html_url: address } = await ask<{ html_url: string }>('POST', '/pulls', { title, body, head: branch, base })
  process.stdout.write(`Proposed: ${address}\n`)
}

async function makeBranch(): Promise<void> {
  const { object: head } = await ask<{ object: { sha: string } }>('GET', `/git/ref/heads/${base}`)
  const { tree: baseTree } = await ask<{ tree: { sha: string } }>('GET', `/git/commits/${head.sha}`)
  const tree = await ask<{ sha: string }>('POST', '/git/trees', {
    base_tree: baseTree.sha,
    tree: Object.entries(files).map(([path, content]) => ({ path, mode: '100644', type: 'blob', content })),
  })
  const commit = await ask<{ sha: string }>('POST', '/git/commits', { message: 'build(runner-images): newer versions', tree: tree.sha, parents: [head.sha] })
  // A branch that an earlier run left without a pull request has the same files: it is taken over.
  await ask('POST', '/git/refs', { ref: `refs/heads/${branch}`, sha: commit.sha }, [422])
}

/** A call to GitHub about this repository. What it answers is trusted as far as it goes back to GitHub. */
async function ask<T>(method: 'GET' | 'POST', path: string, body?: object, allowed: readonly number[] = []): Promise<T> {
  const response = await fetch(`${api}/repos/${repository}${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-github-api-version': '2022-11-28',
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  if (!response.ok && !allowed.includes(response.status)) throw new Error(`GitHub answers ${response.status} to ${method} ${path}: ${text.slice(0, 500)}`)
  return JSON.parse(text) as T
}
