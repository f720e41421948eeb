import type { Edit } from '../../../schemas/generated/types.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { replaceValue } from '../fixes/yaml-edits.ts'
import { listOf, valueOf } from '../lenient.ts'
import { readsNothing } from '../python/argument-parser.ts'
import type { Flag } from '../python/argument-parser.ts'
import { flagOf, judgeInputs, unnamedFlags } from '../python/judged-inputs.ts'
import { programOf } from '../python/program.ts'
import type { Finding, ManifestFile, RepositoryFacts, RepositoryRule } from '../rule.ts'
import { alternatives, quote } from '../words.ts'
import type { DocumentPath } from '../yaml-source.ts'
import { manifestWithInputs, programWithFlags } from './python-examples.ts'

const FORM = 'sagecontinuum/sage-gui, apps/sage/jobs/create-job: SelectedAppTable.tsx L75-90, CreateJob.tsx L215-224'
const ARGPARSE = 'CPython, Lib/argparse.py, `_parse_optional` and `_get_option_tuples`'

const inputsAreKnown: RepositoryRule = {
  code: 'CTSS-P020',
  name: 'input-unknown-to-program',
  severity: 'warning',
  title: 'The program has no flag for an input.',
  reason: 'The Portal’s job form makes `-<id> <value>` of an input that somebody fills in. argparse ends the program when it does not know the flag.',
  source: `${FORM}; ${ARGPARSE}.`,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: rate, type: int'), 'main.py': programWithFlags('"-interval", "--interval", type=int') },
    good: { 'sage.yaml': manifestWithInputs('id: interval, type: int'), 'main.py': programWithFlags('"-interval", "--interval", type=int') },
  },
  *check(facts) {
    const judged = judgeInputs(facts)
    if (judged === undefined) return
    const used = new Set(judged.inputs.map(({ id }) => id))
    for (const { position, id, found, meant } of judged.inputs) {
      const path = ['inputs', position, 'id']
      if (found.kind === 'positional') {
        yield {
          place: facts.manifest.place(path),
          message: `The program takes ${quote(id)} by its place, without a flag; the job form writes -${id} before it.`,
          suggestion: `Make it a flag: parser.add_argument("-${id}", "--${id}", …).`,
        }
      }
      if (found.kind !== 'unknown') continue
      const plain = id.replace(/^-+/, '')
      const end = judged.commandLine.ignoresOthers ? 'and leaves it unread' : 'and ends when it is used'
      yield {
        place: facts.manifest.place(path),
        message: `${judged.program.entry.text.file} has no flag ${quote(`--${plain}`)}, ${end}.`,
        suggestion:
          meant === undefined
            ? `Add it to the program, or take the input out. The program knows ${judged.names.length === 0 ? 'no flags' : alternatives(judged.names.slice(0, 12)).replace(/ or (?=[^ ]*$)/, ' and ')}.`
            : `Write id: "${meant}".`,
        ...(meant !== undefined && !used.has(meant) && fixProperty(`write ${meant}`, false, replaceValue(facts.manifest, path, meant))),
      }
    }
  },
}

const oneDashIsKnown: RepositoryRule = {
  code: 'CTSS-P021',
  name: 'flag-with-two-dashes-only',
  severity: 'warning',
  title: 'The Portal’s job form writes a flag with one dash, and the program knows it with two only.',
  reason:
    'The form makes `-<id> <value>` of an input. argparse takes `-stream` for a row of short options: with a `-s` it reads `-s tream`, with none it ends the program. ' +
    'A job that is written by hand, or copied from one with `--stream`, works. The place to act is the program: `add_argument("-stream", "--stream", …)` serves both, and the attribute keeps its name.',
  source: `${FORM}; ${ARGPARSE}; tried with Python 3.6, 3.11 and 3.13.`,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: stream, type: string'), 'main.py': programWithFlags('"--stream"') },
    good: { 'sage.yaml': manifestWithInputs('id: stream, type: string'), 'main.py': programWithFlags('"-stream", "--stream"') },
  },
  *check(facts) {
    const judged = judgeInputs(facts)
    const done = new Set<Flag>()
    for (const { id, found } of judged?.inputs ?? []) {
      if (found.kind !== 'two-dashes' || done.has(found.flag)) continue
      const { flag, reads } = found
      done.add(flag)
      const name = id.replace(/^-+/, '')
      const at = flag.optionSpan
      // With a `-s`, `-stream` would also change what `-str` is short for.
      const isSafe = /^[a-z]/i.test(name) && judged?.commandLine.flags.every(({ options }) => !options.includes(`-${name.slice(0, 1)}`)) === true
      yield {
        place: at === undefined ? flag.place : flag.text.place(at),
        message: `The Portal’s job form writes -${name}; argparse ${reads}.`,
        suggestion: `Name both: add_argument("-${name}", "--${name}", …).`,
        ...(at !== undefined &&
          !name.includes('"') &&
          fixProperty(`add "-${name}"`, isSafe, [flag.text.replace({ start: at.start, end: at.start }, `"-${name}", `)])),
      }
    }
  },
}

