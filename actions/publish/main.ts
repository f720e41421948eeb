import { PUBLISH } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { runPublishAction } from '../publish-action.ts'

await runAction(PUBLISH, runPublishAction)
