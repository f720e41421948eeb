import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { workflowNamed } from '../../support/workflows.ts'

let root = ''
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'ctss-scripts-'))))
afterEach(() => rmSync(root, { recursive: true, force: true }))

function folder(...names: readonly string[]): string {
  const path = join(root, ...names)
  mkdirSync(path, { recursive: true })
  return path
}

/** Runs the script of a step as a runner does, in a folder, and returns what it wrote to `$GITHUB_OUTPUT`. */
function runStep(file: string, job: string, name: string, { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }) {
  const { steps = [] } = workflowNamed(file).jobs[job] ?? {}
  const script = steps.find((step) => step.name === name)?.run
  if (script === undefined) throw new Error(`${file} ${job} has no script named ${name}`)
  const output = join(folder('runner'), 'output')
  writeFileSync(output, '')
  const { status, stderr } = spawnSync('bash', ['-e', '-c', script], {
    cwd,
    encoding: 'utf8',
    env: { PATH: `${join(root, 'bin')}:${process.env['PATH']}`, HOME: root, RUNNER_TEMP: folder('runner'), GITHUB_OUTPUT: output, ...env },
  })
  return { status, stderr, output: readFileSync(output, 'utf8') }
}

function git(cwd: string, ...args: readonly string[]): string {
  const names = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main']
  return execFileSync('git', [...names, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

describe('how long a machine is there', () => {
  const ask = (deadline: string | undefined) =>
    runStep('train-attempt.yml', 'train', 'Find out how long this machine is there', {
      cwd: root,
      env: { MINUTES: '360', ...(deadline !== undefined && { CTSS_DEADLINE: deadline }) },
    })

  it('is what the machine itself says, when that is earlier than the time-out of the job', () => {
    expect(ask('2001-02-03T04:05:06Z')).toMatchObject({ status: 0, output: 'deadline=2001-02-03T04:05:06Z\n' })
  })

  it.each([
    ['its lease ends after that', '2999-01-01T00:00:00Z'],
    ['it says nothing', undefined],
  ])('is 15 minutes less than the time-out of the job, when %s', (_, deadline) => {
    const before = Date.now()
    const { output } = ask(deadline)
    const left = Date.parse(/^deadline=(.+Z)\n$/.exec(output)?.[1] ?? '') - before

    // Whole seconds, and however long the shell took.
    expect(left).toBeGreaterThan(344 * 60_000)
    expect(left).toBeLessThan(360 * 60_000)
  })
})

describe('the plugin on its way from dispatch.yml', () => {
  it('comes out of its artifact with history, modes and links, and nothing of the run before stays', () => {
    const source = folder('source')
    git(source, 'init', '--quiet')
    writeFileSync(join(source, 'run.sh'), 'true\n')
    chmodSync(join(source, 'run.sh'), 0o755)
    symlinkSync('run.sh', join(source, 'link'))
    git(source, 'add', '--all')
    git(source, 'commit', '--quiet', '--message=one')
    const target = folder('target')
    writeFileSync(join(target, '.left-over'), '')

    expect(runStep('dispatch.yml', 'source', 'Pack it', { cwd: source }).status).toBe(0)
    // Where the artifact of that name is downloaded to.
    execFileSync('mv', [join(root, 'runner/source.tar'), folder('runner/ctss-source')])
    expect(runStep('build.yml', 'platform', 'Unpack the plugin', { cwd: target }).status).toBe(0)

    expect(git(target, 'status', '--porcelain')).toBe('')
    expect(git(target, 'rev-parse', 'HEAD')).toBe(git(source, 'rev-parse', 'HEAD'))
    expect(readlinkSync(join(target, 'link'))).toBe('run.sh')
    expect(existsSync(join(target, '.left-over'))).toBe(false)
  })
})

describe('release.yml', () => {
  /** This project in small, pushed with the tag of a release to come. */
  function publishSource(version: string): { readonly checkout: string; readonly env: Readonly<Record<string, string>> } {
    const checkout = folder('checkout')
    const origin = folder('origin.git')
    if (!existsSync(join(origin, 'HEAD'))) {
      git(origin, 'init', '--quiet', '--bare')
      git(checkout, 'init', '--quiet')
      git(checkout, 'remote', 'add', 'origin', origin)
      writeFileSync(join(checkout, '.gitignore'), 'dist/\n')
    }
    writeFileSync(join(checkout, 'package.json'), JSON.stringify({ version: version.slice(1) }))
    git(checkout, 'add', '--all')
    git(checkout, 'commit', '--quiet', `--message=${version}`)
    git(checkout, 'tag', `source/${version}`)
    git(checkout, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main', `source/${version}`)
    mkdirSync(join(checkout, 'actions/validate/dist'), { recursive: true })
    writeFileSync(join(checkout, 'actions/validate/dist/main.mjs'), `// ${version}\n`)
    // Stands for GitHub's command-line tool.
    writeFileSync(join(folder('bin'), 'gh'), '#!/bin/sh\nexit 0\n')
    chmodSync(join(root, 'bin/gh'), 0o755)
    return { checkout, env: { GITHUB_REF_NAME: `source/${version}` } }
  }

  function release(version: string): readonly (number | null)[] {
    const { checkout: cwd, env } = publishSource(version)
    return finish({ cwd, env })
  }

  function finish({ cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }): readonly (number | null)[] {
    const packed = runStep('release.yml', 'build', 'Pack what git does not keep', { cwd, env })
    const dist = folder('runner/dist')
    execFileSync('cp', [join(root, 'runner/SHA256SUMS'), join(root, 'runner/dist.tar'), dist])
    git(cwd, 'checkout', '--quiet', '--detach')
    const statuses = [packed.status]
    // A step that fails ends the job.
    for (const name of ['Commit dist, beside main', 'Tag it, once', 'Move the tag of the major version, if this is its newest'])
      if (statuses.at(-1) === 0) statuses.push(runStep('release.yml', 'release', name, { cwd, env }).status)
    git(cwd, 'checkout', '--quiet', '--force', 'HEAD~1')
    return statuses
  }

  const tags = (): Readonly<Record<string, string>> => {
    const lines = git(join(root, 'origin.git'), 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/tags').split('\n')
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]))
  }

  it('compares the tag with the version of package.json', () => {
    const { checkout: cwd } = publishSource('v1.2.3')
    const compare = (tag: string) =>
      runStep('release.yml', 'build', 'Compare the tag with the version of package.json', { cwd, env: { GITHUB_REF_NAME: tag } }).status

    expect([compare('source/v1.2.3'), compare('source/v1.2.4')]).toEqual([0, 1])
  })

  it('puts dist on a commit of its own, whose parent is the source, and moves the major tag there', () => {
    expect(release('v1.2.3')).toEqual([0, 0, 0, 0])

    const origin = join(root, 'origin.git')
    expect(git(origin, 'show', 'v1.2.3:actions/validate/dist/main.mjs')).toBe('// v1.2.3')
    expect(git(origin, 'rev-parse', 'v1.2.3~1')).toBe(tags()['source/v1.2.3'])
    expect(git(origin, 'rev-parse', 'main')).toBe(tags()['source/v1.2.3'])
    expect(tags()['v1']).toBe(tags()['v1.2.3'])
  })

  it('makes the same commit in a second attempt, and is refused with another one', () => {
    release('v1.2.3')
    const before = tags()
    const checkout = join(root, 'checkout')

    expect([publishAgain('// v1.2.3\n'), tags()]).toEqual([[0, 0, 0, 0], before])
    expect([publishAgain('// not what was released\n'), tags()]).toEqual([[0, 0, 1], before])

    function publishAgain(dist: string): readonly (number | null)[] {
      mkdirSync(join(checkout, 'actions/validate/dist'), { recursive: true })
      writeFileSync(join(checkout, 'actions/validate/dist/main.mjs'), dist)
      return finish({ cwd: checkout, env: { GITHUB_REF_NAME: 'source/v1.2.3' } })
    }
  })

  it('leaves the major tag where it is when an older line is mended', () => {
    release('v1.2.3')
    release('v1.10.0')
    release('v1.2.4')

    expect(tags()['v1']).toBe(tags()['v1.10.0'])
    expect(Object.keys(tags())).toContain('v1.2.4')
  })
})