const switchesTakeNoValue: RepositoryRule = {
  code: 'CTSS-P022',
  name: 'boolean-input-with-value',
  severity: 'warning',
  title: 'A boolean input belongs to a flag that takes a value.',
  reason:
    'The job form writes a bare `-<id>` for a boolean that is ticked, and nothing for one that is not. argparse then ends with "expected one argument". `type=bool` is no cure: every text but the empty one is true.',
  source: `${FORM}; ${ARGPARSE}.`,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: debug, type: boolean'), 'main.py': programWithFlags('"-debug", "--debug", type=bool, default=False') },
    good: { 'sage.yaml': manifestWithInputs('id: debug, type: boolean'), 'main.py': programWithFlags('"-debug", "--debug", action="store_true"') },
  },
  *check(facts) {
    for (const input of judgeInputs(facts)?.inputs ?? []) {
      const flag = flagOf(input)
      if (input.type !== 'boolean' || flag === undefined || (flag.takes !== 'one' && flag.takes !== 'many')) continue
      yield {
        place: flag.place,
        message: `The input ${quote(input.id)} is a boolean, for which the job form writes a flag without a value; this flag needs one.`,
        suggestion: `Write action="store_true"${flag.type === undefined ? '' : ` instead of type=${flag.type.slice(0, 40)}`}, or declare the input a string.`,
      }
    }
  },
}

const valuesAreTaken: RepositoryRule = {
  code: 'CTSS-P023',
  name: 'input-with-value-for-switch',
  severity: 'warning',
  title: 'An input with a value belongs to a flag that takes none.',
  reason:
    'For every type but boolean the job form writes `-<id> <value>`, also when the field was left blank on purpose. argparse ends with "unrecognized arguments", or takes the value for something else.',
  source: `${FORM}; ${ARGPARSE}.`,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: debug, type: string'), 'main.py': programWithFlags('"-debug", "--debug", action="store_true"') },
    good: { 'sage.yaml': manifestWithInputs('id: debug, type: boolean'), 'main.py': programWithFlags('"-debug", "--debug", action="store_true"') },
  },
  *check(facts) {
    for (const input of judgeInputs(facts)?.inputs ?? []) {
      if (input.type === 'boolean' || input.type === '' || flagOf(input)?.takes !== 'none') continue
      const path = ['inputs', input.position, 'type']
      yield {
        place: facts.manifest.place(path),
        message: `The flag ${quote(`--${input.id.replace(/^-+/, '')}`)} takes no value, and the job form writes one for type ${input.type.slice(0, 20)}.`,
        suggestion: 'Write type: "boolean".',
        ...fixProperty('make it a boolean', false, replaceValue(facts.manifest, path, 'boolean')),
      }
    }
  },
}

/** Inputs of these types whose flag takes a number that such values may not be; with the manifest's type for it. */
function* widerInputs(facts: RepositoryFacts, types: readonly string[], converters: readonly string[]): Iterable<Finding> {
  for (const input of judgeInputs(facts)?.inputs ?? []) {
    const wanted = flagOf(input)?.type
    if (wanted === undefined || flagOf(input)?.takes === 'none' || !types.includes(input.type) || !converters.includes(wanted)) continue
    const path = ['inputs', input.position, 'type']
    yield {
      place: facts.manifest.place(path),
      message: `The input ${quote(input.id)} is a ${input.type}, and the program takes ${wanted === 'int' ? 'an int' : 'a float'} (type=${wanted}).`,
      suggestion: `Write type: "${wanted}".`,
      ...fixProperty(`make it ${wanted}`, false, replaceValue(facts.manifest, path, wanted)),
    }
  }
}

const CONVERSION = `${FORM}; CPython, Lib/argparse.py, \`_get_value\`.`

const fractionsAreTaken: RepositoryRule = {
  code: 'CTSS-P024',
  name: 'float-input-for-int',
  severity: 'warning',
  title: 'An input takes fractions, and the program does not.',
  reason: 'The type of an input decides which field the job form shows. A value that argparse cannot convert ends the program with "invalid int value".',
  source: CONVERSION,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: rate, type: float'), 'main.py': programWithFlags('"-rate", "--rate", type=int') },
    good: { 'sage.yaml': manifestWithInputs('id: rate, type: int'), 'main.py': programWithFlags('"-rate", "--rate", type=int') },
  },
  check: (facts) => widerInputs(facts, ['float', 'double'], ['int']),
}

