import { describe, expect, it } from 'vitest'
import { draftPlugin } from '../../../../pipeline/service/draft-plugin.ts'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const REPOSITORY = { owner: 'sky-lab', name: 'Cloud_Counter.2', url: 'https://github.com/sky-lab/Cloud_Counter.2' }

describe('the draft of a plugin', () => {
  it.each([
    ['an empty repository', {}],
    ['a repository with a Dockerfile', { Dockerfile: 'FROM python:3.12-slim\nCOPY app.py /\nENTRYPOINT ["python3", "/app.py"]\n', 'app.py': 'print(1)\n' }],
    [
      'a repository with its Dockerfile elsewhere',
      { 'docker/Dockerfile': 'FROM python:3.12-slim\nCOPY app.py /\nENTRYPOINT ["python3", "/app.py"]\n', 'app.py': 'print(1)\n' },
    ],
  ])('passes validation in %s', async (_, files: Record<string, string>) => {
    const drafted = draftPlugin(
      REPOSITORY,
      Object.keys(files).map((path) => ({ path })),
    )
    const { pipeline, problems } = await readPipeline(
      memoryTree({ ...files, ...Object.fromEntries(drafted.map(({ path, text }) => [path, text])) }, { repository: REPOSITORY.url, branch: 'main' }),
    )
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(pipeline?.manifest.name).toBe('cloud-counter-2')
  })

  it('touches no file that is there', () => {
    const drafted = draftPlugin(REPOSITORY, [{ path: 'ctss.yaml' }, { path: 'Dockerfile' }, { path: 'main.py' }])
    expect(drafted.map(({ path }) => path)).toEqual(['sage.yaml'])
  })

  it('builds with the Dockerfile that lies highest', () => {
    const drafted = draftPlugin(
      REPOSITORY,
      ['b/c/Dockerfile', 'b/Dockerfile', 'a/Dockerfile', 'x/NotADockerfile'].map((path) => ({ path })),
    )
    expect(drafted.find(({ path }) => path === 'sage.yaml')?.text).toContain('dockerfile: "a/Dockerfile"')
  })

  it.each([
    ['cloud-counter', 'cloud-counter'],
    ['__', 'my-plugin'],
    ['x', 'my-plugin'],
    ['A'.repeat(70), 'a'.repeat(64)],
    ['waggle.sensor--', 'waggle-sensor'],
  ])('calls the plugin of the repository %s %s', (name, plugin) => {
    expect(draftPlugin({ ...REPOSITORY, name }, [])[0]?.text).toContain(`\nname: ${plugin}\n`)
  })
})
