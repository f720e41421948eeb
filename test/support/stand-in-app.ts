import { apiBudget } from '../../adapters/github/api-budget.ts'
import { githubApp, type GithubAppOptions } from '../../adapters/github/github-app.ts'
import type { AppForge } from '../../pipeline/ports/app-forge.ts'
import type { Github } from './github/github.ts'

/** The service's side of GitHub, as the app that is installed at the stand-in; `sage/control` is its control repository. */
export function standInApp(github: Github, changes: Partial<GithubAppOptions> = {}): AppForge {
  return githubApp({
    appId: github.app.id,
    privateKeys: [github.app.privateKey],
    baseUrl: github.url,
    webUrl: 'https://github.com',
    control: { owner: 'sage', repository: 'control', workflow: 'dispatch.yml', ref: 'main' },
    budget: apiBudget(),
    writeGapMs: 0,
    ...changes,
  })
}
