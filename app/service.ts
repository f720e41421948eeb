import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import packageJson from '../package.json' with { type: 'json' }
import { folderBlobs } from '../adapters/blob-store/folder-blobs.ts'
import { registryCatalogue } from '../adapters/catalogue/registry-catalogue.ts'
import { specifyCharts } from '../adapters/charts/chart-specs.ts'
import { apiBudget } from '../adapters/github/api-budget.ts'
import { githubApp, type GithubAppOptions } from '../adapters/github/github-app.ts'
import { openIsolatedJudge } from '../adapters/judge-process/isolated-judge.ts'
import { machineClock } from '../adapters/machine/clock.ts'
import { sweepWorkFolders } from '../adapters/machine/work-folders.ts'
import { baseLookup } from '../adapters/registry/base-lookup.ts'
import { OciRegistry } from '../adapters/registry/oci-registry.ts'
import { openServiceStore, type ServiceStore } from '../adapters/service-state/open-service-store.ts'
import type { BlobStore } from '../pipeline/ports/blob-store.ts'
import type { ChartRenderer } from '../pipeline/ports/charts.ts'
import { allowedBases } from './allowed-bases.ts'
import { batchPuts } from './batch-puts.ts'
import { inboxRoutes } from './api/inbox-routes.ts'
import { openIdentities } from './api/job-identity.ts'
import { jobRoutes } from './api/routes.ts'
import { chartThread } from './chart-thread.ts'
import type { AppEnvironment, RegisteredApp, S3Place } from './environment.ts'
import { controlFinder } from './find-control.ts'
import { refAdvancer, type AdvanceRef } from './github/advance-ref.ts'
import { commitJudge } from './github/judge-commit.ts'
import { SETTLE_MS, type AppServices } from './github/services.ts'
import { keepDelivery } from './keep-delivery.ts'
import { openLinks } from './links.ts'
import { withLogContext, type Logger } from './log.ts'
import { readAppManifest, WEBHOOK_PATH } from './manifest.ts'
import { openMetrics, type Metrics } from './metrics.ts'
import { serviceRoutes } from './routes.ts'
import { startServer, type RunningServer } from './server.ts'
import { runSweeps, type SweepTimes } from './sweeps/run-sweeps.ts'
import { openProbot, webhook } from './webhook.ts'
import { assetRoutes, pageRoutes } from './web/pages.ts'
import { openRunCharts } from './web/run-charts.ts'
import { setupRoutes } from './web/setup.ts'
import { watchRuns } from './web/watch-runs.ts'

/** A service that runs. */
export interface RunningService {
  readonly port: number
  /** Takes no more deliveries, finishes what is under way, and closes everything. True: all of it ended in time; what did not is done again by whoever starts next. */
  stop(): Promise<boolean>
}

/** What tests replace. */
export interface ServiceOptions {
  readonly log: Logger
  readonly store?: ServiceStore
  readonly forge?: Pick<GithubAppOptions, 'writeGapMs' | 'timeoutMs' | 'pause'>
  readonly settleMs?: number
  readonly sweepEveryMs?: SweepTimes
  /** Handles a ref, instead of the real worker. */
  readonly advance?: AdvanceRef
}

/** Between SIGTERM and SIGKILL there are 30 s in Kubernetes; Docker gives 10 unless it is told. */
const DRAIN_MS = 25_000
const READY_MS = 2000
/** As long as a reader waits for what only GitHub can say. */
const PAGE_MS = 3000

/** Starts the service: all of it, or the set-up alone while the app is not registered. Fails as the database and the port do; then nothing of it is left. */
export async function startService(environment: AppEnvironment, options: ServiceOptions): Promise<RunningService> {
  return environment.app === undefined ? startSetup(environment, options) : startWhole(environment, environment.app, options)
}

async function startSetup(environment: AppEnvironment, { log }: ServiceOptions): Promise<RunningService> {
  const home = new Hono().get('/', (context) => context.redirect('/setup'))
  const routes = serviceRoutes({
    log,
    githubUrl: environment.github.web,
    metrics: undefined,
    operatorToken: environment.operatorToken,
    isReady: async () => true,
    mounts: [
      ['/setup', setupRoutes({ environment, log, now: Date.now })],
      ['/', assetRoutes()],
      ['/', home],
    ],
  })
  const server = await startServer(routes, environment)
  log.info({ port: server.port }, 'the app is not registered yet: open /setup')
  return { port: server.port, stop: async () => endsInTime(server.close(), DRAIN_MS, () => server.cut()) }
}

