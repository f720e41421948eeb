import { hasErrors } from '../../pipeline/problem.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { readEnvironment, workParentOf } from '../environment.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { interruptible } from '../interruptible.ts'
import { openRepository } from '../open-repository.ts'
import { describeProblem } from '../output/result.ts'
import type { RepositoryOptions } from '../options.ts'

/** `ctss validate`: every problem of sage.yaml and ctss.yaml. Needs nothing installed, and leaves no record. */
export async function validateCommand(place: string, options: RepositoryOptions): Promise<ExitCode> {
  const problems = await interruptible(async (signal) => {
    await using repository = await openRepository(place, { ref: options.ref, workParent: workParentOf(readEnvironment()), signal })
    return (await readPipeline(repository.tree)).problems
  })
  if (options.json) process.stdout.write(`${JSON.stringify({ problems }, undefined, 2)}\n`)
  else if (!options.quiet) {
    const errors = problems.filter(({ severity }) => severity === 'error').length
    process.stdout.write(
      `${problems.map((problem) => `${describeProblem(problem)}\n`).join('')}${errors === 0 ? 'valid' : 'not valid'}: ${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}\n`,
    )
  }
  return hasErrors(problems) ? EXIT.failed : EXIT.passed
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
