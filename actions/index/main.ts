import { INDEX } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runIndexAction } from '../index-action.ts'

await runAction(INDEX, runIndexAction)
