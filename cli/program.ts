import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { normaliseRepositoryUrl } from '../pipeline/repository-url.ts'
import { STAGES, type StageName } from '../pipeline/stage.ts'
import { readEnvironment } from './environment.ts'
import { isGitUrl } from './git-url.ts'
import type { RepositoryOptions, RunOptions, TestOptions, ValidateOptions } from './options.ts'
import { EXIT, explainError, type ExitCode } from '../pipeline/exit-code.ts'
import { printable } from '../pipeline/printable.ts'
import { printablePath } from './output/printable-path.ts'

const DESCRIPTION = 'Takes an edge plugin from its repository to a tested, published bundle, on this machine.'

const EXAMPLES = `
Examples:
  ctss run examples/smoke-detector          the whole pipeline on a folder
  ctss run https://github.com/you/plugin    the same on a Git repository
  ctss test . -- --input /data/in.png       try a plugin, with arguments, no pipeline file needed
  ctss validate . --json                    problems with their lines, for an editor
  ctss doctor                               what is installed, what is missing, how to mend it

Exit codes: 0 passed, 1 problems or a failed gate, 2 the world was wrong (a retry may help), 3 a bug in ctss.`

/** Parses a command line (as `process.argv`), runs the command and returns its exit code. Never throws. */
export async function runProgram(argv: readonly string[], version: string): Promise<ExitCode> {
  let code: ExitCode = EXIT.passed
  const program = makeProgram(version, (result) => (code = result))
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.passed : EXIT.failed
    return tell(error)
  }
  return code
}

/** What is thrown where nobody can catch it ends the process as what is caught does; what it leaves is swept by the next run. A reader of our output that goes away stops nothing. */
export function exitOnUncaught(): void {
  process.on('uncaughtException', (error) => process.exit(tell(error)))
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

function tell(error: unknown): ExitCode {
  const { code, text } = explainError(error)
  // It may quote a stranger: a server, a folder's name.
  process.stderr.write(`ctss: ${text.split('\n').map(printable).join('\n')}\n`)
  return code
}

function makeProgram(version: string, finish: (code: ExitCode) => void): Command {
  const program = new Command('ctss')
    .description(DESCRIPTION)
    .version(version, '-V, --version')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(ctss --help shows the commands and options)')
    .exitOverride()
    .enablePositionalOptions()

  repositoryCommand(program, 'run', 'run every stage: validate, train, build, virtual, publish, report')
    .addOption(new Option('--from <stage>', 'first stage to run; earlier ones are reused').choices(STAGES))
    .addOption(new Option('--to <stage>', 'last stage to run').choices(STAGES))
    .option('--release', 'claim the immutable name namespace/name:version, without a Git tag')
    .action(async (folder: string, options: RunOptions) => finish(await (await import('./commands/run.ts')).runCommand(folder, options)))

  validateCommands(program, finish)

  for (const [stage, summary] of [
    ['train', 'train the model and decide its gates'],
    ['build', 'build the image for every architecture'],
  ] as const) {
    repositoryCommand(program, stage, summary).action(async (folder: string, options: RepositoryOptions) =>
      finish(
        await (
          await import('./commands/run.ts')
        ).runCommand(folder, { ...options, to: stage, ...(stage === 'build' && { keepGoing: true, dockerfileSuffices: true }) }),
      ),
    )
  }

  repositoryCommand(program, 'test', 'build, then run the plugin in the Virtual Waggle')
    .argument('[args...]', 'after --: arguments for the plugin, instead of the trials of ctss.yaml')
    .option('--record', 'write what each trial published to its golden file')
    .option('--trial <name...>', 'only these trials')
    .action(async (folder: string, args: string[], options: TestOptions) =>
      finish(await (await import('./commands/test.ts')).testCommand(folder, args, options)),
    )

  repositoryCommand(program, 'publish', 'publish the tested bundle to the embedded Edge Code Repository')
    .option('--release', 'claim the immutable name namespace/name:version, without a Git tag')
    .action(async (folder: string, options: RunOptions) =>
      finish(await (await import('./commands/run.ts')).runCommand(folder, { ...options, from: 'publish' })),
    )

  repositoryCommand(program, 'report', 'write the report again from the records').action(async (folder: string, options: RepositoryOptions) =>
    finish(await (await import('./commands/run.ts')).runCommand(folder, { ...options, from: 'report' })),
  )

  initCommands(program, finish)
  inboxCommands(program, finish)

  program
    .command('up')
    .description('install and start what the stages need; run and test do this by themselves')
    .option('--quiet', 'print nothing')
    .action(async (options: { quiet?: boolean }) => finish(await (await import('./commands/workstation.ts')).upCommand(options)))
  program
    .command('doctor')
    .description('show what is there, what is missing, and the line that mends it')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: { json?: boolean }) => finish(await (await import('./commands/workstation.ts')).doctorCommand(options)))
  program
    .command('down')
    .description('stop what ctss started, and nothing else')
    .action(async () => finish(await (await import('./commands/workstation.ts')).downCommand()))
  return program
}

