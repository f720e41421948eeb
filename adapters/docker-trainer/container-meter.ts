import type Docker from 'dockerode'
import { addAbortSignal, Readable } from 'node:stream'

/** CPU time and peak memory of a container, from the engine's stream of kernel counters: the last second before its end is missing. */
export class ContainerMeter {
  cpuSeconds: number | null = null
  memoryPeakBytes: number | null = null

  /** Follows until the container ends or the signal fires; never fails, since figures are not worth a training. */
  async follow(container: Docker.Container, over: AbortSignal): Promise<void> {
    try {
      const stream = await container.stats({ stream: true })
      if (!(stream instanceof Readable)) return
      addAbortSignal(over, stream)
      for await (const line of linesOf(stream)) this.#read(JSON.parse(line))
    } catch {
      // The signal fired, the container was gone first, or the engine's answer is of another kind: no figures.
    }
  }

  /** cgroup v1 counts the peak itself (`max_usage`); v2 through this interface only tells the present. */
  #read(sample: unknown): void {
    const cpu = numberAt(sample, 'cpu_stats', 'cpu_usage', 'total_usage')
    const memory = numberAt(sample, 'memory_stats', 'max_usage') ?? numberAt(sample, 'memory_stats', 'usage')
    if (cpu !== undefined && cpu > 0) this.cpuSeconds = cpu / 1e9
    if (memory !== undefined) this.memoryPeakBytes = Math.max(memory, this.memoryPeakBytes ?? 0)
  }
}

/** Unlike readline's, this iteration ends when the stream is destroyed. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter(Boolean)
  }
}

function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  let found = value
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = new Map<string, unknown>(Object.entries(found)).get(name)
  }
  return typeof found === 'number' ? found : undefined
}
