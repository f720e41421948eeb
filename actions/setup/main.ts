import { SETUP } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runSetup } from '../setup-action.ts'

await runAction(SETUP, runSetup)
