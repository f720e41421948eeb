import { execFileSync } from 'node:child_process'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DatasetFetcher } from '../../../../adapters/dataset/dataset-fetcher.ts'
import { digestOf, listingDigest } from '../../../../pipeline/digest.ts'
import { memoryTree } from '../../../support/train-stage.ts'

const FILES = { 'a.png': 'a', 'sub/b.png': 'bb' }
const LISTING = listingDigest(Object.entries(FILES).map(([path, content]) => ({ path, digest: digestOf(content) }))).slice(7)
const TREE = memoryTree({
  ...Object.fromEntries(Object.entries(FILES).map(([path, content]) => [`data/smoke/${path}`, content])),
  'data/labels.csv': 'x,y',
  'linked/a': 'a',
  'linked/b': { link: '/etc/passwd' },
})
const sha = (content: string): string => digestOf(content).slice(7)

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-dataset-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function fetchDataset(uri: string, sha256: string, { limitBytes = 1000, signal = new AbortController().signal, endpoint = 'http://127.0.0.1:1' } = {}) {
  const fetcher = new DatasetFetcher({
    cacheFolder: join(folder, 'cache'),
    limitBytes,
    s3: { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
  })
  const places = { uri: { file: 'ctss.yaml', line: 3 }, sha256: { file: 'ctss.yaml', line: 4 } }
  return fetcher.fetch(
    { dataset: { name: 'smoke', uri, sha256 }, tree: TREE, scratch: join(folder, 'scratch'), places },
    { step: () => undefined, output: () => undefined },
    signal,
  )
}

async function readAnswer(answer: Awaited<ReturnType<typeof fetchDataset>>): Promise<Record<string, string>> {
  if (answer.kind === 'refused') throw new Error(answer.problem.message)
  const entries = await readdir(answer.folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.slice(answer.folder.length + 1), await readFile(file, 'utf8')] as const)))
}

async function writeFiles(target: string): Promise<void> {
  await mkdir(join(target, 'sub'), { recursive: true })
  for (const [path, content] of Object.entries(FILES)) await writeFile(join(target, path), content)
}

