import { describeForgeContract } from '../../../contract/forge.ts'
import { emptyWorld, memoryForge, putComment } from '../../../support/github/memory-forge.ts'

describeForgeContract('a forge in memory', async () => {
  const world = emptyWorld()
  const forge = memoryForge(world)
  let commits = 0
  const commit = (): string => (commits += 1).toString(16).padStart(40, '0')
  return {
    forge,
    people: {
      async push(pullRequest = world.heads.size + 1) {
        const head = commit()
        world.heads.set(pullRequest, head)
        return { number: pullRequest, head }
      },
      async comment(pullRequest, body) {
        putComment(world, pullRequest, 'stranger', body)
      },
      async tag(name) {
        const head = commit()
        world.tags.set(name, head)
        return head
      },
      commit: async () => commit(),
      makeReleasesImmutable: () => {
        world.isImmutable = true
      },
    },
  }
})
