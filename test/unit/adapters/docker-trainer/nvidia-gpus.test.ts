import Docker from 'dockerode'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DockerTrainer } from '../../../../adapters/docker-trainer/docker-trainer.ts'
import { gpuFailure } from '../../../../adapters/docker-trainer/nvidia-gpus.ts'

/** What engines say; the first is of 20.10, and of 29 without NVIDIA's programs. */
const NO_DRIVER = 'could not select device driver "nvidia" with capabilities: [[gpu]]'
const NO_DEVICE = 'CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all'
const NO_PROGRAM = 'failed to create task: OCI runtime create failed: exec: "/nothing": stat /nothing: no such file or directory'
const HOOK = 'nvidia-container-cli: ldcache error: open failed: /sbin/ldconfig: no such file or directory'

let folder = ''
let server: Server | undefined
let asked: { path: string; body: string }[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-gpus-'))
  asked = []
})
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
  await rm(folder, { recursive: true, force: true })
})

/** An engine that takes everything, and starts containers with this answer. */
async function engine(startAnswer: string, importAnswer = `{"status":"sha256:${'a'.repeat(64)}"}`): Promise<DockerTrainer> {
  const socketPath = join(folder, 'engine.sock')
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = `${request.method} ${request.url}`
      asked.push({ path, body: Buffer.concat(chunks).toString('latin1') })
      if (path.startsWith('POST /images/create')) response.writeHead(200, { 'content-type': 'application/json' }).end(importAnswer)
      else if (path.startsWith('POST /containers/create')) response.writeHead(201, { 'content-type': 'application/json' }).end('{"Id": "probe"}')
      else if (path.endsWith('/start') && startAnswer !== '')
        response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ message: startAnswer }))
      else response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve))
  return new DockerTrainer(new Docker({ socketPath }), { label: 'label', gpusFolder: join(folder, 'gpus') })
}

async function layGpus(...texts: readonly string[]): Promise<void> {
  for (const [index, text] of texts.entries()) {
    await mkdir(join(folder, 'gpus', `0000:0${index}:00.0`), { recursive: true })
    await writeFile(join(folder, 'gpus', `0000:0${index}:00.0`, 'information'), text)
  }
}

const A100 = 'Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 42\nGPU UUID: \t GPU-1\n'

describe('before a training that asks for a GPU', () => {
  it.each([NO_DRIVER, NO_DEVICE])('an engine that says %j is refused, with what to do', async (answer) => {
    const trainer = await engine(answer)

    await expect(trainer.requireGpu(true)).rejects.toMatchObject({
      code: 'trainer-unavailable',
      message: 'the training asks for a GPU, and this Docker Engine has none',
      suggestion: expect.stringContaining('map `train` to a GPU runner with the input `runners`'),
    })
  })

  it.each([NO_PROGRAM, HOOK, ''])('an engine that says %j is not: only a clear no counts', async (answer) => {
    await layGpus(A100)

    expect(await (await engine(answer)).requireGpu(true)).toEqual(['NVIDIA A100-SXM4-40GB'])
  })

  it('the engine is asked as for the training, and what was made for that is removed', async () => {
    await (await engine(NO_PROGRAM)).requireGpu({ type: 'gpu_a100', count: 2 })

    expect(asked.map(({ path }) => path.replace(/\?.*/, ''))).toEqual([
      'POST /images/create',
      'POST /containers/create',
      'POST /containers/probe/start',
      'DELETE /containers/probe',
      `DELETE /images/sha256:${'a'.repeat(64)}`,
    ])
    expect(JSON.parse(asked[1]?.body ?? '')).toMatchObject({
      Labels: { 'org.sagecontinuum.ctss': 'label' },
      HostConfig: { DeviceRequests: [{ Driver: 'nvidia', Count: 2, Capabilities: [['gpu']] }], NetworkMode: 'none' },
    })
  })

  it('more GPUs than the machine has are refused', async () => {
    await layGpus(A100)

    await expect((await engine(NO_PROGRAM)).requireGpu({ type: 'gpu_a100', count: 2 })).rejects.toMatchObject({
      code: 'trainer-unavailable',
      message: 'the training asks for 2 GPUs, and this machine has 1 (NVIDIA A100-SXM4-40GB)',
    })
  })

  it('nothing is said about GPUs that the driver does not tell', async () => {
    const trainer = await engine(NO_PROGRAM)
    expect(await trainer.requireGpu({ type: 'gpu_a100', count: 4 })).toEqual([])
    await layGpus('no such line\n', A100, `Model: ${'x'.repeat(500)}\n`)
    const models = await trainer.requireGpu(true)

    expect(models.map((model) => model.length)).toEqual([21, 100])
  })

  it('an engine that gives an image no name is a failure', async () => {
    await expect((await engine(NO_PROGRAM, '{"status": "?"}')).requireGpu(true)).rejects.toMatchObject({ code: 'engine-unavailable' })
  })

  it('no engine is a failure', async () => {
    const trainer = new DockerTrainer(new Docker({ socketPath: join(folder, 'no.sock') }))

    await expect(trainer.requireGpu(true)).rejects.toMatchObject({ code: 'engine-unavailable' })
  })
})

it.each([
  [NO_DRIVER, 'trainer-unavailable'],
  [NO_DEVICE, 'trainer-unavailable'],
  [HOOK, 'trainer-unavailable'],
  [NO_PROGRAM, undefined],
])('a training that does not start with %j is %s', (message, code) => {
  expect(gpuFailure(message, undefined)?.code).toBe(code)
})
