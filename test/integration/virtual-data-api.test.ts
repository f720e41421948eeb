import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../adapters/process/run.ts'
import { serveDataApi } from '../../adapters/virtual-waggle/data-api.ts'
import { openVirtualWaggle } from '../../adapters/virtual-waggle/virtual-waggle.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { makeTrialRequest, NEVER, preparePlugins, QUIET } from '../support/plugins/trials.ts'

const SCRIPT = `
import json, sys
import sage_data_client
endpoint = sys.argv[1]
everything = sage_data_client.query(start="2000-01-01T00:00:00Z", endpoint=endpoint)
tests = sage_data_client.query(start="-1h", filter={"name": "env.test", "sensor": "bme680"}, endpoint=endpoint)
last = sage_data_client.query(start="-1h", tail=1, filter={"name": "env.tes*t"}, endpoint=endpoint)
old = sage_data_client.query(start="2023-11-14T22:13:20Z", end="2023-11-14T22:13:21Z", endpoint=endpoint)
none = sage_data_client.query(start="-1h", filter={"vsn": "W123"}, endpoint=endpoint)
print(json.dumps({
    "names": sorted(set(everything.name)), "columns": sorted(everything.columns), "values": list(tests.value), "plugins": sorted(set(everything["meta.plugin"])),
    "last": list(last.value), "old": sorted(str(t.value) for t in old.timestamp), "none": len(none)}))
`

describe('sage_data_client against a Virtual Waggle', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-data-client-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads what a trial published', async (context) => {
    const plugins = await preparePlugins()
    if (typeof plugins === 'string') return context.skip(plugins)
    const python = await installClient(folder)
    if (python === undefined) return context.skip('sage_data_client cannot be installed here: no Python with venv, or no package index')
    const blobs = memoryBlobs()
    await using session = await openVirtualWaggle({ docker: plugins.docker, blobs }).open(QUIET, NEVER)
    const observation = await session.run(makeTrialRequest(plugins, ['good']), QUIET, NEVER)
    await using api = await serveDataApi(String(await blobs.get(observation.beehive.digest)))
    const { stdout, stderr } = await run({ command: python, args: ['-c', SCRIPT, api.endpoint] }, { timeoutMs: 60_000 })
    expect(stderr).not.toContain('Error')
    expect(JSON.parse(stdout)).toEqual({
      names: ['env.flag', 'env.infinity', 'env.int', 'env.nan', 'env.test', 'env.text', 'plugin.duration.inference', 'upload'],
      columns: [
        'meta.camera',
        'meta.filename',
        'meta.host',
        'meta.job',
        'meta.node',
        'meta.plugin',
        'meta.sensor',
        'meta.task',
        'meta.vsn',
        'name',
        'timestamp',
        'value',
      ],
      values: [1.5, 2.5, 3.5],
      plugins: ['registry.sagecontinuum.org/test/plugins:1.2.3'],
      last: [3.5],
      old: ['1700000000000000001', '1700000000500000000'],
      none: 0,
    })
  })
})

/** A Python that has the client, in an environment of its own. */
async function installClient(folder: string): Promise<string | undefined> {
  const made = await run({ command: 'python3', args: ['-m', 'venv', folder] }, { timeoutMs: 60_000 }).catch(() => undefined)
  if (made?.exitCode !== 0) return undefined
  const installed = await run(
    { command: join(folder, 'bin/pip'), args: ['install', '--quiet', '--disable-pip-version-check', 'sage_data_client'] },
    { timeoutMs: 240_000 },
  ).catch(() => undefined)
  return installed?.exitCode === 0 ? join(folder, 'bin/python') : undefined
}
