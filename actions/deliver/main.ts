import { DELIVER } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runDeliver } from '../deliver-action.ts'

await runAction(DELIVER, runDeliver)
