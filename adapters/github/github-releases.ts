import { Failure } from '../../pipeline/failure.ts'
import type { ForgeRelease, ForgeReleases, ReleaseFields } from '../../pipeline/ports/forge.ts'
import { readAsset, readRelease } from './answers.ts'
import { commitOfRef } from './commit-of-ref.ts'
import type { GithubClient } from './github-client.ts'
import { isAlreadyThere } from './github-failure.ts'

/** GitHub lists 10,000 releases at most (docs.github.com, List releases). */
const RELEASE_PAGES = 100
/** 1,000 assets are the most that a release takes. */
const ASSET_PAGES = 11
const READ = 'contents: read'
const WRITE = 'contents: write'
const WORKFLOW_HINT =
  "A workflow's token may also not release a commit whose files in .github/workflows differ from the default branch's: merge it there first, or make the release by hand as a draft of this tag, and run again."

/** The releases of a repository, their assets, and the tags that they are of. */
export function githubReleases(client: GithubClient): ForgeReleases {
  const { octokit, place, ask, find, list } = client

  async function withAssets(release: Omit<ForgeRelease, 'assets'>): Promise<ForgeRelease> {
    const call = { what: `list the assets of the release ${release.tag}`, permission: READ }
    return {
      ...release,
      assets: await list(call, (page) => octokit.rest.repos.listReleaseAssets({ ...place, ...page, release_id: release.id }), readAsset, ASSET_PAGES),
    }
  }

  return {
    async tagCommit(tag) {
      return commitOfRef(client, `tags/${tag}`, `show the tag ${tag}`)
    },
    async releases(tag) {
      // The releases of a tag can be asked for, but not its drafts.
      const call = { what: 'list the releases', permission: READ }
      const all = await list(call, (page) => octokit.rest.repos.listReleases({ ...place, ...page }), readRelease, RELEASE_PAGES)
      return Promise.all(all.filter((release) => release.tag === tag).map(withAssets))
    },
    async release(id) {
      const call = { what: `show the release ${id}`, permission: READ }
      const release = await find(call, () => octokit.rest.repos.getRelease({ ...place, release_id: id }), readRelease)
      return release && withAssets(release)
    },
    async createDraft(tag, fields) {
      const call = { what: `draft the release ${tag}`, permission: WRITE, hint: WORKFLOW_HINT }
      const release = await ask(call, () => octokit.rest.repos.createRelease({ ...place, tag_name: tag, ...parametersOf(fields), draft: true }), readRelease)
      return { ...release, assets: [] }
    },
    async publishRelease({ id, tag }, fields) {
      const call = { what: `publish the release ${tag}`, permission: WRITE, hint: WORKFLOW_HINT }
      // Without its tag's name a draft loses it. Which release is the latest is for GitHub to tell by the version, or a patch of an old one would be.
      const parameters = { ...place, release_id: id, tag_name: tag, ...parametersOf(fields), draft: false, make_latest: 'legacy' } as const
      await ask(call, () => octokit.rest.repos.updateRelease(parameters), readRelease)
    },
    async deleteDraft(id) {
      const call = { what: `delete the doubled draft ${id}`, permission: WRITE }
      const release = await find(call, () => octokit.rest.repos.getRelease({ ...place, release_id: id }), readRelease)
      if (release?.isDraft !== true) return
      await find(
        call,
        () => octokit.rest.repos.deleteRelease({ ...place, release_id: id }),
        () => undefined,
      )
    },
    async uploadAsset(release, name, mediaType, content) {
      const call = { what: `attach ${name} to the release ${release.tag}`, permission: WRITE }
      const url = uploadAddress(release, client.options.baseUrl)
      const headers = { 'content-type': mediaType, 'content-length': content.length }
      return find(call, () => octokit.request({ method: 'POST', url, name, data: content, headers }), readAsset, isAlreadyThere)
    },
    async deleteAsset(id) {
      const call = { what: `delete the asset ${id}`, permission: WRITE }
      await find(
        call,
        () => octokit.rest.repos.deleteReleaseAsset({ ...place, asset_id: id }),
        () => undefined,
      )
    },
  }
}

function parametersOf({ title, text, isPrerelease, commit }: ReleaseFields) {
  return { name: title, body: text, prerelease: isPrerelease, ...(commit !== undefined && { target_commitish: commit }) }
}

/** Where GitHub says that it takes assets. The token goes there, so that it must be GitHub's: the same host, or `uploads.` in place of `api.`. */
function uploadAddress({ uploadUrl }: ForgeRelease, baseUrl: string): string {
  const [api, uploads] = [new URL(baseUrl), URL.parse(uploadUrl.replace(/\{.*$/, ''))]
  if (uploads?.protocol === api.protocol && (uploads.host === api.host || uploads.host === api.host.replace(/^api\./, 'uploads.'))) return uploadUrl
  throw new Failure('forge-refused', `GitHub at ${api.host} takes assets at another place than its own: ${uploadUrl.slice(0, 200)}`)
}
