import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../../../adapters/process/run.ts'

const shell = (script: string) => ({ command: 'sh', args: ['-c', script] })

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function hasEnded(pidFile: string): Promise<boolean> {
  const pid = Number(await readFile(pidFile, 'utf8'))
  for (let tries = 0; tries < 100; tries++) {
    // A process that nobody has waited for yet is a zombie, which has ended.
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (status === undefined || / Z /.test(status)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

describe('running a program', () => {
  it('gives exit code and output, the two streams apart', async () => {
    expect(await run(shell('echo out; echo err >&2; exit 3'))).toEqual({ exitCode: 3, exitSignal: null, stdout: 'out\n', stderr: 'err\n', truncated: false })
  })

  it('hands arguments on as they are', async () => {
    expect((await run({ command: 'printf', args: ['%s|', 'a b', '$(id)', '; ls', ''] })).stdout).toBe('a b|$(id)|; ls||')
  })

  it('hands on input, folder and environment, beside its own', async () => {
    const { stdout } = await run(shell('cat; pwd; echo "$GREETING $HOME"'), { input: 'input\n', cwd: folder, env: { GREETING: 'hello' } })
    expect(stdout).toBe(`input\n${folder}\nhello ${process.env['HOME'] ?? ''}\n`)
  })

  it('does not mind a program that leaves its input unread', async () => {
    expect((await run({ command: 'true', args: [] }, { input: 'x'.repeat(2 ** 20) })).exitCode).toBe(0)
  })

  it('keeps the end of a long output', async () => {
    const { stdout, truncated } = await run(shell('seq 1 100000'), { limitBytes: 12 })
    expect({ stdout, truncated }).toEqual({ stdout: '9999\n100000\n', truncated: true })
  })

  it('tells every line as it comes, whole, without its end, and cut where it is too long', async () => {
    const lines: string[] = []
    await run(
      shell(String.raw`printf 'a\r\nb'; sleep 0.05; printf '\303'; sleep 0.05; printf '\244\n\nerr\n' ; head -c 100000 /dev/zero | tr '\0' x; printf '\nlast'`),
      { onLine: (line) => lines.push(line.length > 100 ? `${line.length} characters` : line) },
    )
    expect(lines).toEqual(['a', 'bä', '', 'err', '65536 characters', 'last'])
  })

  it('tells the streams of lines apart', async () => {
    const lines: string[] = []
    await run(shell('echo out; sleep 0.05; echo err >&2'), { onLine: (line, stream) => lines.push(`${stream}: ${line}`) })
    expect(lines).toEqual(['stdout: out', 'stderr: err'])
  })

  it('fails when there is no such program', async () => {
    await expect(run({ command: 'ctss-no-such-program', args: [] })).rejects.toMatchObject({ code: 'missing-tool' })
  })

  it('tells the signal that ended a program', async () => {
    expect(await run(shell('kill -9 $$'))).toMatchObject({ exitCode: null, exitSignal: 'SIGKILL' })
  })

  it('starts nothing when it is cancelled already', async () => {
    await expect(run(shell(`touch ${folder}/started`), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
    await expect(readFile(`${folder}/started`)).rejects.toThrow('ENOENT')
  })

  it('ends a program and all that it started when it is cancelled', async () => {
    const controller = new AbortController()
    const running = run(shell(`sleep 600 & echo $! > ${folder}/pid; echo started; wait`), { signal: controller.signal, onLine: () => controller.abort() })
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect(await hasEnded(`${folder}/pid`)).toBe(true)
  })

  it('kills a program that does not mind being asked to end', async () => {
    const controller = new AbortController()
    const running = run(shell(`trap '' TERM; echo $$ > ${folder}/pid; echo started; while :; do sleep 0.05; done`), {
      signal: controller.signal,
      graceMs: 100,
      onLine: () => controller.abort(),
    })
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect(await hasEnded(`${folder}/pid`)).toBe(true)
  })

  it('ends a program at its time limit', async () => {
    await expect(run(shell('sleep 600'), { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timed-out' })
  })

  it('does not wait for what a program left in the background', async () => {
    expect(await run(shell('sleep 5 & echo done'))).toMatchObject({ exitCode: 0, stdout: 'done\n' })
  })
})
