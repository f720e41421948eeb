import { describe, expect, it } from 'vitest'
import { identityOf, pluginContainer, type PluginContainerOptions } from '../../../../adapters/virtual-waggle/plugin-container.ts'
import { makeTrialRequest } from '../../../support/plugins/trials.ts'

const trial = makeTrialRequest({ image: 'i', platform: 'linux/amd64' }, ['--fast'], { env: { A: '1', HOST: 'mine' } })
const OPTIONS: PluginContainerOptions = {
  trial,
  appId: 'app',
  runId: 'run',
  companionId: 'c',
  cgroupParent: '/ctss/run-1',
  cpuIsLimited: false,
  volumes: { '/run/waggle/uploads': 'v' },
  dataConfigFile: '/tmp/d.json',
  inputsAreFile: false,
}

describe('the container of a plugin', () => {
  it('has the limits, mounts and network of its trial', () => {
    expect(pluginContainer({ ...OPTIONS, trial: { ...trial, inputs: '/tmp/inputs', limits: { ...trial.limits, cpus: 1.5 } } })).toMatchObject({
      Image: 'i',
      Cmd: ['--fast'],
      Labels: { 'org.sagecontinuum.ctss': 'run' },
      HostConfig: {
        NetworkMode: 'container:c',
        Memory: 2 ** 28,
        MemorySwap: 2 ** 28,
        PidsLimit: 128,
        NanoCpus: 1_500_000_000,
        CgroupParent: '/ctss/run-1',
        SecurityOpt: ['no-new-privileges'],
        LogConfig: { Type: 'none' },
        Mounts: [
          { Type: 'volume', Source: 'v', Target: '/run/waggle/uploads' },
          { Type: 'bind', Source: '/tmp/d.json', Target: '/run/waggle/data-config.json', ReadOnly: true },
          { Type: 'bind', Source: '/tmp/inputs', Target: '/data/inputs', ReadOnly: true },
        ],
      },
    })
  })

  it('keeps its own variables from replacing those of the node', () => {
    const { Env = [] } = pluginContainer(OPTIONS)
    expect(Env).toContain('A=1')
    expect(Env.filter((variable) => variable.startsWith('HOST='))).toEqual(['HOST=0000000000000001.virtual-waggle'])
  })

  it('has the command of its image without arguments, and no CPU limit of its own under a parent that has one', () => {
    const container = pluginContainer({
      ...OPTIONS,
      cgroupParent: undefined,
      cpuIsLimited: true,
      inputsAreFile: true,
      trial: { ...trial, args: [], inputs: '/tmp/a.png', limits: { ...trial.limits, cpus: 1 } },
    })
    expect(container).not.toHaveProperty('Cmd')
    expect(container.HostConfig).not.toHaveProperty('NanoCpus')
    expect(container.HostConfig).not.toHaveProperty('CgroupParent')
    expect(container.HostConfig?.Mounts).toContainEqual({ Type: 'bind', Source: '/tmp/a.png', Target: '/data/inputs/a.png', ReadOnly: true })
  })

  it('is known to the node as the ECR names it', () => {
    expect(identityOf(trial, 'app')).toMatchObject({
      appId: 'app',
      meta: { task: 'plugins', plugin: 'registry.sagecontinuum.org/test/plugins:1.2.3', vsn: 'W000' },
    })
  })
})
