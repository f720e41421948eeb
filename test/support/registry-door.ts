/**
 * Runs a program in a network of its own (`unshare --net`), in which the local registry's address leads to a Unix socket, so that a test can stand
 * in the door without touching the registry: `registry-door.ts SOCKET PROGRAM ARGUMENT…`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { REGISTRY_HOST } from '../../adapters/workstation/cache-layout.ts'

const [socketPath = '', program = '', ...args] = process.argv.slice(2)
execFileSync('ip', ['link', 'set', 'lo', 'up'])
const [host, port] = REGISTRY_HOST.split(':')
const server = createServer((client) => {
  const upstream = connect(socketPath)
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const)
    from.on('error', () => to.destroy()).on('close', () => to.destroy())
  client.pipe(upstream).pipe(client)
})
server.listen(Number(port), host, () => {
  spawn(program, args, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1))
})
