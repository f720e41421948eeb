import { asDigest, digestOf } from '../../pipeline/digest.ts'
import type { ProposedFile } from '../../pipeline/ports/app-forge.ts'
import type { Action } from '../../pipeline/service/action.ts'
import { draftPlugin } from '../../pipeline/service/draft-plugin.ts'
import { sayPath } from '../../pipeline/service/say.ts'
import { readBeehive } from '../../pipeline/virtual/beehive-ndjson.ts'
import { serialiseGolden } from '../../pipeline/virtual/golden.ts'
import type { JudgedPlugin } from './judge-commit.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/** As many messages as a golden file is compared with. */
const MOST_MESSAGES = 10_000
const BRANCH = 'refs/heads/'

/** Proposes files by a pull request of ours; the same proposal again is the same pull request. */
export async function propose(context: ActContext, action: Extract<Action, { kind: 'propose' }>): Promise<ActOutcome> {
  return action.proposal === 'init' ? proposePlugin(context) : proposeGolden(context, action.path)
}

async function proposePlugin({ services, forge, world, repository }: ActContext): Promise<ActOutcome> {
  const base = baseOf(world)
  const commit = await forge.refCommit(`${BRANCH}${base}`)
  if (commit === undefined) return { ...DONE, undone: `There is no branch ${sayPath(base)} to propose a plugin for.` }
  const { owner, name } = repository
  const files = draftPlugin({ owner, name, url: `${services.githubUrl}/${owner}/${name}` }, await forge.tree(commit).entries())
  await forge.propose({
    branch: 'ctss/init',
    base,
    title: 'Make this repository a Sage plugin',
    body: `Somebody asked for it with \`/ctss init\`. It adds ${files.map(({ path }) => `\`${path}\``).join(', ')}, and passes validation as it is.\n\nChange the description, the licence and the trial into your own; \`ctss.yaml\` can also train a model.\n`,
    files: files.map(({ path, text }): ProposedFile => ({ path, content: Buffer.from(text) })),
  })
  return DONE
}

/** Branch that a proposal is to be merged into. */
function baseOf({ ref, repository }: ActContext['world']): string {
  return ref.startsWith(BRANCH) ? ref.slice(BRANCH.length) : repository.defaultBranch
}

async function proposeGolden(context: ActContext, path: string): Promise<ActOutcome> {
  const { forge, world, plugins } = context
  const plugin = plugins.find(({ facts }) => facts.path === path)
  const files = plugin === undefined ? [] : await recordedFiles(context, plugin)
  if (files.length === 0) {
    return { ...DONE, undone: 'There is nothing to record: what the trials have published is no longer kept. `/ctss run virtual --again` measures it anew.' }
  }
  const base = baseOf(world)
  const digest = digestOf(JSON.stringify([base, ...files.map((file) => [file.path, digestOf(file.content)])])).slice('sha256:'.length, 'sha256:'.length + 10)
  await forge.propose({
    branch: `ctss/golden-${digest}`,
    base,
    title: 'Record what the plugin publishes now',
    body: `Somebody asked for it with \`/ctss record\`. ${files.map((file) => `\`${file.path}\``).join(', ')}: what the trials published for ${world.head?.commit.slice(0, 7) ?? base}.\n`,
    files,
  })
  return DONE
}

/** Of each trial that names a golden file, from the first platform on which it ran. */
async function recordedFiles({ services }: ActContext, { facts, reading, summaries }: JudgedPlugin): Promise<readonly ProposedFile[]> {
  const record = summaries.find(({ stage }) => stage === 'virtual')?.record
  const found = (reading?.pipeline?.trials ?? []).map(async ({ name, golden }): Promise<readonly ProposedFile[]> => {
    const file = golden === undefined ? undefined : record?.files.find((candidate) => candidate.role === 'messages' && candidate.name?.startsWith(`${name}/`))
    const content = file && (await services.blobs.get(asDigest(file.digest)))
    if (golden === undefined || content === undefined) return []
    const text = serialiseGolden(readBeehive(content.toString('utf8'), MOST_MESSAGES))
    const place = golden.replace(/^(?:\.\/)+/, '')
    return [{ path: facts.path === '' ? place : `${facts.path}/${place}`, content: Buffer.from(text) }]
  })
  return [...new Map((await Promise.all(found)).flat().map((file) => [file.path, file])).values()]
}
