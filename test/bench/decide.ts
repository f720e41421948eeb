/**
 * bench:decide: how many worlds of a ref are decided a second, in one process: each of the recorded situations as often as the others.
 * Rounds over all of them, after some that do not count, by the clock and, because others may use the machine, by processor time; and the slowest of them, because one ref that is slow to decide holds a worker.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decideRef } from '../../pipeline/service/decide-ref.ts'
import type { RefWorld } from '../../pipeline/service/world.ts'
import { machineFacts, median } from './measure.ts'

const FOLDER = 'test/unit/pipeline/service/situations'
/** A service runs for weeks: the engine has compiled what it will compile. */
const WARM_ROUNDS = 300
const ROUNDS = 101
const GOAL_PER_SECOND = 10_000

const situations = readdirSync(FOLDER)
  .toSorted()
  .map((name) => ({ name, world: JSON.parse(readFileSync(join(FOLDER, name, 'world.json'), 'utf8')) as RefWorld }))

console.log(machineFacts())
const samples = new Map<string, number[]>(situations.map(({ name }) => [name, []]))
const rounds: number[] = []
let actions = 0
let cpu = process.cpuUsage()
for (let round = -WARM_ROUNDS; round < ROUNDS; round += 1) {
  if (round === 0) cpu = process.cpuUsage()
  const began = performance.now()
  for (const { name, world } of situations) {
    const started = performance.now()
    actions += decideRef(world).actions.length
    if (round >= 0) samples.get(name)?.push(performance.now() - started)
  }
  if (round >= 0) rounds.push(performance.now() - began)
}

const used = process.cpuUsage(cpu)
const perCpuSecond = (situations.length * ROUNDS * 1e6) / (used.user + used.system)
const perSecond = (situations.length * 1000) / median(rounds)
console.log(`\n${situations.length} situations, ${Math.round(actions / (situations.length * (ROUNDS + WARM_ROUNDS)))} actions each in the mean`)
console.log(`  ${perSecond.toFixed(0).padStart(7)} worlds/s   goal: ≥ ${GOAL_PER_SECOND}`)
console.log(`  ${perCpuSecond.toFixed(0).padStart(7)} worlds per second of processor time, collecting garbage included`)
console.log('\nthe slowest')
const slowest = [...samples]
  .map(([name, values]) => ({ name, microseconds: median(values) * 1000 }))
  .toSorted((one, other) => other.microseconds - one.microseconds)
for (const { name, microseconds } of slowest.slice(0, 5)) console.log(`  ${name.padEnd(42)} ${microseconds.toFixed(0).padStart(6)} µs`)
