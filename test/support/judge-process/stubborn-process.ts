/** Speaks as the process that judges does, and then does what a text must never make it do: what, says the user that it judges for. */
import { readFileSync } from 'node:fs'
import type { FromProcess, ToProcess } from '../../../adapters/judge-process/messages.ts'

const tell = (message: FromProcess): void => void process.send?.(message)
const kept: unknown[] = []

const DEEDS: Readonly<Record<string, () => void>> = {
  'work for ever': () => {
    while (true);
  },
  'match for ever': () => void /^(a+)+$/.test(`${'a'.repeat(60)}b`),
  'eat memory': () => {
    while (true) kept.push(Array.from({ length: 1000 }, () => ({})))
  },
  'eat memory at once': () => void kept.push('x'.repeat(2 ** 28).split('')),
  'fill a map': () => {
    const map = new Map<number, number>()
    while (true) map.set(map.size, 0)
  },
  'wait for ever': () => undefined,
  'end by itself': () => process.exit(3),
  'fall over': () => {
    throw new Error('it fell')
  },
  'fill the stack': () => tell({ kind: 'broken', tooDeep: true, message: 'Maximum call stack size exceeded', stack: '' }),
  break: () => tell({ kind: 'broken', tooDeep: false, message: 'no such property', stack: 'at line 1' }),
  'ask for all': () => {
    for (let id = 0; id < 5000; id++) tell({ kind: 'question', id, name: 'read', values: ['sage.yaml', 10] })
  },
  'ask for what nobody has': () => tell({ kind: 'question', id: 0, name: 'constructor', values: [] }),
  'ask for no file': () => tell({ kind: 'question', id: 0, name: 'read', values: [{}, -1] }),
  'read a file': () => tell({ kind: 'broken', tooDeep: false, message: readFileSync('/etc/hostname', 'utf8'), stack: '' }),
  'show its environment': () =>
    tell({
      kind: 'broken',
      tooDeep: false,
      message: `[${Object.keys(process.env)
        .filter((name) => !name.startsWith('NODE_'))
        .join()}]`,
      stack: '',
    }),
}

process.on('message', (message: ToProcess) => {
  if (message.kind === 'task' && message.task.kind === 'judge') DEEDS[message.task.options.user ?? '']?.()
})
tell({ kind: 'ready' })
