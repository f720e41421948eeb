import { VIRTUAL } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runVirtualAction } from '../virtual-action.ts'

await runAction(VIRTUAL, runVirtualAction)
