import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { basename } from 'node:path'
import type { TrialRequest } from '../../pipeline/ports/testbed.ts'
import type { Identity } from '../../pipeline/virtual/data-sharing.ts'
import { RUN_LABEL } from '../engine/run-id.ts'
import { BROKER_HOST } from './broker.ts'

/** Where pywaggle stages uploads on a node. */
export const UPLOADS_PATH = '/run/waggle/uploads'

const NODE_ID = '0000000000000001'
/** wes-data-sharing-service's own default: no real node has it. */
const VSN = 'W000'
const HOST = `${NODE_ID}.virtual-waggle`

/** How the node knows the plugin of a trial. `task` is the job's name for it, `plugin` the image as the ECR names it. */
export function identityOf({ plugin: { namespace, name, version } }: TrialRequest, appId: string): Identity {
  const plugin = `registry.sagecontinuum.org/${namespace}/${name}:${version}`
  return { appId, meta: { host: HOST, job: 'virtual-waggle', task: name, plugin, node: NODE_ID, vsn: VSN } }
}

export interface PluginContainerOptions {
  readonly trial: TrialRequest
  readonly appId: string
  readonly runId: string
  /** Container whose network it joins. */
  readonly companionId: string
  readonly cgroupParent: string | undefined
  /** Whether the CPU limit lies on the cgroup parent already. */
  readonly cpuIsLimited: boolean
  /** Path in the container → volume. */
  readonly volumes: Readonly<Record<string, string>>
  readonly dataConfigFile: string
  /** Whether `trial.inputs` is one file. */
  readonly inputsAreFile: boolean
}

/**
 * What the engine is asked for: a plugin's pod on a node (edge-scheduler, `resourcemanager.go`), as far as a container can be one.
 * User, time zone, capabilities and shared memory are the engine's defaults, which are the node's too.
 */
export function pluginContainer(options: PluginContainerOptions): ContainerCreateOptions {
  const { trial, appId, runId, companionId, cgroupParent, cpuIsLimited, volumes, dataConfigFile, inputsAreFile } = options
  const { limits, inputs } = trial
  return {
    Image: trial.image,
    ...(trial.args.length > 0 && { Cmd: [...trial.args] }),
    // The node's variables come last, so that a plugin's own cannot replace them.
    Env: Object.entries({ ...trial.env, ...nodeEnvironment(appId) }).map(([name, value]) => `${name}=${value}`),
    Labels: { [RUN_LABEL]: runId },
    // A node's Kubernetes does not look at an image's health check.
    Healthcheck: { Test: ['NONE'] },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      NetworkMode: `container:${companionId}`,
      Mounts: [
        ...Object.entries(volumes).map(([target, source]) => ({ Type: 'volume' as const, Source: source, Target: target })),
        { Type: 'bind', Source: dataConfigFile, Target: '/run/waggle/data-config.json', ReadOnly: true },
        ...(inputs === undefined
          ? []
          : [{ Type: 'bind' as const, Source: inputs, Target: inputsAreFile ? `/data/inputs/${basename(inputs)}` : '/data/inputs', ReadOnly: true }]),
      ],
      SecurityOpt: ['no-new-privileges'],
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      PidsLimit: limits.pids,
      ...(limits.cpus !== undefined && !cpuIsLimited && { NanoCpus: Math.round(limits.cpus * 1e9) }),
      ...(cgroupParent !== undefined && { CgroupParent: cgroupParent }),
      // We read the streams ourselves: the engine's log file would grow without limit.
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}

function nodeEnvironment(appId: string): Record<string, string> {
  return {
    PULSE_SERVER: 'tcp:wes-audio-server:4713',
    WAGGLE_PLUGIN_HOST: BROKER_HOST,
    WAGGLE_PLUGIN_PORT: '5672',
    WAGGLE_PLUGIN_USERNAME: 'plugin',
    WAGGLE_PLUGIN_PASSWORD: 'plugin',
    WAGGLE_GPS_SERVER: 'wes-gps-server.default.svc.cluster.local',
    WAGGLE_APP_ID: appId,
    WAGGLE_SCOREBOARD: 'wes-scoreboard.default.svc.cluster.local',
    ROS_IP: '127.0.0.1',
    ROS_MASTER_URI: 'http://wes-roscore.default.svc.cluster.local:11311',
    HOST,
  }
}

/** Paths that the image declares as volumes, and uploads: all that the plugin can write to beside its own layer. */
export async function writablePaths(docker: Docker, image: string): Promise<readonly string[]> {
  const { Config } = await docker.getImage(image).inspect()
  const declared: unknown = Config.Volumes
  const paths = typeof declared === 'object' && declared !== null ? Object.keys(declared) : []
  return [UPLOADS_PATH, ...paths.filter((path) => path.startsWith('/') && path !== UPLOADS_PATH && !path.startsWith('/data/inputs')).slice(0, 20)]
}
