import { TRAIN } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runTrainAction } from '../train-action.ts'

await runAction(TRAIN, runTrainAction)
