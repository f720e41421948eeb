/**
 * Compares our readers of Python's YAML and JSON, and what we say in its words, with Python.
 * usage: node scripts/oracle/yaml/fuzz.ts PYTHON [cases] [seed] [folder with texts to mutate]; PYTHON has PyYAML 6.0.3.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadPythonJson } from '../../../pipeline/validate/sage/python-json.ts'
import { loadPyYaml } from '../../../pipeline/validate/sage/pyyaml.ts'
import { record, type Recorded } from '../../../test/support/python-dump.ts'
import { JsonTexts } from '../../../test/support/yaml-texts/json-texts.ts'
import { Random } from '../../../test/oracle/random.ts'
import { YamlTexts } from '../../../test/support/yaml-texts/yaml-texts.ts'

const [python = 'python3', cases = '10000', seed = '1', folder] = process.argv.slice(2)
const BATCH = 2000

const seeds =
  folder === undefined
    ? []
    : readdirSync(folder)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => readFileSync(join(folder, name), 'utf8'))
const child = spawn(python, [join(import.meta.dirname, 'read.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
const random = new Random(Number(seed))
const [yaml, json] = [new YamlTexts(random), new JsonTexts(random)]
const outcomes = new Map<string, number>()
let differences = 0
let milliseconds = 0

for (let done = 0; done < Number(cases) && differences < 20; done += BATCH) {
  const texts = Array.from({ length: BATCH }, () =>
    random.chance(0.25) ? ({ text: json.text(), as: 'json' } as const) : ({ text: yaml.text(seeds), as: 'yaml' } as const),
  )
  child.stdin.write(texts.map((text) => `${JSON.stringify({ ...text, words: true })}\n`).join(''))
  for (const { text, as } of texts) {
    const answer = await answers.next()
    if (answer.done === true) throw new Error('Python ended')
    const expected = JSON.parse(answer.value) as Recorded
    const start = performance.now()
    const parsed = as === 'json' ? loadPythonJson(text) : loadPyYaml(text)
    milliseconds += performance.now() - start
    compare(text, as, expected, record(parsed, true))
  }
}
child.stdin.end()
console.log(`${cases} cases from seed ${seed}, ${differences} differences, ${milliseconds.toFixed(0)} ms in our readers`, Object.fromEntries(outcomes))
process.exitCode = differences === 0 ? 0 : 1

function compare(text: string, as: string, expected: Recorded, ours: Recorded): void {
  const outcome = `${as} ${'error' in expected ? expected.error[0] : 'value'}`
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  if (JSON.stringify(ours) === JSON.stringify(expected) || isExcused(expected, ours)) return
  differences += 1
  console.log(JSON.stringify({ text, as }), '\n  python', JSON.stringify(expected), '\n  ours  ', JSON.stringify(ours))
}

/**
 * Stacks end a few levels apart; two surrogates written apart print as one character in our messages about numbers; and sets have no order in
 * Python, so what is said of them is not compared.
 */
function isExcused(expected: Recorded, ours: Recorded): boolean {
  if ('value' in expected && 'value' in ours) return expected.value === ours.value && /<[^>]*,/.test(expected.value)
  if (!('error' in expected) || !('error' in ours) || expected.error[0] !== ours.error[0]) return false
  return expected.error[0] === 'RecursionError' || /\\ud[89ab].{2}\\ud[c-f]/.test(expected.error[1])
}
