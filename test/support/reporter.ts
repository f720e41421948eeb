import type { Reporter, TestModule } from 'vitest/node'

/**
 * Closes a run with `N passed, N failed, N skipped`, a line for every skipped test with its reason,
 * and fails a run in which a file skips everything: a suite that tests nothing has not passed.
 */
export default class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let [passed, failed, skipped] = [0, 0, 0]
    const empty: string[] = []
    const lines: string[] = []
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      const left = tests.filter((test) => test.result().state === 'skipped')
      passed += tests.filter((test) => test.result().state === 'passed').length
      failed += tests.filter((test) => test.result().state === 'failed').length
      skipped += left.length
      if (module.state() === 'failed' && tests.every((test) => test.result().state !== 'failed')) failed += 1
      if (tests.length > 0 && left.length === tests.length) empty.push(module.relativeModuleId)
      for (const test of left) lines.push(`skipped: ${test.fullName}: ${reasonOf(test.result())}`)
    }
    if (empty.length > 0) {
      failed += empty.length
      process.exitCode = 1
      lines.push(...empty.map((file) => `every test of ${file} was skipped, so it has tested nothing`))
    }
    // Coverage is printed after the reporters: the closing line waits for the end.
    process.once('exit', () => process.stdout.write(`\n${lines.map((line) => `${line}\n`).join('')}${passed} passed, ${failed} failed, ${skipped} skipped\n`))
  }
}

function reasonOf(result: { state: string; note?: string | undefined }): string {
  return result.note ?? 'no reason given: use context.skip(reason)'
}