function initCommands(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('init')
    .description('write a new plugin, from the example, that passes every stage as it is; or the workflow of a control repository')
    .argument('[name]', 'folder and name of the plugin, for instance cloud-counter; with --control, the checkout of the control repository (else this folder)')
    .option('--control <repository>', 'write the one workflow of this control repository, owner/name, which the app starts')
    .option('--workflows <repository@commit>', "with --control: where this project's workflows are (else the release of this version)")
    .hook('preAction', (_program, command) => {
      const { control } = command.opts()
      if (control === undefined && command.processedArgs[0] === undefined) command.error("error: missing required argument 'name', for instance cloud-counter")
    })
    .action(async (name: string | undefined, { control, workflows }: { readonly control?: string; readonly workflows?: string }) =>
      finish(
        control === undefined
          ? await (await import('./commands/init.ts')).initCommand(name ?? '.')
          : await (await import('./commands/init-control.ts')).initControlCommand(name ?? '.', { repository: control, workflows }),
      ),
    )
}

function inboxCommands(program: Command, finish: (code: ExitCode) => void): void {
  const inbox = program.command('inbox').description('what the app could not handle and has parked, for its operators ($CTSS_APP, $CTSS_OPERATOR_TOKEN)')
  inbox
    .command('list', { isDefault: true })
    .description('show the counts, and every parked ref with its last error')
    .option('--app <url>', 'address of the app (else $CTSS_APP)')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: { readonly app?: string; readonly json?: boolean }) => {
      const { listInboxCommand } = await import('./commands/inbox.ts')
      finish(await listInboxCommand({ app: undefined, ...options }, readEnvironment()))
    })
  inbox
    .command('replay')
    .description('hand a parked ref to the app again')
    .argument('[repository]', "GitHub's number of the repository, as the list shows it", parseRepositoryNumber)
    .argument('[ref]', 'for instance refs/heads/main')
    .option('--all', 'every parked ref')
    .option('--app <url>', 'address of the app (else $CTSS_APP)')
    .hook('preAction', (_program, command) => {
      const isNamed = command.processedArgs[0] !== undefined && command.processedArgs[1] !== undefined
      if (isNamed === (command.opts()['all'] === true)) command.error('error: name a repository and a ref, as ctss inbox list shows them, or give --all')
    })
    .action(async (repository: number | undefined, ref: string | undefined, options: { readonly app?: string }) => {
      const { replayInboxCommand } = await import('./commands/inbox.ts')
      const address = repository === undefined || ref === undefined ? undefined : { repository, ref }
      finish(await replayInboxCommand(address, { app: undefined, ...options }, readEnvironment()))
    })
}

function parseRepositoryNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError(`'${printable(text)}' is no number of a repository; ctss inbox list shows them.`)
  return Number(text)
}

