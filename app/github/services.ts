import type { Logger } from 'pino'
import type { AppForge, ControlForge, InstalledRepository, RepositoryForge } from '../../pipeline/ports/app-forge.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Catalogue, ReleaseSummary } from '../../pipeline/ports/catalogue.ts'
import type { Chart, ChartRenderer } from '../../pipeline/ports/charts.ts'
import type { Clock } from '../../pipeline/ports/clock.ts'
import type { Inbox } from '../../pipeline/ports/inbox.ts'
import type { ServiceState } from '../../pipeline/ports/service-state.ts'
import type { Report } from '../../pipeline/report/report.ts'
import type { RefAddress, RefWorld, ServicePolicy } from '../../pipeline/service/world.ts'
import type { ImagePorts } from '../api/check-images.ts'
import type { CommitJudge, JudgedPlugin } from './judge-commit.ts'

/** Pictures of a report, where the forge's image proxy can fetch them. */
export interface ReportCharts {
  /** What there is to draw of a report. */
  list(report: Report): readonly Pick<Chart, 'name' | 'alt' | 'section'>[]
  readonly renderer: ChartRenderer
  /** https address of one chart of a run as a PNG, which nobody can guess. */
  address(run: string, chart: string, scheme: 'light' | 'dark'): string
}

/** Everything that the worker works with. */
export interface AppServices {
  readonly forge: AppForge
  readonly state: ServiceState
  readonly inbox: Inbox
  readonly judge: CommitJudge
  /** Files that records name. */
  readonly blobs: BlobStore
  /** Our registry, in which images that records name are looked up. */
  readonly images: ImagePorts
  /** Published bundles, for reports and release notes. */
  readonly catalogue: Catalogue
  /** The newest release of `namespace/name` that is older than a version. */
  readonly releaseBefore: (name: string, version: string) => Promise<ReleaseSummary | undefined>
  /** Undefined: comments hold no pictures. */
  readonly charts?: ReportCharts
  readonly clock: Clock
  readonly log: Logger
  readonly policy: ServicePolicy
  /** Pages of GitHub, without a slash at its end: `https://github.com`, or an Enterprise Server's. */
  readonly githubUrl: string
  /** Where people and jobs reach the app, without a slash at its end. */
  readonly publicUrl: string
  /** The page of a run; of a private repository, an address that nobody can guess. */
  readonly runUrl: (run: string, isPrivate: boolean) => string
  /** Inputs of the dispatched workflow besides repository, commit, plan, app and path: `runner`, `runners`, `registry` and their like. */
  readonly dispatchInputs: Readonly<Record<string, string>>
  /** What app.yml asks for, `checks` → `write`. */
  readonly permissions: Readonly<Record<string, string>>
  readonly toolVersion: string
  /** How long the forge may take to show what was made: lists lag behind. 10,000. */
  readonly settleMs: number
  /** Waits; rejects when the signal fires. */
  pause(ms: number, signal: AbortSignal): Promise<void>
}

/** How long GitHub may take to list what was made a moment ago. */
export const SETTLE_MS = 10_000

/** What an action is carried out with: the services, and what has been observed in this round. */
export interface ActContext {
  readonly services: AppServices
  readonly address: RefAddress
  readonly repository: InstalledRepository
  readonly world: RefWorld
  readonly plugins: readonly JudgedPlugin[]
  readonly forge: RepositoryForge
  readonly control: ControlForge
  readonly signal: AbortSignal
}

/** What came of an action. */
export interface ActOutcome {
  /** Something that decides more is another now: observe again. */
  readonly changed: boolean
  /** It waits until then, RFC 3339. */
  readonly wakeAt?: string
  /** Why what was asked for was not done, in Markdown that is safe. */
  readonly undone?: string
}

/** An action that changed nothing that decides more. */
export const DONE: ActOutcome = { changed: false }
