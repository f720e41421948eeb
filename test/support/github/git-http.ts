/** `git clone` and `git fetch` by HTTP: the real `git upload-pack` over files that hold what the stand-in has. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGunzip, deflateSync } from 'node:zlib'
import type { Identity } from './handled.ts'
import { allows } from './permissions.ts'
import { findRepository, reaches, roleOf } from './world.ts'
import type { Repository, World } from './world.ts'

const PLACE = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/
const CONFIGURATION = '[core]\n\tbare = true\n\trepositoryformatversion = 0\n[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n'

interface Laid {
  readonly folder: string
  readonly written: Set<string>
}

export function createGitHttp(world: World, identify: (token: string) => Identity | string | undefined) {
  const laid = new Map<number, Laid>()
  let waiting: Promise<unknown> = Promise.resolve()

  const mayRead = (repository: Repository, authorization: string | undefined): boolean => {
    const token = tokenOf(authorization)
    if (token === undefined) return !repository.isPrivate
    const identity = identify(token)
    if (typeof identity !== 'object' || identity.kind === 'app') return false
    if (identity.permissions === undefined) return reaches(roleOf(repository, identity.login), 'read')
    return identity.sees?.(repository) === true ? allows(identity.permissions, [{ permission: 'contents', level: 'read' }]) : !repository.isPrivate
  }
  const layOut = async (repository: Repository): Promise<string> => {
    const known = laid.get(repository.id) ?? { folder: await mkdtemp(join(tmpdir(), 'ctss-github-git-')), written: new Set() }
    laid.set(repository.id, known)
    const { folder, written } = known
    await mkdir(join(folder, 'refs'), { recursive: true })
    for (const [id, { kind, content }] of repository.objects.all()) {
      if (written.has(id)) continue
      await mkdir(join(folder, 'objects', id.slice(0, 2)), { recursive: true })
      const whole = deflateSync(Buffer.concat([Buffer.from(`${kind} ${content.length}\0`), content]))
      await writeFile(join(folder, 'objects', id.slice(0, 2), id.slice(2)), whole)
      written.add(id)
    }
    await writeFile(join(folder, 'config'), CONFIGURATION)
    await writeFile(join(folder, 'HEAD'), `ref: refs/heads/${repository.defaultBranch}\n`)
    await writeFile(
      join(folder, 'packed-refs'),
      [...repository.refs]
        .map(([ref, id]) => `${id} ${ref}\n`)
        .sort()
        .join(''),
    )
    return folder
  }
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse, name: string, place: string): Promise<void> => {
    const repository = findRepository(world, decodeURIComponent(name))
    const { searchParams } = new URL(incoming.url ?? '/', world.url)
    if (repository === undefined || !mayRead(repository, incoming.headers.authorization)) {
      // Who is known learns only that there is nothing.
      const isKnown = typeof identify(tokenOf(incoming.headers.authorization) ?? '') === 'object'
      outgoing.writeHead(isKnown ? 404 : 401, { 'www-authenticate': 'Basic realm="GitHub"' }).end('Repository not found.')
      return
    }
    const isAsking = place === 'info/refs'
    if (place === 'git-receive-pack' || (isAsking && searchParams.get('service') !== 'git-upload-pack')) {
      outgoing.writeHead(403).end('The stand-in for GitHub takes no pushes by HTTP: use person().push.')
      return
    }
    // One after the other, so that no two write the same files.
    const next = waiting.then(() => layOut(repository))
    waiting = next.catch(() => undefined)
    const folder = await next
    const protocol = String(incoming.headers['git-protocol'] ?? '')
    const child = spawn('git', ['upload-pack', '--stateless-rpc', ...(isAsking ? ['--advertise-refs'] : []), folder], {
      env: { PATH: process.env['PATH'], GIT_PROTOCOL: protocol },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.on('error', () => undefined)
    outgoing.writeHead(200, { 'content-type': `application/x-git-upload-pack-${isAsking ? 'advertisement' : 'result'}`, 'cache-control': 'no-cache' })
    if (isAsking && protocol === '') outgoing.write('001e# service=git-upload-pack\n0000')
    if (isAsking) child.stdin.end()
    else (incoming.headers['content-encoding'] === 'gzip' ? incoming.pipe(createGunzip()) : incoming).pipe(child.stdin)
    child.stdout.pipe(outgoing)
  }
  return {
    /** Whether it is Git that asks; answered then. */
    answers(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
      const [, name, place] = PLACE.exec(new URL(incoming.url ?? '/', world.url).pathname) ?? []
      if (name === undefined || place === undefined || name.startsWith('repos/')) return false
      serve(incoming, outgoing, name, place).catch(() => outgoing.destroy())
      return true
    },
    async close(): Promise<void> {
      await waiting
      await Promise.all([...laid.values()].map(({ folder }) => rm(folder, { recursive: true, force: true })))
    },
  }
}

/** Git sends a token as the password of anybody. */
function tokenOf(authorization: string | undefined): string | undefined {
  const [scheme = '', value] = authorization?.split(' ') ?? []
  return scheme.toLowerCase() === 'basic' && value !== undefined ? Buffer.from(value, 'base64').toString('utf8').split(':').slice(1).join(':') : value
}
