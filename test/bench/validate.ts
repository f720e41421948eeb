/**
 * bench:validate [FOLDER]: how fast manifests are judged, on those of a folder (default: the examples and what the schema's tests hold).
 * Warm, against the `yaml` parser alone; cold, against `node -e 0` and check-jsonschema (on PATH, or $CHECK_JSONSCHEMA); and the memory of many in one call.
 * Everything of one kind is interleaved, so that a busy machine slows all of it down alike.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { validateManifestText } from '../../pipeline/validate/judge-repository.ts'
import { SCHEMA_VERDICTS } from '../support/schema-manifests.ts'
import { machineFacts, median } from './measure.ts'

const WARM_ROUNDS = 21
const COLD_REPETITIONS = 11
const CLI = 'dist/ctss.mjs'

const folder = process.argv[2]
const work = mkdtempSync(join(tmpdir(), 'ctss-bench-'))
try {
  const manifests = readManifests()
  console.log(machineFacts())
  console.log(
    `${manifests.length} manifests, ${(manifests.reduce((sum, { length }) => sum + length, 0) / 1024).toFixed(0)} KiB${folder === undefined ? '' : ` of ${folder}`}`,
  )
  measureWarm(manifests)
  measureCold(manifests[0] ?? Buffer.alloc(0))
  measureMemory(manifests)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function readManifests(): readonly Buffer[] {
  const examples = filesBelow(folder ?? 'examples')
  return folder === undefined ? [...examples, ...SCHEMA_VERDICTS.map(([text]) => Buffer.from(text))] : examples
}

function filesBelow(parent: string): readonly Buffer[] {
  const names = readdirSync(parent, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.ya?ml$/.test(name) && !/(^|\/)(node_modules|ctss\.yaml)/.test(name),
  )
  return names.toSorted().map((name) => readFileSync(join(parent, name)))
}

/** Rounds over all manifests, by turns; the machine's own noise is in both. */
function measureWarm(manifests: readonly Buffer[]): void {
  const candidates = {
    'yaml alone': (content: Buffer): unknown => {
      try {
        return parse(content.toString('utf8'), { logLevel: 'silent' })
      } catch {
        return undefined
      }
    },
    'ctss, judged twice': (content: Buffer): unknown => validateManifestText('sage.yaml', content),
  }
  const samples = new Map<string, number[]>(Object.keys(candidates).map((name) => [name, []]))
  const repeats = Math.max(1, Math.ceil(400 / manifests.length))
  for (let round = -5; round < WARM_ROUNDS; round += 1) {
    for (const [name, judge] of Object.entries(candidates)) {
      const started = performance.now()
      for (let repeat = 0; repeat < repeats; repeat += 1) for (const content of manifests) judge(content)
      if (round >= 0) samples.get(name)?.push((performance.now() - started) / repeats)
    }
  }
  const alone = median(samples.get('yaml alone') ?? [])
  console.log('\nwarm, in one process')
  for (const [name, values] of samples) {
    const ms = median(values)
    console.log(`  ${name.padEnd(22)} ${((manifests.length * 1000) / ms).toFixed(0).padStart(7)} manifests/s   ${(alone / ms).toFixed(2)} × yaml alone`)
  }
  console.log('  goal: ≥ 0.9 × yaml alone')
}

function measureCold(content: Buffer): void {
  const file = join(work, 'cold.yaml')
  writeFileSync(file, content)
  const checker = process.env['CHECK_JSONSCHEMA'] ?? 'check-jsonschema'
  const hasChecker = spawnSync(checker, ['--version']).status === 0
  const commands: Readonly<Record<string, readonly [string, ...string[]]>> = {
    'node -e 0': [process.execPath, '-e', '0'],
    'ctss validate FILE': [process.execPath, CLI, 'validate', file],
    ...(hasChecker && { 'check-jsonschema FILE': [checker, '--schemafile', 'schemas/manifest.schema.json', file] }),
  }
  const samples = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]))
  for (let repetition = -1; repetition < COLD_REPETITIONS; repetition += 1) {
    for (const [name, [program, ...args]] of Object.entries(commands)) {
      const started = performance.now()
      const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
      if (status !== 0 && status !== 1) throw new Error(`${name} ended with ${status}: ${stderr}`)
      if (repetition >= 0) samples.get(name)?.push(performance.now() - started)
    }
  }
  const node = median(samples.get('node -e 0') ?? [])
  console.log('\ncold, a process each')
  for (const [name, values] of samples) {
    const ms = median(values)
    console.log(`  ${name.padEnd(22)} median ${ms.toFixed(0).padStart(5)} ms   +${(ms - node).toFixed(0)} ms over node -e 0   ${(ms / node).toFixed(2)} ×`)
  }
  if (!hasChecker) console.log('  check-jsonschema is not there: pip install check-jsonschema, or name it in $CHECK_JSONSCHEMA')
  console.log('  goal: ≤ +150 ms')
}

/** What one call needs at most, and what it still holds at its end, for ever more manifests: V8 lets garbage lie as long as there is room. */
function measureMemory(manifests: readonly Buffer[]): void {
  const files = Array.from({ length: 5000 }, (_, index) => {
    const file = join(work, `${index}.yaml`)
    writeFileSync(file, manifests[index % manifests.length] ?? '')
    return file
  })
  const probe = `data:text/javascript,process.on('exit',()=>{globalThis.gc();process.stderr.write('memory '+process.resourceUsage().maxRSS+' '+process.memoryUsage().heapUsed)})`
  console.log('\nmany in one call, --json')
  for (const number of [1, 100, 1000, 5000]) {
    const args = ['--expose-gc', '--import', probe, CLI, 'validate', '--json', ...files.slice(0, number)]
    const started = performance.now()
    const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
    const seconds = (performance.now() - started) / 1000
    if (status !== 0 && status !== 1) throw new Error(`it ended with ${status}: ${stderr}`)
    const [, kibibytes = '', held = ''] = /memory (\d+) (\d+)/.exec(stderr) ?? []
    const peak = (Number(kibibytes) / 1024).toFixed(0)
    console.log(
      `  ${String(number).padStart(5)} manifests ${seconds.toFixed(2).padStart(7)} s   ${peak.padStart(4)} MiB at most   ${(Number(held) / 2 ** 20).toFixed(1).padStart(5)} MiB of values held at the end`,
    )
  }
  console.log('  goal: no more held for 1,000 than for 1')
}
