import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../../adapters/process/run.ts'
import type { RunResult } from '../../../adapters/process/run.ts'
import { startGithub } from '../../support/github/github.ts'
import type { Github } from '../../support/github/github.ts'

describe('open-pull-request.ts', () => {
  let github: Github
  let folder = ''

  beforeEach(async () => {
    github = await startGithub()
    folder = mkdtempSync(join(tmpdir(), 'ctss-proposal-'))
    leave({ 'runner-images/versions.json': '{"runner": "newer"}\n', '.github/workflows/evil.yml': 'on: push\n' })
    writeFileSync(join(folder, 'changes.md'), "- GitHub's runner 2.338.0 -> 2.999.0\n")
  })
  afterEach(async () => {
    await github[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  function leave(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, 'files', path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
  }

  async function propose(permissions: Parameters<Github['workflowToken']>[0] = { contents: 'write', pull_requests: 'write' }): Promise<RunResult> {
    const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: `${github.owner}/${github.repository}`, GITHUB_TOKEN: await github.workflowToken(permissions) }
    return run({ command: process.execPath, args: ['scripts/runner-images/open-pull-request.ts', folder] }, { env })
  }

  async function ask<T>(path: string): Promise<T> {
    const response = await fetch(`${github.url}/repos/${github.owner}/${github.repository}${path}`, {
      headers: { authorization: `token ${github.people.maintainer}` },
    })
    return (await response.json()) as T
  }

  it('proposes the files of the list, and no other, in one commit on a branch of its own', async () => {
    const { exitCode, stdout, stderr } = await propose()
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Proposed: http/)

    const [pull] = await ask<{ title: string; body: string; head: { ref: string; sha: string }; base: { ref: string } }[]>('/pulls?state=open')
    expect(pull).toMatchObject({ title: 'build(runner-images): newer versions', base: { ref: 'main' }, body: expect.stringContaining('2.338.0 -> 2.999.0') })
    expect(pull?.head.ref).toMatch(/^runner-images\/versions-[0-9a-f]{12}$/)
    const { tree } = await ask<{ tree: { path: string }[] }>(`/git/trees/${pull?.head.sha}?recursive=1`)
    const paths = tree.map(({ path }) => path)
    expect(paths).toContain('runner-images/versions.json')
    expect(paths).not.toContain('.github/workflows/evil.yml')
    expect(github.violations).toEqual([])
  })

  it('proposes the same thing once', async () => {
    await propose()
    const { exitCode, stdout } = await propose()

    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^Proposed already: http/)])
    expect(await ask<unknown[]>('/pulls?state=all')).toHaveLength(1)
  })

  it('says what GitHub refuses', async () => {
    const { exitCode, stderr } = await propose({ contents: 'read', pull_requests: 'write' })

    expect(exitCode).not.toBe(0)
    expect(stderr).toMatch(/GitHub answers 403 to POST \/git\/trees/)
    expect(await ask<unknown[]>('/pulls?state=all')).toEqual([])
  })

  it('opens nothing when there is nothing to propose', async () => {
    rmSync(join(folder, 'files/runner-images'), { recursive: true })
    const { exitCode, stderr } = await propose()

    expect([exitCode === 0, stderr]).toEqual([false, expect.stringContaining('has no file to propose')])
  })
})