async function startWhole(environment: AppEnvironment, app: RegisteredApp, options: ServiceOptions): Promise<RunningService> {
  const { log } = options
  const store = options.store ?? (await openStore(environment, log))
  const draining = new AbortController()
  const isolated = openIsolatedJudge()
  const renderer = chartThread()
  const endHelpers = async (): Promise<unknown> => Promise.all([isolated[Symbol.asyncDispose](), renderer[Symbol.asyncDispose]()])
  const parts = { ...options, store, isolated, renderer, draining: draining.signal }
  const { services, metrics, server } = await listen(environment, app, parts).catch(async (error: unknown) => {
    await endHelpers()
    await store.close().catch((failed: unknown) => log.error({ err: failed }, 'the database could not be closed'))
    throw error
  })
  const advance = options.advance ?? refAdvancer(services)
  const work = store.inbox.work(async (address, signal) => handle(address, signal, { advance, metrics, log }), {
    parallel: app.parallelRefs,
    signal: draining.signal,
  })
  const sweeps = runSweeps(services, { signal: draining.signal, random: Math.random, everyMs: options.sweepEveryMs })
  log.info({ port: server.port, version: packageJson.version }, 'the service is ready')
  services.forge.self().then(
    ({ slug }) => log.info({ app: slug }, 'GitHub knows the app'),
    (error: unknown) => log.error({ err: error }, 'GitHub cannot be reached, or does not know the app: look at APP_ID, PRIVATE_KEY and GITHUB_URL'),
  )
  return {
    port: server.port,
    async stop() {
      log.info('the service is being stopped')
      draining.abort()
      // The door stays open until then: who delivers meanwhile is told to come again.
      const ending = Promise.all([work, sweeps]).then(async () => server.close())
      const isWhole = await endsInTime(ending, DRAIN_MS, () => server.cut())
      await endHelpers()
      if (isWhole) await store.close()
      log.info({ isWhole }, 'the service was stopped')
      return isWhole
    },
  }
}

async function listen(
  environment: AppEnvironment,
  app: RegisteredApp,
  parts: Parts,
): Promise<{ readonly services: AppServices; readonly metrics: Metrics; readonly server: RunningServer }> {
  const { routes, ...assembled } = await assemble(environment, app, parts)
  return { ...assembled, server: await startServer(routes, environment) }
}

async function openStore({ databaseUrl, stateFolder }: AppEnvironment, log: Logger): Promise<ServiceStore> {
  const place = databaseUrl === undefined ? { folder: join(stateFolder, 'database') } : { url: databaseUrl }
  return openServiceStore({ place, onError: (error) => log.error({ err: error }, 'the database') })
}

interface Parts extends ServiceOptions {
  readonly store: ServiceStore
  readonly isolated: ReturnType<typeof openIsolatedJudge>
  readonly renderer: ChartRenderer
  readonly draining: AbortSignal
}

async function assemble(
  environment: AppEnvironment,
  app: RegisteredApp,
  parts: Parts,
): Promise<{ readonly services: AppServices; readonly metrics: Metrics; readonly routes: Hono }> {
  const { publicUrl, stateFolder, github, operatorToken } = environment
  const { log, draining, renderer } = parts
  const { state, inbox } = parts.store
  const [clock, now] = [machineClock, Date.now]
  const workParent = join(stateFolder, 'work')
  await sweepWorkFolders(workParent)
  const links = openLinks({ publicUrl, linkSecret: app.linkSecret })
  const budget = apiBudget()
  const { owner, name, workflow, ref } = app.control
  const forge = githubApp({
    appId: app.appId,
    privateKeys: app.privateKeys,
    baseUrl: github.api,
    webUrl: github.web,
    control: { owner, repository: name, workflow, ref },
    budget,
    ...parts.forge,
  })
  const registry = openRegistry(app)
  const blobs = await openBlobs(app.s3, stateFolder)
  const catalogue = registryCatalogue({ registry, repositoryOf: (plugin) => `${app.registry}/${plugin}`.toLowerCase() })
  const bases = allowedBases(
    [...app.baseRegistries, hostOf(app.registry)],
    () => baseLookup({ registry, findStandInHost: async () => undefined, memoryFile: join(stateFolder, 'bases.json') }),
    now,
  )
  const services: AppServices = {
    forge,
    state,
    inbox,
    judge: commitJudge({
      isolated: parts.isolated,
      state,
      planning: { registry, registryRoot: app.registry, lookUpBase: bases, catalogue },
      runners: app.runners,
      users: app.sageUsers,
      clock,
      toolVersion: packageJson.version,
      onBug: (error) => log.error({ err: error }, 'judging a commit went wrong'),
    }),
    blobs,
    images: { registry, namespace: app.registry },
    catalogue,
    releaseBefore: catalogue.releaseBefore,
    charts: { list: specifyCharts, renderer, address: links.chart },
    clock,
    log,
    policy: app.policy,
    githubUrl: github.web,
    publicUrl,
    runUrl: links.run,
    dispatchInputs: dispatchInputs(app),
    permissions: readAppManifest().permissions,
    toolVersion: packageJson.version,
    settleMs: parts.settleMs ?? SETTLE_MS,
    pause: async (ms, signal) => sleep(ms, undefined, { signal }),
  }
  const metrics = openMetrics({ inbox, state, uses: budget.uses, now })
  const put = batchPuts(inbox)
  const keep = async (event: Parameters<typeof keepDelivery>[0]): Promise<void> => keepDelivery(event, { state, inbox, put, clock, log, appId: app.appId })
  const probot = await openProbot(
    { appId: app.appId, privateKey: app.privateKeys[0] ?? '', secret: app.webhookSecrets[0] ?? '', baseUrl: github.api, log },
    keep,
  )
  const answerDelivery = webhook({ secrets: app.webhookSecrets, receive: probot, isDraining: () => draining.aborted, count: metrics.countDelivery, log })
  const identify = openIdentities({
    issuer: github.issuer,
    audience: publicUrl,
    controlRepository: controlFinder(forge, app.control),
    dispatchWorkflows: app.dispatchWorkflows,
  })
  const forPage = (): AbortSignal => AbortSignal.any([draining, AbortSignal.timeout(PAGE_MS)])
  const runs = watchRuns({
    state,
    workflowRun: async (id) => forge.openControl(forPage()).run(id),
    async isPrivate(id) {
      const repository = await state.repository(id)
      if (repository?.installation === undefined) return undefined
      return (await forge.open({ ...repository, installation: repository.installation }, forPage()).facts())?.isPrivate
    },
    githubUrl: github.web,
    now,
    log,
  })
  const routes = serviceRoutes({
    log,
    githubUrl: github.web,
    metrics,
    operatorToken,
    isReady: async () => !draining.aborted && (await answersInTime(inbox.counts())),
    mounts: [
      [WEBHOOK_PATH, new Hono().post('/', async ({ req }) => answerDelivery(req.raw))],
      ['/api/v1', inboxRoutes(inbox, operatorToken)],
      ['/api/v1', jobRoutes({ state, inbox, blobs, registry, namespace: app.registry, clock, forge, identify, links, publicUrl, workParent, log })],
      [
        '/',
        pageRoutes({
          runs,
          charts: openRunCharts({ state, catalogue, renderer, now }),
          links,
          installUrl: async () => findInstallUrl(services, github.web),
          now,
          log,
          signal: draining,
        }),
      ],
    ],
  })
  return { services, metrics, routes }
}