function validateCommands(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('validate')
    .description('judge manifests as Sage does, with everything around them; needs nothing installed')
    .argument('[place...]', 'folders or Git URLs of plugin repositories, or manifests', ['.'])
    .option('--user <name>', 'the Sage user who registers the plugin: the namespace that the Portal fills in', parseWord)
    .option('--repository <url>', 'the address that the Portal fills in (else that of the remote origin)', parseAddress)
    .option('--branch <name>', 'the branch that the Portal fills in (else the one that is checked out)', parseWord)
    .option('--as-submitted', 'judge what POST /submit gets, with nothing filled in')
    .addOption(new Option('--fix', 'apply the safe fixes of errors and warnings, then judge again').conflicts('diff'))
    .addOption(new Option('--diff', 'print what --fix would change, as a patch; write nothing').conflicts(['json', 'sarif', 'github']))
    .addOption(new Option('--json', 'one JSON document on stdout').conflicts(['sarif', 'github']))
    .addOption(new Option('--sarif', 'a SARIF 2.1.0 log on stdout, for code scanning').conflicts('github'))
    .option('--github', 'annotations of GitHub Actions on stdout')
    .option('--buildkit', "ask BuildKit's own check about the Dockerfile too, where there is a builder")
    .option('--strict', 'warnings fail too')
    .option('--ref <ref>', 'branch, tag or commit of a Git URL', parseWord)
    .hook('preAction', (_program, command) => checkRef(command))
    .option('--quiet', 'print no report, only an exit code')
    .action(async (places: string[], options: ValidateOptions) => finish(await (await import('./commands/validate.ts')).validateCommand(places, options)))
  program
    .command('explain')
    .description('print the page of a rule; without a code, list all')
    .argument('[code]', 'code or name of a rule, for instance CTSS-M012')
    .option('--json', 'one JSON document on stdout')
    .action(async (code: string | undefined, options: { json?: boolean }) =>
      finish(await (await import('./commands/explain.ts')).explainCommand(code, options)),
    )
}

function repositoryCommand(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .argument('[folder]', 'folder or Git URL of a plugin repository', '.')
    .option('--platform <platforms>', 'only these platforms, comma-separated', parsePlatforms)
    .addOption(
      new Option('--force [stages]', 'run these stages (comma-separated; all when none is named) even when nothing has changed').argParser(parseStages),
    )
    .option('--keep-going', 'go on after errors; nothing is published after one')
    .option('--ref <ref>', 'branch, tag or commit of a Git URL', parseWord)
    .hook('preAction', (_program, command) => checkRef(command))
    .option('--json', 'one JSON document on stdout; logs on stderr')
    .option('--quiet', 'no progress')
}

/** A folder is judged and built as it lies there: a ref would be ignored. */
function checkRef(command: Command): void {
  if (command.opts()['ref'] === undefined) return
  const given: unknown = command.processedArgs[0]
  const folder = (Array.isArray(given) ? given.map(String) : [String(given)]).find((place) => !isGitUrl(place))
  if (folder !== undefined)
    command.error(`error: option '--ref' is only for Git URLs, and ${printablePath(folder)} is none: check the branch out there instead.`)
}

function parseWord(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty: name one, or leave the option out.')
  return text
}

function parseAddress(text: string): string {
  if (normaliseRepositoryUrl(text) === undefined)
    throw new InvalidArgumentError(`'${printable(text)}' is no address of a Git repository; one looks like https://github.com/owner/repository.`)
  return text
}

function parseList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** As OCI writes them; whether a builder can build for one is for it to say. */
function parsePlatforms(text: string): string[] {
  const platforms = [...new Set(parseList(text))]
  const wrong = platforms.find((platform) => !/^[a-z0-9]+\/[a-z0-9_]+(\/v\d)?$/.test(platform))
  if (wrong !== undefined || platforms.length === 0)
    throw new InvalidArgumentError(`'${wrong ?? text}' is not a platform; one looks like linux/arm64 or linux/arm/v7.`)
  return platforms
}

function parseStages(text: string): StageName[] {
  return parseList(text).map((name) => {
    const stage = STAGES.find((candidate) => candidate === name)
    if (stage === undefined) throw new InvalidArgumentError(`'${name}' is not a stage; the stages are ${STAGES.join(', ')}.`)
    return stage
  })
}
