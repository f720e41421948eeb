import { REPORT } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runReportAction } from '../report-action.ts'

await runAction(REPORT, runReportAction)
