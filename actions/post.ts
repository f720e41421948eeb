import { runPost } from './post-action.ts'

await runPost()
