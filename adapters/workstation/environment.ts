import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** What setting up takes from the environment; nothing else in this folder reads it. */
export interface WorkstationEnvironment {
  /** `$XDG_CACHE_HOME/ctss`: all that can be made again. */
  readonly cacheFolder: string
  /** A value for DOCKER_HOST: the person's own, else the default socket. */
  readonly dockerHost: string
  /** Whether the person chose the engine by DOCKER_HOST: then none is started in its place. */
  readonly dockerHostChosen: boolean
  /** Where the docker client keeps its plug-ins. */
  readonly dockerConfigFolder: string
  /** Proxy variables in the spelling in which they were found; handed on to builds. */
  readonly proxies: Readonly<Record<string, string>>
  /** A file of extra certificate authorities in PEM (NODE_EXTRA_CA_CERTS). */
  readonly extraCertificates: string | undefined
  /** PATH, and folders that a login shell may lack. */
  readonly path: string
  /** The whole of it, for daemons that must find what a person would find. */
  readonly variables: Readonly<NodeJS.ProcessEnv>
  readonly isRoot: boolean
  /** The machine's own platform: `linux/amd64` or `linux/arm64`. */
  readonly nativePlatform: string
}

/** The socket on which an engine answers by default. */
export const DEFAULT_DOCKER_HOST = 'unix:///var/run/docker.sock'

const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
/** A login shell of another user than root may lack these, and Go's own installer puts it where no PATH leads. */
const MORE_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/go/bin']

/** Reads the environment once. Relative XDG folders are ignored, as the XDG specification asks. */
export function readWorkstationEnvironment(env: NodeJS.ProcessEnv = process.env): WorkstationEnvironment {
  const cacheHome = env['XDG_CACHE_HOME']
  const dockerHost = env['DOCKER_HOST'] === undefined || env['DOCKER_HOST'] === '' ? DEFAULT_DOCKER_HOST : env['DOCKER_HOST']
  const proxies = PROXY_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []))
  return {
    cacheFolder: join(cacheHome !== undefined && isAbsolute(cacheHome) ? cacheHome : join(homedir(), '.cache'), 'ctss'),
    dockerHost,
    dockerHostChosen: dockerHost !== DEFAULT_DOCKER_HOST,
    dockerConfigFolder: env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'),
    proxies: Object.fromEntries(proxies),
    extraCertificates: env['NODE_EXTRA_CA_CERTS'],
    path: [...(env['PATH'] ?? '').split(':'), ...MORE_PATHS].filter(Boolean).join(':'),
    variables: env,
    isRoot: process.getuid?.() === 0,
    nativePlatform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64',
  }
}