const numbersAreNumbers: RepositoryRule = {
  code: 'CTSS-P029',
  name: 'text-input-for-number',
  severity: 'hint',
  title: 'An input is declared a text, and the program takes a number.',
  reason:
    'As a number it gets a field that takes numbers only; as a text anything can be typed, and the program ends with "invalid float value" when it is none.',
  source: CONVERSION,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: rate, type: string'), 'main.py': programWithFlags('"-rate", "--rate", type=float') },
    good: { 'sage.yaml': manifestWithInputs('id: rate, type: float'), 'main.py': programWithFlags('"-rate", "--rate", type=float') },
  },
  check: (facts) => widerInputs(facts, ['string', 'File'], ['int', 'float']),
}

const defaultsAgree: RepositoryRule = {
  code: 'CTSS-P025',
  name: 'default-differs',
  severity: 'warning',
  title: 'The default of an input is not the program’s.',
  reason:
    'The catalogue shows the manifest’s default; nobody hands it to the program. A field that is left blank is not passed on, and the program takes its own.',
  source: `${FORM} (fields without a value are left out).`,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: rate, type: int, default: 10'), 'main.py': programWithFlags('"-rate", "--rate", type=int, default=30') },
    good: { 'sage.yaml': manifestWithInputs('id: rate, type: int, default: 30'), 'main.py': programWithFlags('"-rate", "--rate", type=int, default=30') },
  },
  *check(facts) {
    for (const input of judgeInputs(facts)?.inputs ?? []) {
      const flag = flagOf(input)
      const declared = valueOf(listOf(facts.manifest.value, 'inputs')[input.position], 'default')
      if (flag === undefined || declared === undefined || declared === null || declared === '' || typeof declared === 'object') continue
      const path = ['inputs', input.position, 'default']
      if (flag.choices !== undefined && !flag.choices.some((choice) => isSame(choice, declared))) {
        yield {
          place: facts.manifest.place(path),
          message: `The default ${quote(declared)} of ${quote(input.id)} is none of the program’s choices.`,
          suggestion: `Write ${alternatives(flag.choices.slice(0, 8).map((choice) => quote(choice)))}.`,
        }
      } else if (flag.isRequired) {
        yield {
          place: facts.manifest.place(path),
          message: `The input ${quote(input.id)} has a default here, and the program insists on a value: without one it ends.`,
          suggestion: `Give add_argument default=… instead of required=True.`,
        }
      } else if (flag.default !== undefined && flag.default !== '' && !(flag.default === null && flag.takes === 'unknown') && !isSame(flag.default, declared)) {
        const own = flag.default === null ? 'none' : quote(flag.default)
        yield {
          place: facts.manifest.place(path),
          message: `The default of ${quote(input.id)} is ${quote(declared)} here, and ${own} in ${flag.text.file}; the program’s counts.`,
          suggestion:
            flag.default === null
              ? 'Take it out, or give it to add_argument.'
              : `Write default: ${typeof flag.default === 'string' ? quote(flag.default) : String(flag.default)}, or change the program’s.`,
          ...(flag.default !== null && fixProperty('take the program’s default', false, writeDefault(facts.manifest, path, flag.default))),
        }
      }
    }
  },
}

/** Numbers and booleans stay what they are; texts are quoted where YAML asks for it. */
function writeDefault(manifest: ManifestFile, path: DocumentPath, value: string | number | boolean): readonly Edit[] | undefined {
  if (typeof value === 'string') return replaceValue(manifest, path, value)
  const span = manifest.span(path, 'value')
  return span && [manifest.text.replace(span, String(value))]
}

/** As argparse sees them: a default that is a text goes through `type` as well. */
function isSame(own: string | number | boolean | null, declared: unknown): boolean {
  if (own === declared) return true
  const [a, b] = [String(own).trim(), String(declared).trim()]
  if (a.toLowerCase() === b.toLowerCase()) return typeof own !== 'string' || typeof declared !== 'string' || a === b
  return a !== '' && b !== '' && Number(a) === Number(b)
}