describe('a data set in the repository', () => {
  it.each([['data/smoke'], ['./data/smoke/']])('is handed over as a folder: %s', async (uri) => {
    expect(await readAnswer(await fetchDataset(uri, LISTING))).toEqual(FILES)
  })

  it('is handed over as one file, with nothing beside it', async () => {
    const answer = await fetchDataset('data/labels.csv', sha('x,y'))

    expect(answer).toMatchObject({ kind: 'verified', digest: digestOf('x,y') })
    expect(await readAnswer(answer)).toEqual({ 'labels.csv': 'x,y' })
  })

  it('whose digest differs is a problem that shows both, where the digest stands', async () => {
    expect(await fetchDataset('data/smoke', 'f'.repeat(64))).toEqual({
      kind: 'refused',
      problem: {
        code: 'dataset-mismatch',
        severity: 'error',
        message: `data set smoke (data/smoke): it has sha256 ${LISTING}, but ctss.yaml says ${'f'.repeat(64)}`,
        suggestion: 'if the data changed on purpose, put their digest into ctss.yaml',
        place: { file: 'ctss.yaml', line: 4 },
      },
    })
  })

  it.each<[string, string, string, RegExp]>([
    ['that is not there', 'data/none', 'dataset-missing', /the repository has no data\/none/],
    ['that leaves the repository', '../data', 'dataset-missing', /has no \.\.\/data/],
    ['at an absolute path', '/etc/passwd', 'dataset-missing', /has no \/etc\/passwd/],
    ['with a link', 'linked', 'dataset-invalid', /linked\/b is a symbolic link/],
  ])('%s is a problem', async (_name, uri, code, message) => {
    const answer = await fetchDataset(uri, LISTING)

    expect(answer).toMatchObject({ kind: 'refused', problem: { code, place: { line: 3 } } })
    expect(answer.kind === 'refused' && answer.problem.message).toMatch(message)
  })

  it('that is too large is a problem before a byte of it is copied', async () => {
    expect(await fetchDataset('data/smoke', LISTING, { limitBytes: 2 })).toMatchObject({ kind: 'refused', problem: { code: 'dataset-too-large' } })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a data set on this machine', () => {
  it('is read in place when it is a folder', async () => {
    await writeFiles(join(folder, 'smoke'))
    const answer = await fetchDataset(pathToFileURL(join(folder, 'smoke')).href, LISTING)

    expect(answer).toMatchObject({ kind: 'verified', folder: join(folder, 'smoke') })
  })

  it('is copied when it is a file, so that nothing beside it is handed over', async () => {
    await writeFiles(folder)

    expect(await readAnswer(await fetchDataset(pathToFileURL(join(folder, 'a.png')).href, sha('a')))).toEqual({ 'a.png': 'a' })
  })

  it.each<[string, () => Promise<string>, string]>([
    ['that is not there', () => Promise.resolve('/none/such'), 'dataset-missing'],
    [
      'that is empty',
      async () => {
        await mkdir(join(folder, 'empty'))
        return join(folder, 'empty')
      },
      'dataset-missing',
    ],
    [
      'with a link',
      async () => {
        await writeFiles(join(folder, 'smoke'))
        await symlink('/etc/passwd', join(folder, 'smoke', 'c'))
        return join(folder, 'smoke')
      },
      'dataset-invalid',
    ],
    [
      'with a pipe',
      async () => {
        await writeFiles(join(folder, 'smoke'))
        execFileSync('mkfifo', [join(folder, 'smoke', 'c')])
        return join(folder, 'smoke')
      },
      'dataset-invalid',
    ],
    [
      'that is too large',
      async () => {
        await writeFiles(join(folder, 'smoke'))
        await writeFile(join(folder, 'smoke', 'c'), 'c'.repeat(2000))
        return join(folder, 'smoke')
      },
      'dataset-too-large',
    ],
  ])('%s is a problem', async (_name, make, code) => {
    expect(await fetchDataset(pathToFileURL(await make()).href, LISTING)).toMatchObject({ kind: 'refused', problem: { code } })
  })

  it.each(['http://example.org/x', 'ftp://example.org/x', 'file://host/x', 'data:text/plain,x'])(
    'an address that is not fetched is a problem: %s',
    async (uri) => {
      expect(await fetchDataset(uri, LISTING)).toMatchObject({ kind: 'refused', problem: { code: 'dataset-address' } })
    },
  )

  it('whose cache cannot be written is a failure', async () => {
    await writeFile(join(folder, 'cache'), 'in the way')

    await expect(fetchDataset('s3://bucket/key', LISTING)).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

describe('a data set behind https', () => {
  let origin = ''
  let server: Server
  const requests: string[] = []
  const authorities = getCACertificates('default')
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    if (path === '/smoke.zip' || path === '/..%2Fx') response.end('zipped')
    else if (path === '/moved') response.writeHead(302, { location: '/smoke.zip' }).end()
    else if (path === '/plain') response.writeHead(302, { location: 'http://127.0.0.1/' }).end()
    else if (path === '/nowhere') response.writeHead(302).end()
    else if (path === '/circle') response.writeHead(302, { location: '/circle' }).end()
    else if (path === '/large') response.end('x'.repeat(5000))
    else if (path === '/broken') {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setImmediate(() => response.destroy())
    } else if (path === '/slow') response.write('first')
    else response.writeHead(path === '/busy' ? 503 : 404).end()
  }

  beforeAll(async () => {
    const keys = await mkdtemp(join(tmpdir(), 'ctss-tls-'))
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        join(keys, 'key'),
        '-out',
        join(keys, 'cert'),
      ],
      { stdio: 'ignore' },
    )
    const cert = await readFile(join(keys, 'cert'), 'utf8')
    server = createHttpsServer({ key: await readFile(join(keys, 'key')), cert }, answer)
    setDefaultCACertificates([...authorities, cert])
    origin = `https://127.0.0.1:${await listen(server)}`
    await rm(keys, { recursive: true })
  })
  afterAll(() => {
    setDefaultCACertificates(authorities)
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => void requests.splice(0))

  it('is downloaded once, and read from the cache after', async () => {
    const first = await fetchDataset(`${origin}/moved`, sha('zipped'))
    const second = await fetchDataset(`${origin}/moved`, sha('zipped'))

    expect(await readAnswer(first)).toEqual({ moved: 'zipped' })
    expect(second).toEqual(first)
    expect(requests).toEqual(['/moved', '/smoke.zip'])
  })

  it('is downloaded again when the cache no longer holds what it should', async () => {
    const first = await fetchDataset(`${origin}/smoke.zip`, sha('zipped'))
    if (first.kind === 'verified') await writeFile(join(first.folder, 'smoke.zip'), 'rotten')

    expect(await readAnswer(await fetchDataset(`${origin}/smoke.zip`, sha('zipped')))).toEqual({ 'smoke.zip': 'zipped' })
    expect(requests).toHaveLength(2)
  })

  it('keeps nothing of what does not fit its digest', async () => {
    expect(await fetchDataset(`${origin}/smoke.zip`, sha('other'))).toMatchObject({ kind: 'refused', problem: { code: 'dataset-mismatch' } })
    expect(await readdir(join(folder, 'cache'))).toEqual([])
  })

  it('cannot name a file outside of its folder', async () => {
    expect(Object.keys(await readAnswer(await fetchDataset(`${origin}/..%2Fx`, sha('zipped'))))).toEqual(['.._x'])
  })

  it.each([
    ['/none', 'dataset-missing'],
    ['/plain', 'dataset-address'],
    ['/nowhere', 'download-failed'],
    ['/circle', 'dataset-address'],
    ['/large', 'dataset-too-large'],
    ['/broken', 'download-failed'],
    ['/busy', 'download-failed'],
  ])('that answers %s is %s', async (path, code) => {
    const answered = await fetchDataset(`${origin}${path}`, sha('zipped')).then(
      (value) => (value.kind === 'refused' ? value.problem.code : value.kind),
      (cause: unknown) => (cause as { code: string }).code,
    )

    expect(answered).toBe(code)
    expect(await readdir(join(folder, 'cache'))).toEqual([])
  })

  it('behind a server that is not there is a failure', async () => {
    await expect(fetchDataset('https://127.0.0.1:1/x', sha('x'))).rejects.toMatchObject({ code: 'download-failed' })
  })

  it('can be cancelled, and leaves nothing', async () => {
    const controller = new AbortController()
    const fetching = fetchDataset(`${origin}/slow`, sha('x'), { signal: controller.signal })
    await expect.poll(() => requests).toEqual(['/slow'])
    controller.abort()

    await expect(fetching).rejects.toMatchObject({ code: 'cancelled' })
    expect(await readdir(join(folder, 'cache'))).toEqual([])
  })
})

describe('a data set in S3', () => {
  let endpoint = ''
  let server: Server
  const objects: Readonly<Record<string, string>> = { 'smoke/a.png': 'a', 'smoke/sub/b.png': 'bb', 'smoke/': '', 'evil/../../x': 'x', one: 'one' }
  /** The two calls that are used, as S3 answers them. */
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '', 'http://s3')
    const fail = (code: string, status: number): void =>
      void response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`)
    if (url.pathname.startsWith('/closed')) return fail('AccessDenied', 403)
    if (url.pathname.startsWith('/odd')) return fail('NotImplemented', 501)
    if (url.searchParams.has('list-type')) {
      const keys = Object.keys(objects).filter((key) => key.startsWith(url.searchParams.get('prefix') ?? ''))
      return void response.end(
        `<ListBucketResult><IsTruncated>false</IsTruncated>${keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')}</ListBucketResult>`,
      )
    }
    const content = objects[decodeURIComponent(url.pathname).replace('/bucket/', '')]
    return content === undefined ? fail('NoSuchKey', 404) : void response.end(content)
  }
  beforeAll(async () => {
    server = createHttpServer(answer)
    endpoint = `http://127.0.0.1:${await listen(server)}`
  })
  afterAll(() => void server.close())

  it('is everything below an address that ends with a slash', async () => {
    expect(await readAnswer(await fetchDataset('s3://bucket/smoke/', LISTING, { endpoint }))).toEqual(FILES)
  })

  it('is one object otherwise', async () => {
    expect(await readAnswer(await fetchDataset('s3://bucket/one', sha('one'), { endpoint }))).toEqual({ one: 'one' })
  })

  it.each([
    ['s3://bucket/none', 'dataset-missing'],
    ['s3://bucket/none/', 'dataset-missing'],
    ['s3://closed/x', 'dataset-missing'],
    ['s3://bucket/evil/', 'dataset-invalid'],
    ['s3://odd/x', 'download-failed'],
  ])('at %s is %s', async (uri, code) => {
    const answered = await fetchDataset(uri, LISTING, { endpoint }).then(
      (value) => (value.kind === 'refused' ? value.problem.code : value.kind),
      (cause: unknown) => (cause as { code: string }).code,
    )

    expect(answered).toBe(code)
  })

  it('is capped over all its objects', async () => {
    expect(await fetchDataset('s3://bucket/smoke/', LISTING, { endpoint, limitBytes: 2 })).toMatchObject({
      kind: 'refused',
      problem: { code: 'dataset-too-large' },
    })
  })
})
