import { BUILD } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runBuildAction } from '../build-action.ts'

await runAction(BUILD, runBuildAction)
