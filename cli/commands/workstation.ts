import { inspectWorkstation, setUp, shutDown } from '../../adapters/workstation/workstation.ts'
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'
import { plainOutput, quietOutput } from '../output/plain.ts'
import { interruptible } from '../../adapters/process/interruptible.ts'

/** `ctss up`: installs and starts what the stages need. */
export async function upCommand(options: { readonly quiet?: boolean }): Promise<ExitCode> {
  const output = options.quiet ? quietOutput() : plainOutput(process.stderr)
  const workstation = await interruptible((signal) => setUp({ progress: output.general, signal }))
  if (!options.quiet) {
    const { engine, builder, registry, baseImages } = workstation
    process.stdout.write(
      `Ready: Docker Engine ${engine.version}, builder ${builder.name} (${builder.kind}), registry ${registry.host}, base images from ${baseImages.source}.\n`,
    )
  }
  return EXIT.passed
}

/** `ctss doctor`: what is there, what is missing, and the line that mends it. Exit code 1 when something is missing. */
export async function doctorCommand(options: { readonly json?: boolean }): Promise<ExitCode> {
  const findings = await inspectWorkstation()
  if (options.json) process.stdout.write(`${JSON.stringify({ findings }, undefined, 2)}\n`)
  else
    for (const { name, ok, found, mend } of findings)
      process.stdout.write(`${ok ? '✔' : '✖'} ${name}: ${found}${mend === undefined ? '' : `\n    mend: ${mend}`}\n`)
  return findings.every((finding) => finding.ok) ? EXIT.passed : EXIT.failed
}

/** `ctss down`: stops what ctss started, and nothing else. */
export async function downCommand(): Promise<ExitCode> {
  const output = plainOutput(process.stderr)
  await interruptible((signal) => shutDown({ progress: output.general, signal }))
  return EXIT.passed
}
