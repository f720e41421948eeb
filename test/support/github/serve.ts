/**
 * `node test/support/github/serve.ts [PORT]`: the stand-in for GitHub as a process of its own, reachable from containers. Prints one line of JSON with its
 * address and a workflow's token, and runs until it is told to end. `GET /_stand-in` tells what was asked of it, and what GitHub would have refused.
 */
import { startGithub } from './github.ts'

const github = await startGithub({ port: Number(process.argv[2] ?? 0), host: '0.0.0.0' })
const token = await github.workflowToken({ contents: 'write', pull_requests: 'write', issues: 'write' })
const { url, owner, repository, people } = github
process.stdout.write(`${JSON.stringify({ url, owner, repository, token, people })}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
