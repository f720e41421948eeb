import { cp, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeActStage } from '../support/act/act-stage.ts'
import { factsOf, readRecord, recordsAmong, type RunFacts } from '../support/act/run-facts.ts'
import { copyPlugin, makePlugin, tinyFiles, type Plugin, type StoryRun } from '../support/act/story.ts'
import { tellStories } from '../support/act/story-suite.ts'
import { Workplace } from '../support/ctss-process.ts'
import { MANIFEST } from '../support/tiny-plugin.ts'
import { readFiles } from '../support/mini-runner/hosted-files.ts'
import { makeMiniStage } from '../support/mini-runner/mini-stage.ts'
import { push } from '../support/mini-runner/trigger.ts'

describe('our workflows under act, on the real Docker Engine', () => {
  tellStories(makeActStage, { stopsAtFailedCall: true })
})

/** What `ctss run` makes of a copy of the plugin. */
async function runOnLaptop(plugin: Plugin): Promise<RunFacts> {
  await using place = await Workplace.make()
  const folder = join(place.folder, 'plugin')
  await cp(plugin.folder, folder, { recursive: true })
  const output = await place.run(folder)
  const keys = output.stages.flatMap(({ key, stage }) => (key === null || stage === 'report' ? [] : [key]))
  const records = keys.map((key) => readRecord(join(place.folder, 'state/ctss/records', `${key.slice('sha256:'.length)}.json`)))
  return factsOf(records, dirname(output.report?.markdown ?? ''))
}

function factsOfJobs({ artifacts }: StoryRun): RunFacts {
  const whole = Object.entries(recordsAmong(artifacts)).filter(([name]) => !name.startsWith('build-'))
  return factsOf(
    whole.map(([, record]) => record),
    join(artifacts, 'report'),
  )
}

describe('one commit, run on a laptop, under act and by the mini-runner', () => {
  it('comes to the same: outcomes, problems, gates, expectations, files, and keys', async () => {
    await using act = await makeActStage()
    await using mini = await makeMiniStage()
    const plugin = await makePlugin(act, 'zelda/compared')
    const gates = '  gates: [{metric: accuracy, min: 0.5}, {metric: accuracy, max_drop: 0.01}]\n'
    const files = await tinyFiles('compared', {
      // A problem that does not fail it.
      'sage.yaml': MANIFEST.replace(/^license: .*\n/m, ''),
      'ctss.yaml': `training:\n  dockerfile: train/Dockerfile\n  command: [sh, /train.sh]\n${gates}model: {path: model, from: train}\ntest:\n  trials:\n    - {name: quiet, timeout: 60s, expect: [{name: env.nothing, count: 0}]}\n`,
    })
    const commit = await plugin.commit(files)
    await copyPlugin(plugin, mini)

    const laptop = await runOnLaptop(plugin)
    const underAct = factsOfJobs(await act.run(push(plugin.name, commit)))
    const byMini = factsOfJobs(await mini.run(push(plugin.name, commit)))

    expect(Object.keys(laptop.records)).toEqual(['validate', 'train', 'build', 'virtual', 'publish'])
    expect(laptop.gates).toHaveLength(2)
    expect(laptop.problems).not.toEqual([])
    expect(laptop.records['virtual']?.expectations).toHaveLength(1)
    expect(underAct).toEqual(laptop)
    expect(byMini).toEqual(laptop)
  })
})

describe('the example, from a repository that held nothing but the caller', () => {
  it('goes through every stage, for three architectures', async () => {
    await using stage = await makeActStage()
    const plugin = await makePlugin(stage, 'zelda/smoke-detector')
    const { '.github/workflows/ci.yml': _, '.github/workflows/retrain.yml': __, ...files } = readFiles('examples/smoke-detector')
    const run = await stage.run(push(plugin.name, await plugin.commit(files)))
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']

    expect(run.passed, run.log.slice(-200).join('\n')).toBe(true)
    expect(Object.keys(run.jobs)).toEqual(['plan', 'train', ...platforms.map((platform) => `platform ${platform}`), 'index', 'virtual', 'publish', 'report'])
    expect(Object.values(run.records).map(({ outcome }) => outcome)).toEqual(Object.values(run.records).map(() => 'passed'))
    const { details } = run.records['build']!
    expect(details.kind === 'build' && details.platforms.map(({ platform }) => platform).toSorted()).toEqual(platforms.toSorted())
    const report = await readFile(join(run.artifacts, 'report/report.md'), 'utf8')
    for (const platform of platforms) expect(report).toContain(platform)
  })
})
