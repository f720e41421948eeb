import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSING } from '../support/app-world.ts'
import { startAppStory, type AppStory } from '../support/app-story.ts'

let story: AppStory
beforeAll(async () => {
  const t = performance.now()
  story = await startAppStory({ repositories: ['sage/plugin'], database: 'embedded' })
  console.log('start', performance.now() - t)
})
afterAll(async () => story?.[Symbol.asyncDispose]())
describe('x', () => {
  it('y', async () => {
    const { github } = story
    const octocat = github.person('octocat')
    let t = performance.now()
    const { commit } = await octocat.push('sage/plugin', 'main', PASSING)
    await story.settle()
    console.log(performance.now() - t, story.checks('sage/plugin', commit), story.dispatches('sage/plugin').map((r) => r.inputs))
    const stranger = github.person('stranger')
    const fork = await stranger.fork('sage/plugin')
    await stranger.push(fork, 'fix', { 'main.py': 'print(1)\n' })
    const { number, head } = await stranger.openPull('sage/plugin', { head: 'stranger:fix' })
    t = performance.now()
    await story.settle()
    console.log(performance.now() - t, story.checks('sage/plugin', head), await story.said('sage/plugin', number))
    await octocat.pressButton('sage/plugin', story.check('sage/plugin', head, 'ctss').id, 'approve')
    await story.settle()
    console.log(story.dispatches('sage/plugin').length, story.secretsIn(story.log()))
  })
})
