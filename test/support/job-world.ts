import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { ActionDefinition, InputValues } from '../../actions/definition.ts'
import { readActionsEnvironment } from '../../actions/environment.ts'
import { jobLog } from '../../actions/job-log.ts'
import { readInputs } from '../../actions/read-inputs.ts'
import type { ActionCall } from '../../actions/run-action.ts'
import { makeRepository } from './layout.ts'
import type { MemoryFile } from './memory-tree.ts'

/** A job of GitHub Actions on this machine: a checked-out plugin, the runner's folders, and a registry that has nothing. */
export interface JobWorld extends AsyncDisposable {
  /** The checked-out repository. */
  readonly workspace: string
  /** What the steps of the job share. */
  readonly temporary: string
  /** Host and namespace of the registry. */
  readonly registry: string
  /** What the runner hands to an action. */
  call<Definition extends ActionDefinition>(
    definition: Definition,
    texts?: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ): ActionCall<Definition>
  /** The log so far, of all steps. */
  log(): string
  summary(): Promise<string>
}

/** Lays a plugin out as a Git repository; `event`: the payload of the run's event. */
export async function makeJobWorld(files: Readonly<Record<string, MemoryFile>>, event: unknown = {}): Promise<JobWorld> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'ctss-test-')))
  const [workspace, temporary] = [join(parent, 'work'), join(parent, 'temp')]
  await Promise.all([workspace, temporary].map(async (folder) => mkdir(folder)))
  makeRepository(workspace, files)
  await writeFile(join(parent, 'event.json'), JSON.stringify(event))
  const server = await startEmptyRegistry()
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}/sage`
  const stream = new PassThrough()
  let logged = ''
  stream.on('data', (data: Buffer) => (logged += data.toString()))
  return {
    workspace,
    temporary,
    registry,
    call(definition, texts = {}, env = {}) {
      const environment = readActionsEnvironment({
        GITHUB_WORKSPACE: workspace,
        RUNNER_TEMP: temporary,
        GITHUB_REPOSITORY: 'zelda/clouds',
        GITHUB_EVENT_NAME: 'push',
        GITHUB_EVENT_PATH: join(parent, 'event.json'),
        GITHUB_REF: 'refs/heads/main',
        GITHUB_RUN_ID: '42',
        GITHUB_ACTOR: 'zelda',
        GITHUB_STEP_SUMMARY: join(parent, 'summary.md'),
        DOCKER_CONFIG: join(parent, 'docker'),
        ...env,
      })
      const known = 'registry' in definition.inputs ? { registry } : {}
      const inputs = readInputs(definition.inputs, new Map(Object.entries({ ...known, ...texts }))) as InputValues<(typeof definition)['inputs']>
      return { inputs, environment, log: jobLog(stream), signal: new AbortController().signal }
    },
    log: () => logged,
    summary: async () => readFile(join(parent, 'summary.md'), 'utf8').catch(() => ''),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(parent, { recursive: true, force: true })
    },
  }
}

/** The OCI distribution specification's answer to everything that is not there. */
async function startEmptyRegistry(): Promise<Server> {
  const server = createServer(({ url }, response) => {
    if (url === '/v2/') response.end('{}')
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
