import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { isRunOver, makeRunId } from '../../../../adapters/engine/run-id.ts'

describe('a run id', () => {
  it('is of this process, which is alive, and never the same', () => {
    expect(makeRunId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}-\d+-\d+-[0-9a-f]{6}$/)
    expect(makeRunId()).not.toBe(makeRunId())
    expect(isRunOver(makeRunId())).toBe(false)
  })

  it('tells that its process has ended', () => {
    const module = new URL('../../../../adapters/engine/run-id.ts', import.meta.url)
    const { stdout } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', `import { makeRunId } from '${module}'; process.stdout.write(makeRunId())`],
      { encoding: 'utf8' },
    )
    expect(stdout).toMatch(/^[0-9a-f]{8}-/)
    expect(isRunOver(stdout)).toBe(true)
  })

  it('tells a process id that was used again, and an earlier boot', () => {
    const [machine = '', boot = '', pid = '', start = '', random = ''] = makeRunId().split('-')
    expect(isRunOver([machine, boot, pid, Number(start) + 1, random].join('-'))).toBe(true)
    expect(isRunOver([machine, '00000000', pid, start, random].join('-'))).toBe(true)
  })

  it.each(['', 'true', 'run-1', '00000000-00000000-1-1-000000'])('knows nothing of another machine: %s', (id) => {
    expect(isRunOver(id)).toBe(false)
  })
})
