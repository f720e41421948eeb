import { NODE } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runNodeAction } from '../node-action.ts'

await runAction(NODE, runNodeAction)
