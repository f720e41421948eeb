import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { jobDeadline, renderUserData } from '../../../../pipeline/fleet/render-user-data.ts'
import type { GpuOrder, MachineOrder } from '../../../../pipeline/fleet/render-user-data.ts'
import { readMachineFiles, sampleOrder } from '../../../support/machine-order.ts'

interface Document {
  readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[]
  readonly runcmd: readonly (readonly string[])[]
}

const FILES = readMachineFiles()
const NVIDIA = sampleOrder().gpu as Extract<GpuOrder, { kind: 'nvidia' }>

function read(order: MachineOrder, files = FILES): Document {
  const text = renderUserData(files, order)
  expect(text.startsWith('#cloud-config\n')).toBe(true)
  // The reader of YAML 1.1, as cloud-init's is; it sees the same as one of JSON.
  const document = parse(text, { version: '1.1' }) as Document
  expect(JSON.parse(text.slice('#cloud-config\n'.length))).toEqual(document)
  return document
}

function contents(order: MachineOrder): Readonly<Record<string, string>> {
  return Object.fromEntries(read(order).write_files.map(({ path, content }) => [path, content]))
}

describe('the user data of a machine', () => {
  it('puts scripts, units and rules where they belong, unchanged', () => {
    const written = new Map(read(sampleOrder()).write_files.map((file) => [file.path, file]))
    const script = FILES.find(({ name }) => name === 'machine')

    expect(written.get('/usr/local/lib/ctss/machine')).toEqual({ path: '/usr/local/lib/ctss/machine', permissions: '0755', content: script?.content })
    expect(written.get('/usr/local/lib/ctss/run-one-job')?.permissions).toBe('0755')
    expect(written.get('/etc/systemd/system/ctss-machine.service')?.permissions).toBe('0644')
    expect(written.get('/etc/ctss/egress.nft')?.permissions).toBe('0644')
    for (const { name, content } of FILES) expect([...written.values()].find(({ path }) => path.endsWith(`/${name}`))?.content).toBe(content)
  })

  it('keeps what is secret in memory, for root alone', () => {
    const { jitConfig } = sampleOrder()
    const holders = read(sampleOrder()).write_files.filter(({ content }) => content.includes(jitConfig) || content.includes('one-time_token.1'))

    expect(holders.map(({ path, permissions }) => [path, permissions])).toEqual([
      ['/run/ctss/values/jit', '0600'],
      ['/run/ctss/values/log-token', '0600'],
    ])
  })

  it('tells what the machine needs, a file for each value', () => {
    expect(contents(sampleOrder())).toMatchObject({
      '/run/ctss/values/gpu': 'nvidia',
      '/run/ctss/values/gpus': '2',
      '/run/ctss/values/disk-gib': '40',
      '/run/ctss/values/clock-address': 'https://api.github.com/',
      '/run/ctss/values/runner-sha256': 'a'.repeat(64),
      '/run/ctss/values/gpu-image': NVIDIA.image,
      '/run/ctss/values/toolkit': NVIDIA.toolkit.map(({ address, sha256 }) => `${sha256} ${address}\n`).join(''),
      '/run/ctss/values/log-address': 'https://ctss.example/api/v1/machines/m-1/logs',
      '/etc/ctss/egress-ports.nft': 'define ctss_ports = { 80, 443, 7480 }\n',
    })
  })

  it.each([
    [{ kind: 'none' }, 'none', '0'],
    [{ kind: 'amd', count: 1 }, 'amd', '1'],
  ] satisfies [GpuOrder, string, string][])('needs no toolkit for %o', (gpu, kind, count) => {
    const values = contents(sampleOrder({ gpu }))

    expect(values).toMatchObject({ '/run/ctss/values/gpu': kind, '/run/ctss/values/gpus': count })
    expect(values).not.toHaveProperty('/run/ctss/values/toolkit')
    expect(values).not.toHaveProperty('/run/ctss/values/gpu-image')
  })

  it('sends no logs where no address is given', () => {
    expect(Object.keys(contents(sampleOrder({ logs: undefined }))).filter((path) => path.includes('log-'))).toEqual([])
  })

  it('ends before the lease: training ten minutes, the machine four', () => {
    const order = sampleOrder({ leaseEnd: new Date('2026-12-31T23:58:30.900Z') })

    expect(jobDeadline(order).toISOString()).toBe('2026-12-31T23:48:30.900Z')
    expect(contents(order)).toMatchObject({
      '/etc/ctss/job.env': 'CTSS_DEADLINE=2026-12-31T23:48:30Z\n',
      '/etc/systemd/system/ctss-power-off.timer.d/time.conf': '[Timer]\nOnCalendar=2026-12-31 23:54:30 UTC\n',
    })
  })

  it('starts the clock of its end before anything else', () => {
    expect(read(sampleOrder()).runcmd).toEqual([
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'enable', '--now', 'ctss-power-off.timer'],
      ['systemctl', 'start', '--no-block', 'ctss-machine.service'],
    ])
  })

  it('is short enough for Nova, with everything in it', () => {
    const { length } = renderUserData(FILES, sampleOrder())

    expect(length).toBeLessThanOrEqual(48_000)
    expect(Buffer.from(renderUserData(FILES, sampleOrder())).toString('base64').length).toBeLessThanOrEqual(65_535)
  })

  it('is refused when it is too long', () => {
    const jitConfig = 'a'.repeat(40_000)
    expect(() => renderUserData(FILES, sampleOrder({ jitConfig }))).toThrow(/the user data has \d{5} bytes; 48000 is the limit/)
  })

  it('says nothing that a shell reads: commands are the same whatever the order', () => {
    const hostile = sampleOrder({
      clockAddress: 'https://x/$(reboot);`id`|&<>\'"\\{}',
      logs: { address: 'https://x/"}],"runcmd":[["reboot"]]', token: '"\'$(id)\\n' },
    })
    expect(read(hostile).runcmd).toEqual(read(sampleOrder()).runcmd)
    expect(read(hostile).write_files.map(({ path }) => path)).toEqual(read(sampleOrder()).write_files.map(({ path }) => path))
    expect(contents(hostile)).toMatchObject({
      '/run/ctss/values/clock-address': hostile.clockAddress,
      '/run/ctss/values/log-address': hostile.logs?.address,
      '/run/ctss/values/log-token': hostile.logs?.token,
    })
  })

  const hostile = ['', ' ', '\n', 'x\n- [reboot]', 'x\r\ny', '\0', '\u0085', '\u2028', 'é', '😀', '\ud800', 'x y', '"\n}', '../..', '#cloud-config']
  it.each(
    hostile.flatMap((value): [string, Partial<MachineOrder>][] => [
      ['jitConfig', { jitConfig: value }],
      ['runner.address', { runner: { address: `https://x/${value || '\n'}`.replace(/[.#]/g, ' '), sha256: 'a'.repeat(64) } }],
      ['runner.sha256', { runner: { address: 'https://x/y', sha256: value } }],
      ['clockAddress', { clockAddress: value }],
      ['logs.address', { logs: { address: value, token: 'x' } }],
      ['logs.token', { logs: { address: 'https://x/y', token: value.replace(/[.#]/g, ' ') } }],
      ['gpu.image', { gpu: { ...NVIDIA, image: value } }],
      ['gpu.toolkit', { gpu: { ...NVIDIA, toolkit: [{ address: value, sha256: 'b'.repeat(64) }] } }],
    ]),
  )('refuses a value that is not what it says: %s %j', (_, changes) => {
    expect(() => renderUserData(FILES, sampleOrder(changes))).toThrow(/is not of the form that it must have/)
  })

  it('does not repeat a secret that it refuses', () => {
    expect(() => renderUserData(FILES, sampleOrder({ jitConfig: 'se cret' }))).toThrow(/^(?!.*se cret)/)
  })

  it.each([
    [{ diskGib: 0 }, /the disk that is needed is 0/],
    [{ diskGib: 1.5 }, /the disk that is needed is 1.5/],
    [{ egressPorts: [80, 65_536] }, /a port is 65536/],
    [{ egressPorts: [Number.NaN] }, /a port is NaN/],
    [{ egressPorts: [] }, /cannot reach GitHub/],
    [{ gpu: { kind: 'amd', count: 65 } }, /the number of GPUs is 65/],
    [{ leaseEnd: new Date('whenever') }, /Invalid time value/],
  ] satisfies [Partial<MachineOrder>, RegExp][])('refuses %j', (changes, message) => {
    expect(() => renderUserData(FILES, sampleOrder(changes))).toThrow(message)
  })

  it.each(['../../etc/passwd', 'UPPER', 'a.sh', '', 'a/b', 'a\n.service'])('has no place for a file called %j', (name) => {
    expect(() => renderUserData([{ name, content: '' }], sampleOrder())).toThrow(/has no place on a machine/)
  })

  it('refuses a script of more than ASCII, which parsers of YAML read differently', () => {
    expect(() => renderUserData([{ name: 'script', content: 'echo “x”' }], sampleOrder())).toThrow(
      '/usr/local/lib/ctss/script has other characters than those of ASCII',
    )
  })
})
