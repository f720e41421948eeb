import { VALIDATE } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runValidateAction } from '../validate-action.ts'

await runAction(VALIDATE, runValidateAction)
