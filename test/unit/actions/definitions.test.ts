import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import type { ActionDefinition, InputDefinition } from '../../../actions/definition.ts'
import { ACTIONS } from '../../../actions/definitions.ts'
import { readInputs } from '../../../actions/read-inputs.ts'
import { runProgram } from '../../../cli/program.ts'
import { STAGES } from '../../../pipeline/stage.ts'
import { renderActionYaml } from '../../../scripts/actions-files.ts'

const NAME = /^[a-z]+(-[a-z]+)*$/
const SENTENCE = /^[A-Z`][^\n]*\.$/
const DEFINITIONS: readonly ActionDefinition[] = ACTIONS
const INPUTS = DEFINITIONS.flatMap(({ name, inputs }) => Object.entries(inputs).map(([input, definition]) => [`${name} ${input}`, input, definition] as const))

interface Step {
  readonly uses: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly if?: string
}

interface Metadata {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly required: boolean; readonly default?: string }>>
  readonly outputs: Readonly<Record<string, { readonly description: string }>>
  readonly runs: Readonly<Record<string, string>>
}

const stepsOf = ({ example }: ActionDefinition): readonly Step[] => parse(example) as readonly Step[]
const ownName = (uses: string): string | undefined => /^OWNER\/ctss\/actions\/([a-z]+)@v1$/.exec(uses)?.[1]

describe('the actions', () => {
  it('are one for each stage, one that plans, one that joins, and one that delivers', () => {
    expect(DEFINITIONS.map(({ name }) => name).toSorted()).toEqual([...STAGES, 'index', 'setup', 'deliver'].toSorted())
    for (const { name, stage } of DEFINITIONS)
      expect([name, stage]).toEqual([name, ['setup', 'deliver'].includes(name) ? undefined : name === 'index' ? 'build' : name])
  })

  it('are the folders that are there', () => {
    const folders = readdirSync('actions', { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))

    expect(folders.toSorted()).toEqual(DEFINITIONS.map(({ name }) => name).toSorted())
  })

  it('mean the same by the same word', () => {
    const meanings = new Map<string, Set<string>>()
    for (const [, input, { kind, default: usual, secret }] of INPUTS)
      meanings.set(
        input,
        (meanings.get(input) ?? new Set()).add(JSON.stringify([kind === 'stages' ? 'flag' : kind, usual === 'false' ? undefined : usual, secret])),
      )

    expect([...meanings].filter(([, each]) => each.size > 1)).toEqual([])
  })
})

describe.each(DEFINITIONS.map((definition) => [definition.name, definition] as const))('the action %s', (name, definition) => {
  const { description, icon, inputs, outputs, permissions, notes } = definition

  it('is described in sentences', () => {
    expect(name).toMatch(NAME)
    expect(icon).toMatch(NAME)
    expect(description).toMatch(SENTENCE)
    // GitHub's marketplace shows no more.
    expect(description.length).toBeLessThanOrEqual(125)
    for (const note of notes) expect(note).toMatch(/^[A-Z`][^\n]*\.$/)
    for (const [output, { description: text }] of Object.entries(outputs)) {
      expect(output).toMatch(NAME)
      expect(text).toMatch(SENTENCE)
    }
  })

  it('asks for each right once, with a reason', () => {
    expect(new Set(permissions.map(({ scope }) => scope)).size).toBe(permissions.length)
    for (const { reason } of permissions) expect(reason).toMatch(/^to .*[^.]$/)
    expect(permissions.map(({ scope }) => scope)).toContain(name === 'deliver' ? 'id-token' : 'contents')
  })

  it('reads its own defaults, as the runner passes them and without a runner', () => {
    const defaults = Object.entries(inputs).map(([input, { default: usual = '' }]) => [input, usual.startsWith('${{') ? 'from the runner' : usual] as const)

    expect(() => readInputs(inputs, new Map(defaults))).not.toThrow()
    expect(() => readInputs(inputs, new Map())).not.toThrow()
    expect(() => readInputs(inputs, new Map(Object.keys(inputs).map((input) => [input, ''])))).not.toThrow()
  })

  it('has the action.yml that is made of it', () => {
    const text = readFileSync(`actions/${name}/action.yml`, 'utf8')
    const metadata = parse(text) as Metadata

    expect(text).toBe(renderActionYaml(definition))
    expect(Object.keys(metadata.inputs)).toEqual(Object.keys(inputs))
    expect(Object.keys(metadata.outputs)).toEqual(Object.keys(outputs))
    expect(metadata.runs['using']).toBe('node24')
    for (const [input, { default: usual, required }] of Object.entries(metadata.inputs)) {
      expect(required).toBe(false)
      expect([input, usual]).toEqual([input, inputs[input]?.default])
    }
    expect(metadata.runs['post-if']).toBe(definition.starts ? 'always()' : undefined)
  })

  it('is bundled from an edge that only translates', () => {
    const work = readFileSync(`actions/${name}/main.ts`, 'utf8')
    const [, run = '', file = ''] = /import \{ (\w+) \} from '\.\.\/([a-z]+-action)\.ts'/.exec(work.replace(/.*run-action.*\n/, '')) ?? []

    expect(file).toBe(`${name}-action`)
    expect(work).toBe(`import { ${name.toUpperCase()} } from '../definitions.ts'
import { runAction } from '../run-action.ts'
import { ${run} } from '../${file}.ts'

await runAction(${name.toUpperCase()}, ${run})
`)
    expect(existsSync('actions/post.ts')).toBe(true)
  })

  it('has an example that uses it, after a checkout (what delivers needs only the artifacts), with inputs that exist', () => {
    const steps = stepsOf(definition)
    const [first, ...others] = steps

    if (name === 'deliver') expect(first).toMatchObject({ uses: 'actions/download-artifact@v8', with: { pattern: 'ctss-*' } })
    else expect(first).toEqual({ uses: 'actions/checkout@v7', with: { 'persist-credentials': false } })
    expect(others.map(({ uses }) => ownName(uses))).toContain(name)
    for (const step of others) {
      const used = DEFINITIONS.find((candidate) => candidate.name === ownName(step.uses))
      expect(used, step.uses).toBeDefined()
      const texts = new Map(Object.entries(step.with ?? {}).map(([input, value]) => [input, String(value)]))
      expect(() => readInputs(used?.inputs ?? {}, texts)).not.toThrow()
      for (const key of Object.keys(step)) expect(['uses', 'with', 'if', 'id']).toContain(key)
    }
  })
})

