import { describe, expect, it } from 'vitest'
import { readCommands } from '../../../../pipeline/service/read-command.ts'

const RUN = { what: { kind: 'run', stages: [], again: false } }
const COMMIT = 'a'.repeat(40)

function kinds(body: string): readonly string[] {
  return readCommands(body).map(({ what }) => what.kind)
}

describe('a command', () => {
  it.each([
    ['/ctss run', RUN],
    ['/ctss  run  ', RUN],
    ['/ctss run build virtual', { what: { kind: 'run', stages: ['build', 'virtual'], again: false } }],
    ['/ctss run build build --again', { what: { kind: 'run', stages: ['build'], again: true } }],
    ['/ctss run --on W023 node', { what: { kind: 'run', stages: ['node'], again: false, node: 'W023' } }],
    ['/ctss cancel', { what: { kind: 'cancel' } }],
    ['/ctss approve', { what: { kind: 'approve' } }],
    [`/ctss approve ${COMMIT}`, { what: { kind: 'approve' }, commit: COMMIT }],
    [`/ctss approve ${'b'.repeat(64)}`, { what: { kind: 'approve' }, commit: 'b'.repeat(64) }],
    ['/ctss explain CTSS-M012', { what: { kind: 'explain', code: 'CTSS-M012' } }],
    ['/ctss record', { what: { kind: 'record' } }],
    ['/ctss init', { what: { kind: 'init' } }],
    ['/ctss help', { what: { kind: 'help' } }],
    ['/ctss', { what: { kind: 'help' } }],
    ['/ctss\trun', RUN],
  ])('%j is read', (body, expected) => {
    expect(readCommands(body)).toEqual([expected])
  })

  it.each([
    ['/ctss rnu', 'rnu is no command. Did you mean `run`? `/ctss help` lists them.'],
    ['/ctss deploy', 'deploy is no command. It can be run, cancel, approve, explain, record, init or help. `/ctss help` lists them.'],
    ['/ctss run buidl', 'buidl is no stage. Did you mean `build`?'],
    ['/ctss run --agian', '--agian is no option. Did you mean `--again`?'],
    ['/ctss run @zelda', '`@zelda` is no stage. It can be validate, train, build, virtual, node, publish, report, --again or --on.'],
    ['/ctss run --on', '`--on` wants the name of a node: `/ctss run --on NODE`.'],
    ['/ctss run --on a;b', '`--on` wants the name of a node: `/ctss run --on NODE`.'],
    ['/ctss approve abc1234', '`/ctss approve` wants a whole commit id after it, or nothing.'],
    [`/ctss approve ${COMMIT} please`, '`/ctss approve` wants a whole commit id after it, or nothing.'],
    ['/ctss explain', '`/ctss explain` wants one code: `/ctss explain CTSS-M012`.'],
    [`/ctss explain ${'x'.repeat(101)}`, '`/ctss explain` wants one code: `/ctss explain CTSS-M012`.'],
    ['/ctss cancel all', '`/ctss cancel` takes nothing after it.'],
    [`/ctss run ${'x'.repeat(500)}`, 'This command is too long.'],
  ])('%j is answered: %s', (body, message) => {
    expect(readCommands(body)).toEqual([{ what: { kind: 'unknown', message } }])
  })
})

describe('a comment commands', () => {
  it.each([
    ['on any line', 'Looks good.\n/ctss run'],
    ['after a quotation', '> /ctss cancel\n\n/ctss run'],
    ['after a block of code', '```\n/ctss cancel\n```\n/ctss run'],
    ['after a longer fence', '~~~~\n/ctss cancel\n~~~\n~~~~\n/ctss run'],
    ['after a comment of HTML', '<!-- /ctss cancel\n/ctss cancel -->\n\n/ctss run'],
    ['after code in a line', 'I ran `ctss`.\n/ctss run'],
    ['with line ends of Windows', 'Fine.\r\n/ctss run\r\n'],
    ['after an element that is closed', '<details>\n/ctss cancel\n</details>\n\n/ctss run'],
    ['after a list', '- one\n\n/ctss run'],
    ['after tags named in code', 'Use `<pre>`.\n\n/ctss run'],
  ])('%s', (_, body) => {
    expect(kinds(body)).toEqual(['run'])
  })

  it('five times at most', () => {
    const commands = readCommands('/ctss help\n'.repeat(6))
    expect(commands).toHaveLength(5)
    expect(commands.at(-1)?.what).toEqual({ kind: 'unknown', message: 'A comment has at most 5 commands.' })
  })

  it('several times, each on its line', () => {
    expect(kinds('/ctss cancel\n/ctss run --again\nand then\n/ctss help')).toEqual(['cancel', 'run', 'help'])
  })
})

describe('a comment does not command', () => {
  it.each([
    ['when it says nothing', ''],
    ['when the word goes on', '/ctssrun'],
    ['in other letters', '/CTSS run'],
    ['further right', ' /ctss run'],
    ['in a sentence', 'try /ctss run'],
    ['in a quotation', '> /ctss run'],
    ['in a quotation that goes on by itself', '> somebody said\n/ctss run'],
    ['in indented code', '    /ctss run'],
    ['in a fence', '```\n/ctss run\n```'],
    ['in a fence that nobody closes', '```sh\n/ctss run'],
    ['in a fence whose end is too short', '````\n```\n/ctss run\n````'],
    ['in a fence of tildes that backticks do not close', '~~~\n```\n/ctss run\n~~~'],
    ['in a fence inside a quotation', '> ```\n/ctss run'],
    ['in a fence inside a list', '- ```\n/ctss run\n  ```'],
    ['in a span of code over lines', 'see `\n/ctss run\n`'],
    ['as the rest of a list item', '1. first\n/ctss run'],
    ['in a comment of HTML', '<!--\n/ctss run\n-->'],
    ['in a comment of HTML that nobody closes', 'x <!--\n\n/ctss run'],
    ['in an element of code', '<pre>\n\n/ctss run\n\n</pre>'],
    ['in an element that is a quotation', '<blockquote>\n\n/ctss run\n</blockquote>'],
    ['on the line of an element', 'see <b>this</b>\n/ctss run'],
    ['after an element that ends on its line', '<pre>\n</pre>\n/ctss run'],
    ['with a look-alike slash', '\u2215ctss run'],
    ['behind a zero-width space', '\u200b/ctss run'],
  ])('%s', (_, body) => {
    expect(kinds(body)).toEqual([])
  })

  it('beyond what GitHub takes', () => {
    expect(kinds(`${'x'.repeat(65_536)}\n/ctss run`)).toEqual([])
  })
})