function openRegistry({ registry, registryLogin }: RegisteredApp): OciRegistry {
  return new OciRegistry({ credentials: async (host) => (host === hostOf(registry) ? registryLogin : undefined) })
}

function hostOf(registry: string): string {
  return registry.split('/')[0] ?? ''
}

async function openBlobs(s3: S3Place | undefined, stateFolder: string): Promise<BlobStore> {
  if (s3 === undefined) return folderBlobs(join(stateFolder, 'blobs'))
  // Large, and needed by few.
  const { openS3Blobs } = await import('../adapters/blob-store/s3-blobs.ts')
  const { bucket, prefix, endpoint, region, accessKeyId, secretAccessKey } = s3
  return openS3Blobs({ s3: { region, credentials: { accessKeyId, secretAccessKey }, ...(endpoint !== undefined && { endpoint }) }, bucket, prefix })
}

/** Where the images go, and which machines do the work: the runner of the joining jobs is that of linux/amd64. */
function dispatchInputs({ registry, runners, runnersText }: RegisteredApp): Readonly<Record<string, string>> {
  return { registry, runner: JSON.stringify(runners['linux/amd64'] ?? 'ubuntu-24.04'), ...(runnersText !== '' && { runners: runnersText }) }
}

async function findInstallUrl({ forge }: AppServices, githubUrl: string): Promise<string | undefined> {
  const self = await Promise.race([forge.self().catch(() => undefined), sleep(PAGE_MS, undefined, { ref: false })])
  return self && `${githubUrl}/${githubUrl === 'https://github.com' ? 'apps' : 'github-apps'}/${self.slug}/installations/new`
}

async function handle(
  address: Parameters<AdvanceRef>[0],
  signal: AbortSignal,
  { advance, metrics, log }: { advance: AdvanceRef; metrics: Metrics; log: Logger },
): Promise<void> {
  await withLogContext({ repository: address.repository, ref: address.ref }, async () => {
    const started = performance.now()
    try {
      await advance(address, signal)
      metrics.observeRef((performance.now() - started) / 1000, 'done')
    } catch (error) {
      metrics.observeRef((performance.now() - started) / 1000, 'failed')
      log.error({ err: error }, 'a ref could not be brought to what it should be; it comes again')
      throw error
    }
  })
}

async function answersInTime(answer: Promise<unknown>): Promise<boolean> {
  return endsInTime(answer, READY_MS, () => undefined).catch(() => false)
}

/** False: it did not end in time, and was given up. */
async function endsInTime(work: Promise<unknown>, limitMs: number, giveUp: () => void): Promise<boolean> {
  const limit = new AbortController()
  const isLate = sleep(limitMs, false, { signal: limit.signal }).catch(() => true)
  try {
    const isWhole = await Promise.race([work.then(() => true), isLate])
    if (!isWhole) giveUp()
    return isWhole
  } finally {
    limit.abort()
  }
}
