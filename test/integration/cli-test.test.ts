import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TestOutput } from '../../schemas/generated/types.ts'
import { json, withCommands } from '../support/commands.ts'
import { NATIVE, withoutTraining, writeTinyPlugin } from '../support/tiny-plugin.ts'

describe('ctss test', () => {
  const commands = withCommands()

  it('the trials, one trial, arguments, recording', async () => {
    const plugin = await writeTinyPlugin(commands.place, withoutTraining('{name: quiet, golden: golden.ndjson, expect: [{name: env.nothing, count: 0}]}'))
    const recorded = await commands.ctss('test', plugin, '--json', '--record', '--trial', 'quiet')
    const unknown = await commands.ctss('test', plugin, '--trial', 'loud')
    const byHand = await commands.ctss('test', plugin, '--', '--verbose')

    expect(json<TestOutput>(recorded.out).trials).toMatchObject([{ name: 'quiet', platform: NATIVE }])
    expect(recorded.err).toContain('recorded golden.ndjson')
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("There is no trial 'loud'") })
    expect(byHand.code).toBe(1)
    expect(byHand.out).toContain('published-nothing')
  })

  it('without a manifest, and what it cannot do', async () => {
    const plugin = await writeTinyPlugin(commands.place, { ...withoutTraining(), 'sage.yaml': null, 'ctss.yaml': null })
    expect((await commands.ctss('test', plugin)).out).toContain(`default on ${NATIVE}`)
    expect((await commands.ctss('test', plugin, '--record')).err).toContain('No trial names a golden file')

    await rm(join(plugin, 'Dockerfile'))
    expect(await commands.ctss('test', plugin)).toMatchObject({ code: 2, err: expect.stringContaining('neither a manifest nor a Dockerfile') })
  })

  it('reads a Git URL, and records nothing into one', async () => {
    const plugin = await writeTinyPlugin(commands.place, withoutTraining())
    await commands.place.git(plugin, 'init', '--quiet')
    await commands.place.commit(plugin)

    expect((await commands.ctss('test', `file://${plugin}`, '--record', '--quiet')).err).toContain('it needs a folder, not a URL')
  })
})
