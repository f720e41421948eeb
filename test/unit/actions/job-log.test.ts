import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { jobLog, type JobLog } from '../../../actions/job-log.ts'
import { digestOf } from '../../../pipeline/digest.ts'
import type { StageSummary } from '../../../pipeline/run.ts'
import { readCommand } from '../../support/actions/runner-command.ts'
import { hostileTexts } from '../pipeline/report/hostile-texts.ts'

function logOf(work: (log: JobLog) => void): string {
  const stream = new PassThrough()
  work(jobLog(stream))
  return String(stream.read() ?? '')
}

/** The commands that the runner finds in a log, whose lines end at `\r`, too (actions/runner: ProcessInvoker reads them by StreamReader.ReadLine). */
function commandsIn(log: string): string[] {
  return log.split(/\r\n|\r|\n/).flatMap((line) => readCommand(line)?.name ?? [])
}

const summary: StageSummary = { stage: 'build', outcome: 'passed', ran: true, seconds: 71.4, key: digestOf('key'), problems: [] }

const HOSTILE = [
  '::set-output name=a::b',
  '  ::add-mask::x',
  '\t::error::x',
  '\u00a0::error::x',
  '\u3000\u2003::error::x',
  '\u0085::error::x',
  '\ufeff::error::x',
  '\u200b::error::x',
  '\u001b[31m::error::x',
  '\u001b]0;t\u0007::error::x',
  '\u0000::error::x',
  'ok\n::error::x',
  'ok\r::error::x',
  'ok\r\n  ::error::x',
  'ok\u2028::error::x',
  'ok\u000b::error::x\u000c::error::y',
  '##[error]x',
  'text ##[set-output name=a]b',
  '#\u200b#[error]x',
  '#\u001b[0m#[error]x',
  '##\u200b[error]x',
  '::stop-commands::token',
  '::endgroup::\n::group::mine',
  '##[endgroup]',
  ...hostileTexts(200).map((text) => `${text}::error::x`),
  ...hostileTexts(100).map((text) => `::error::${text}`),
]

describe('the log of a job', () => {
  it('groups a stage, with its steps and what it prints', () => {
    const log = logOf((job) => {
      const progress = job.stageStarted('build', 'no record of these inputs')
      progress.step('writing the build context')
      progress.output('#1 \u001b[2mloading\n#2 done')
      job.stageEnded(summary)
      job.general.step('starting')
      job.general.output('pulling')
    })

    expect(log).toBe(`::group::build: no record of these inputs
build: writing the build context
| #1 loading
| #2 done
::endgroup::
build: passed in 71 s
set-up: starting
| pulling
`)
  })

  it.each([
    [{ ...summary, ran: false, reason: 'unchanged' }, 'build: passed: unchanged\n'],
    [{ ...summary, ran: false, outcome: 'skipped', reason: 'train did not pass' }, 'build: skipped: train did not pass\n'],
    [{ ...summary, outcome: 'error', reason: 'no answer' }, 'build: error in 71 s: no answer\n'],
  ] as const)('ends a group only where one was begun, %#', (ended, text) => {
    expect(logOf((job) => job.stageEnded(ended))).toBe(text)
    expect(
      logOf((job) => {
        job.stageStarted('build', 'x')
        job.stageEnded(ended)
        job.stageEnded(ended)
      }),
    ).toBe(`::group::build: x\n::endgroup::\n${text}${text}`)
  })

  it('has commands of ours, and lines of ours', () => {
    expect(
      logOf((job) => {
        job.command('::error file=a::b')
        job.line('one\ntwo')
        job.error('wrong\n100%')
        job.warning('odd')
      }),
    ).toBe('::error file=a::b\none\ntwo\n::error::wrong%0A100%25\n::warning::odd\n')
  })

  it('leaves the words of a stranger as they are', () => {
    expect(logOf((job) => job.stageStarted('train', 'x').output('epoch 1: loss=0.3 :: ok # [x]'))).toContain('| epoch 1: loss=0.3 :: ok # [x]\n')
  })

  it.each([
    ['what a plugin prints', (job: JobLog, text: string) => job.stageStarted('train', 'x').output(text), ['group']],
    ['a step', (job: JobLog, text: string) => job.general.step(text), []],
    ['a reason to run', (job: JobLog, text: string) => void job.stageStarted('train', text), ['group']],
    ['a reason at the end', (job: JobLog, text: string) => job.stageEnded({ ...summary, reason: text }), []],
    ['a line of ours that quotes it', (job: JobLog, text: string) => job.line(text), []],
    ['an error', (job: JobLog, text: string) => job.error(text), ['error']],
    ['a warning', (job: JobLog, text: string) => job.warning(text), ['warning']],
  ])('obeys nothing in %s', (_, say, commands) => {
    for (const text of HOSTILE) {
      const log = logOf((job) => say(job, text))

      expect([text, commandsIn(log)]).toEqual([text, commands])
      // oxlint-disable-next-line no-control-regex -- what a terminal obeys
      expect(log).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b]/)
    }
  })

  it('is read by these tests as the runner reads it', () => {
    expect(commandsIn('  ::error::x\ntext ##[group]y\r\u3000::debug::z\n\u0085::notice::z\nplain :: text')).toEqual(['error', 'group', 'debug', 'notice'])
  })
})