describe.each(INPUTS)('the input %s', (_, input, { kind, choices, default: usual, description, secret }: InputDefinition) => {
  it('is consistent', () => {
    expect(input).toMatch(NAME)
    expect(description).toMatch(SENTENCE)
    // Without choices a choice has no value, and without a default an input that is not given would be none of them.
    expect(kind === 'choice').toBe(choices !== undefined)
    if (choices !== undefined) expect(choices).toContain(usual)
    if (kind === 'flag') expect(['true', 'false']).toContain(usual)
    if (secret) expect([kind, usual?.startsWith('${{') ?? true]).toEqual(['text', true])
    if (usual !== undefined) expect(usual).toMatch(/^([\w.-]+|\$\{\{ github\.(actor|token) \}\})$/)
    expect(usual).not.toBe('')
  })
})

describe('what runs code of a plugin', () => {
  it.each(['train', 'virtual', 'node'])('%s needs a token that writes nothing', (name) => {
    expect(DEFINITIONS.find((definition) => definition.name === name)?.permissions.filter(({ access }) => access === 'write')).toEqual([])
  })

  it.each(['validate', 'setup'])('is not %s: it starts nothing, and has nothing to clean up', (name) => {
    expect(DEFINITIONS.find((definition) => definition.name === name)?.starts).toBe(false)
  })
})

describe('words of the command line', () => {
  afterEach(() => void vi.restoreAllMocks())

  async function optionsOf(command: string): Promise<string> {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    await runProgram(['node', 'ctss', command, '--help'], '1.2.3')
    return written.mock.calls.map(([text]) => String(text)).join('')
  }

  it('are words of the actions', async () => {
    const [run, validate] = [await optionsOf('run'), await optionsOf('validate')]
    const inputsOf = (name: string): readonly string[] => Object.keys(DEFINITIONS.find((definition) => definition.name === name)?.inputs ?? {})

    for (const option of ['platform', 'force', 'keep-going', 'release']) {
      expect(run).toContain(`--${option}`)
      expect(inputsOf('setup')).toContain(option)
    }
    for (const option of ['user', 'strict']) {
      expect(validate).toContain(`--${option}`)
      expect(inputsOf('validate')).toContain(option)
    }
  })
})
