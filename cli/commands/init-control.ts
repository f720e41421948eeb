import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isMap, parseDocument } from 'yaml'
import { errorCode, storageFailure } from '../../adapters/filesystem/storage-failure.ts'
import { runGit } from '../../adapters/repository-tree/git.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'
import { Failure } from '../../pipeline/failure.ts'
import { checkoutFolder } from '../checkout.ts'

export interface ControlOptions {
  /** `owner/name` of the control repository. */
  readonly repository: string
  /** This project's workflows: `owner/name@commit`. Undefined: at the commit of this version's release. */
  readonly workflows: string | undefined
}

/** Where this project is published. */
const PROJECT = 'sagecontinuum/ctss'
const PROJECT_URL = `https://github.com/${PROJECT}`
const WORKFLOW = '.github/workflows/dispatch.yml'
const BANNER = '# Written by `ctss init --control`: run it again for another release, and change nothing here by hand.\n'
const REPOSITORY = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100}$/
const WORKFLOWS = /^([A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100})@([0-9a-f]{40})$/

/**
 * `ctss init --control OWNER/NAME [folder]`: writes the one workflow of a control repository into its checkout, and a README where there is none. The same again changes
 * nothing. Fails with `forge-unavailable`, `forge-refused`, `storage-full`, `storage-unavailable`.
 */
export async function initControlCommand(path: string, options: ControlOptions, projectUrl = PROJECT_URL): Promise<ExitCode> {
  if (!REPOSITORY.test(options.repository) || options.repository.endsWith('.git'))
    return refuse(`'${options.repository}' is no repository: name the control repository, for instance my-organisation/ctss-control.`)
  if (options.workflows !== undefined && !WORKFLOWS.test(options.workflows))
    return refuse(
      `'${options.workflows}' names no workflows: give repository and commit, for instance ${PROJECT}@${'0123456789'.repeat(4)}. A branch or a tag could be moved.`,
    )
  const [, project = PROJECT, given] = WORKFLOWS.exec(options.workflows ?? '') ?? []
  const folder = resolve(path)
  const commit = given ?? (await findRelease(folder, projectUrl))
  const file = join(folder, WORKFLOW)
  const before = await readIfThere(file)
  if (before !== undefined && !before.startsWith(BANNER))
    return refuse(`${file} was not written by ctss, so it is left alone. Remove it first, or name another folder.`)
  const text = renderWorkflow(
    await readFile(join(checkoutFolder(), 'reusable-workflows/dispatch.yml'), 'utf8'),
    project,
    commit,
    given === undefined ? `v${packageJson.version}` : undefined,
  )
  if (before !== text) await write(file, text)
  const readme = join(folder, 'README.md')
  const hasReadme = (await readIfThere(readme)) !== undefined
  if (!hasReadme) await write(readme, renderReadme(options.repository))
  const written = [...(before === text ? [] : [file]), ...(hasReadme ? [] : [readme])]
  process.stdout.write(
    `${written.length === 0 ? 'Nothing was to be changed.' : `Wrote ${written.join(' and ')}.`} Next:\n` +
      '  commit and push it to the default branch, and install the app in the repository\n' +
      `  CONTROL_REPOSITORY=${options.repository}\n  DISPATCH_WORKFLOW=${project}/${WORKFLOW}@${commit}\nThe last two are variables of the app; docs/control-repository.md walks through it.\n`,
  )
  return EXIT.passed
}

/** The commit of this version's release: a tag could be moved, so the workflow names the commit. */
async function findRelease(cwd: string, projectUrl: string): Promise<string> {
  const tag = `refs/tags/v${packageJson.version}`
  const suggestion = `Name a commit: --workflows ${PROJECT}@COMMIT.`
  const listing = await runGit(['ls-remote', '--quiet', '--', projectUrl, tag, `${tag}^{}`], { cwd, protocols: ['https', 'file'] })
  if (listing.kind !== 'ok')
    throw new Failure('forge-unavailable', `${projectUrl} cannot be asked for the commit of its release v${packageJson.version}`, { suggestion })
  const commits = new Map(
    listing.stdout
      .toString('utf8')
      .split('\n')
      .flatMap((line) => {
        const [, commit = '', ref = ''] = /^([0-9a-f]{40})\t(.+)$/.exec(line) ?? []
        return ref === '' ? [] : [[ref, commit] as const]
      }),
  )
  // Of an annotated tag the second line names the commit.
  const commit = commits.get(`${tag}^{}`) ?? commits.get(tag)
  if (commit === undefined) throw new Failure('forge-refused', `${projectUrl} has no release v${packageJson.version}`, { suggestion })
  return commit
}

/** The inputs are those of the workflow that it calls, word for word: what the app can say, the jobs hear. */
function renderWorkflow(dispatch: string, project: string, commit: string, release: string | undefined): string {
  const inputs = parseDocument(dispatch).getIn(['on', 'workflow_dispatch', 'inputs'])
  const names = isMap(inputs) ? inputs.items.map(({ key }) => String(key)) : []
  const [, written = ''] = /^ {2}workflow_dispatch:\n {4}inputs:\n((?: {6}.*\n)+)/m.exec(dispatch) ?? []
  if (names.length === 0 || names.length !== written.trimEnd().split('\n').length) throw new TypeError('dispatch.yml writes its inputs in another way')
  return `${BANNER}# Whoever may change this file, or start it, spends the machines of this repository; the app starts it for every push that it decides to run.
name: CTSS
# The app finds a run by the id of its plan.
run-name: \${{ inputs.repository }} · \${{ inputs.plan || inputs.commit }}
on:
  workflow_dispatch:
    inputs:
${written}permissions: {}
# Runs of one plugin at one commit come one after the other: what the first has done, the second finds done.
concurrency:
  group: ctss \${{ inputs.repository }} \${{ inputs.path }} \${{ inputs.commit }}
  cancel-in-progress: false
jobs:
  ctss:
    name: ctss
    permissions:
      contents: write # asked for by publish.yml; it is of this repository, where nothing is written
      packages: write # to push images and records into the packages of this organisation
      pull-requests: write # asked for by report.yml; a dispatched run has no pull request, so nothing is written
      id-token: write # to show the app which run asks for a plan and delivers; no job that runs code of a plugin has it
    uses: ${project}/${WORKFLOW}@${commit}${release === undefined ? '' : ` # ${release}`}
    with:
${names.map((name) => `      ${name}: \${{ inputs.${name} }}\n`).join('')}`
}

function renderReadme(repository: string): string {
  return `# ${repository.split('/')[1] ?? repository}

The control repository of CTSS: the one repository whose workflow may use our machines. Nobody works in it. The app starts \`${WORKFLOW}\` for every push to a plugin that it decides to run;
the jobs, their logs and their artifacts are here, so whoever may read this repository may read what plugins print.

- Keep it private where plugins are private, and let nobody but administrators write to it: who may change the workflow, or start it, spends the machines.
- Give the runner group of our machines to this repository alone (settings of the organisation, Actions, Runner groups).
- The app must be installed here, and know it: \`CONTROL_REPOSITORY\` is this repository, and \`DISPATCH_WORKFLOW\` what \`${WORKFLOW}\` names after \`uses:\`.
- For a newer release: \`ctss init --control ${repository} .\`, then the app's \`DISPATCH_WORKFLOW\` (both, separated by a comma, while old runs end).
`
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw storageFailure(error, `reading ${file}`)
  })
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  } catch (error) {
    throw storageFailure(error, `writing ${file}`)
  }
}

function refuse(message: string): ExitCode {
  process.stderr.write(`ctss: ${message}\n`)
  return EXIT.failed
}
