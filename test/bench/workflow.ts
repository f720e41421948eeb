/**
 * bench:workflow: what our actions and workflows cost over their stages. The tiny plugin's whole pipeline under act: its wall time, less what its records say that the stages took,
 * beside an act run of as many jobs that do nothing, which is what act itself costs.
 * `npm run bench:workflow -- [REPETITIONS]`
 */
import { makeActStage } from '../support/act/act-stage.ts'
import { makePlugin, tinyFiles, WORKFLOW, type StoryRun } from '../support/act/story.ts'
import { push } from '../support/mini-runner/trigger.ts'
import { machineFacts, median } from './measure.ts'

const repetitions = Number(process.argv[2] ?? '5')

/** Seconds between start and end of every stage, platforms one by one. */
function stageSeconds({ records }: StoryRun): number {
  // `index` writes the record of the whole build: what it took is its own time.
  const seconds = Object.values(records).map(({ started, ended }) => (Date.parse(ended) - Date.parse(started)) / 1000)
  return seconds.reduce((sum, value) => sum + value, 0)
}

/** As many jobs as a run had, one after the other, that do nothing. */
function emptyJobs(count: number): string {
  const jobs = Array.from({ length: count }, (_, at) => {
    const needs = at === 0 ? '' : `    needs: job${at - 1}\n`
    return `  job${at}:\n    runs-on: ubuntu-24.04\n${needs}    steps: [{ run: 'true' }]\n`
  })
  return `on: push\njobs:\n${jobs.join('')}`
}

await using stage = await makeActStage()
const wholes: number[] = []
const sums: number[] = []
const empties: number[] = []
let jobs = 0
console.log(machineFacts())
for (let repetition = 0; repetition < repetitions; repetition += 1) {
  // A name of its own each time: nothing of an earlier run is reused, but the builder's layers.
  const plugin = await makePlugin(stage, `zelda/bench${repetition}`)
  const run = await stage.run(push(plugin.name, await plugin.commit(await tinyFiles(`bench${repetition}`))))
  if (!run.passed) throw new Error(run.log.slice(-100).join('\n'))
  jobs = Object.keys(run.jobs).length
  const nothing = await stage.run(push(plugin.name, await plugin.commit({ [WORKFLOW]: emptyJobs(jobs) })))
  if (!nothing.passed || Object.keys(nothing.jobs).length !== jobs) throw new Error(nothing.log.slice(-100).join('\n'))
  wholes.push(run.seconds)
  sums.push(stageSeconds(run))
  empties.push(nothing.seconds)
  console.error(`${plugin.name}: ${run.seconds.toFixed(1)} s, stages ${stageSeconds(run).toFixed(1)} s, ${jobs} empty jobs ${nothing.seconds.toFixed(1)} s`)
}
const [whole, sum, empty] = [median(wholes), median(sums), median(empties)]
console.log(`${jobs} jobs under act: ${whole.toFixed(2)} s, of which the stages ${sum.toFixed(2)} s; medians of ${repetitions}`)
console.log(`as many empty jobs under act: ${empty.toFixed(2)} s`)
console.log(`ours, checkouts and artifacts included: ${(whole - sum - empty).toFixed(2)} s, ${((whole - sum - empty) / jobs).toFixed(2)} s a job`)
