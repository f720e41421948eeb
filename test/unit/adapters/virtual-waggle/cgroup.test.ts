import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRunId } from '../../../../adapters/engine/run-id.ts'
import { makeCgroupParent, sweepCgroups, type CgroupSetting } from '../../../../adapters/virtual-waggle/cgroup.ts'

describe('a cgroup around a container', () => {
  let root = ''
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ctss-cgroup-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const setting = (version: 1 | 2, driver: CgroupSetting['driver'] = 'cgroupfs'): CgroupSetting => ({ version, driver, root })

  /** What the kernel would write. */
  async function write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    }
  }

  async function makeHierarchies(): Promise<void> {
    for (const controller of ['memory', 'cpuacct', 'cpu', 'blkio', 'pids']) await mkdir(join(root, controller))
  }

  it('has the counters of version 1', async () => {
    await makeHierarchies()
    const parent = (await makeCgroupParent(setting(1), 'run-1', undefined)) ?? expect.unreachable()
    expect([parent.name, parent.limitsCpu]).toEqual(['/ctss/run-1', false])
    await write({
      'cpuacct/ctss/run-1/cpuacct.usage': '1500000000\n',
      'memory/ctss/run-1/memory.max_usage_in_bytes': '18505728\n',
      'cpu/ctss/run-1/cpu.stat': 'nr_periods 10\nnr_throttled 5\nthrottled_time 250000000\n',
      'blkio/ctss/run-1/blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 8192\n8:16 Read 1\n8:16 Write 2\nTotal 12291\n',
    })
    expect(await parent.read()).toEqual({
      cpuSeconds: 1.5,
      memoryPeakBytes: 18_505_728,
      throttledSeconds: 0.25,
      oomKills: undefined,
      diskReadBytes: 4097,
      diskWrittenBytes: 8194,
    })
  })

  it('has the counters of version 2', async () => {
    const parent = (await makeCgroupParent(setting(2), 'run-1', undefined)) ?? expect.unreachable()
    await write({
      'ctss/run-1/cpu.stat': 'usage_usec 2500000\nuser_usec 1\nsystem_usec 2\nnr_periods 0\nnr_throttled 0\nthrottled_usec 1000\n',
      'ctss/run-1/memory.peak': '1048576\n',
      'ctss/run-1/memory.events': 'low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n',
      'ctss/run-1/io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1\n',
    })
    expect(await parent.read()).toEqual({
      cpuSeconds: 2.5,
      memoryPeakBytes: 1_048_576,
      throttledSeconds: 0.001,
      oomKills: 1,
      diskReadBytes: 11,
      diskWrittenBytes: 22,
    })
    expect(await readFile(join(root, 'ctss/cgroup.subtree_control'), 'utf8')).toBe('+pids')
  })

  it('leaves out what a kernel does not count', async () => {
    const parent = (await makeCgroupParent(setting(2), 'run-1', undefined)) ?? expect.unreachable()
    await write({ 'ctss/run-1/cpu.stat': 'usage_usec 5\n', 'ctss/run-1/memory.peak': 'max\n' })
    expect(await parent.read()).toEqual({
      cpuSeconds: 0.000_005,
      memoryPeakBytes: undefined,
      throttledSeconds: undefined,
      oomKills: undefined,
      diskReadBytes: undefined,
      diskWrittenBytes: undefined,
    })
  })

  it('bears the CPU limit, so that throttling is counted there', async () => {
    await makeHierarchies()
    expect((await makeCgroupParent(setting(1), 'run-1', 1.5))?.limitsCpu).toBe(true)
    expect([
      await readFile(join(root, 'cpu/ctss/run-1/cpu.cfs_period_us'), 'utf8'),
      await readFile(join(root, 'cpu/ctss/run-1/cpu.cfs_quota_us'), 'utf8'),
    ]).toEqual(['100000', '150000'])
    await makeCgroupParent(setting(2), 'run-2', 0.5)
    expect(await readFile(join(root, 'ctss/run-2/cpu.max'), 'utf8')).toBe('50000 100000')
  })

  it('is removed from every hierarchy, with what the engine left in it', async () => {
    await makeHierarchies()
    const parent = await makeCgroupParent(setting(1), 'run-1', undefined)
    await mkdir(join(root, 'pids/ctss/run-1/container'), { recursive: true })
    await parent?.remove()
    for (const controller of ['memory', 'cpu', 'pids']) expect(await readdir(join(root, controller, 'ctss'))).toEqual([])
  })

  it('is done without where the hierarchies are not there', async () => {
    expect(await makeCgroupParent(setting(1), 'run-1', undefined)).toBeUndefined()
  })

  it('is a slice under systemd, for root', async () => {
    const parent = await makeCgroupParent(setting(2, 'systemd'), 'run-1', 2)
    if (process.getuid?.() !== 0) return expect(parent).toBeUndefined()
    expect([parent?.name, parent?.limitsCpu]).toEqual(['ctss_run_1.slice', false])
    await write({ 'ctss_run_1.slice/memory.peak': '7' })
    expect((await parent?.read())?.memoryPeakBytes).toBe(7)
    await parent?.remove()
  })

  it('is swept when its process is gone', async () => {
    const living = `${makeRunId()}-1`
    const over = living.replace(/-\d+-\d+-/, '-999999999-1-')
    await makeHierarchies()
    for (const name of [living, over, 'somebody-elses']) await makeCgroupParent(setting(1), name, undefined)
    await sweepCgroups(setting(1))
    expect(await readdir(join(root, 'memory/ctss'))).toEqual([living, 'somebody-elses'].toSorted())
    await makeCgroupParent(setting(2), over, undefined)
    await sweepCgroups(setting(2))
    expect(await readdir(join(root, 'ctss'))).not.toContain(over)
  })
})