const flagsAreInputs: RepositoryRule = {
  code: 'CTSS-P026',
  name: 'flag-without-input',
  severity: 'hint',
  title: 'The program has flags that no input names.',
  reason:
    'The job form shows fields for the manifest’s inputs only, and the catalogue lists nothing else: whoever schedules the plugin does not learn of these flags. Flags that take a path, or that the program hides from its help, are not counted.',
  source: `${FORM}.`,
  example: {
    bad: { 'main.py': programWithFlags('"-rate", "--rate", type=int, default=30') },
    good: { 'sage.yaml': manifestWithInputs('id: rate, type: int, default: 30'), 'main.py': programWithFlags('"-rate", "--rate", type=int, default=30') },
  },
  *check(facts) {
    const judged = judgeInputs(facts)
    if (judged === undefined) return
    const left = unnamedFlags(judged).filter(
      (flag) => !flag.isRequired && !flag.isHidden && !/(?:^|\.)(?:Path|FileType)$/.test(flag.type ?? '') && flag.type !== 'unknown',
    )
    if (left.length === 0) return
    const names = left.map(longName)
    const place = facts.manifest.place(['inputs'], 'key')
    yield {
      place,
      message: `No input names ${names.length === 1 ? `the flag ${names[0]}` : `${names.length} flags`} of ${judged.program.entry.text.file}${names.length === 1 ? '' : `: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}`}.`,
      suggestion: `Add to inputs what a job may want to set: ${left
        .slice(0, 3)
        .map((flag) => `{id: ${longName(flag).replace(/^-+/, '')}, type: ${inputType(flag)}}`)
        .join(', ')}.`,
    }
  },
}

const requiredFlagsAreInputs: RepositoryRule = {
  code: 'CTSS-P027',
  name: 'required-argument-without-input',
  severity: 'warning',
  title: 'The program insists on an argument that no input names.',
  reason: 'A job that is made with the Portal’s form cannot give it, and the program ends with "the following arguments are required".',
  source: `${FORM}; CPython, Lib/argparse.py, \`_parse_known_args\`.`,
  example: {
    bad: { 'main.py': programWithFlags('"-rate", "--rate", type=int, required=True') },
    good: { 'sage.yaml': manifestWithInputs('id: rate, type: int'), 'main.py': programWithFlags('"-rate", "--rate", type=int, required=True') },
  },
  *check(facts) {
    const judged = judgeInputs(facts)
    // Words in ENTRYPOINT may be what it insists on.
    if (judged === undefined || judged.program.words.some((word) => !word.startsWith('-'))) return
    for (const flag of unnamedFlags(judged)) {
      if (!flag.isRequired || flag.takes === 'unknown' || judged.program.words.some((word) => flag.options.includes(word.split('=')[0] ?? ''))) continue
      const isPositional = flag.options.length === 0
      yield {
        place: flag.place,
        message: `The program insists on ${isPositional ? quote(flag.name) : longName(flag)}, and no input names it: a job made with the Portal’s form cannot give it.`,
        suggestion: isPositional
          ? `Make it a flag, add_argument("-${flag.name}", "--${flag.name}", …), and name it in inputs.`
          : `Add to inputs {id: ${longName(flag).replace(/^-+/, '')}, type: ${inputType(flag)}}.`,
      }
    }
  },
}

function longName({ options, name }: Flag): string {
  return options.find((option) => option.startsWith('--')) ?? options[0] ?? name
}

function inputType({ takes, type }: Flag): string {
  if (takes === 'none') return 'boolean'
  return type === 'int' || type === 'float' ? type : 'string'
}

const argumentsAreRead: RepositoryRule = {
  code: 'CTSS-P028',
  name: 'inputs-never-read',
  severity: 'warning',
  title: 'The manifest declares inputs, and the program never looks at its arguments.',
  reason: 'Inputs become arguments of the program. One without a parser, which does not look at `sys.argv` either, runs the same whatever a job sets.',
  source: `${FORM}.`,
  example: {
    bad: { 'sage.yaml': manifestWithInputs('id: rate, type: int') },
    good: { 'sage.yaml': manifestWithInputs('id: rate, type: int'), 'main.py': programWithFlags('"-rate", "--rate", type=int') },
  },
  *check(facts) {
    const program = programOf(facts)
    const inputs = listOf(facts.manifest.value, 'inputs')
    if (inputs.length === 0 || program?.takesArguments !== true || !readsNothing(program)) return
    yield {
      place: facts.manifest.place(['inputs'], 'key'),
      message: `${program.entry.text.file} never looks at its arguments: ${inputs.length === 1 ? 'the input does' : 'the inputs do'} nothing.`,
      suggestion: 'Read them with argparse, or take them out of the manifest.',
    }
  },
}

/** Rules about the manifest's inputs against the program's command line. */
export const ARGUMENT_RULES: readonly RepositoryRule[] = [
  inputsAreKnown,
  oneDashIsKnown,
  switchesTakeNoValue,
  valuesAreTaken,
  fractionsAreTaken,
  defaultsAgree,
  flagsAreInputs,
  requiredFlagsAreInputs,
  argumentsAreRead,
  numbersAreNumbers,
]
