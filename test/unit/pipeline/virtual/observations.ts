import type { TrialObservation } from '../../../../pipeline/ports/testbed.ts'
import type { Message, UploadedFile } from '../../../../schemas/generated/types.ts'

const DIGEST = `sha256:${'0'.repeat(64)}` as const
const META = { host: 'h', job: 'virtual-waggle', task: 'clouds', plugin: 'registry.sagecontinuum.org/zelda/clouds:1.2.3', node: '01', vsn: 'W000' }

/** Messages of one name, or `[name, value]`, or `[name, value, meta]`, 100 ms apart. */
export function makeMessages(...published: readonly (readonly [string, Message['value'], Readonly<Record<string, string>>?])[]): readonly Message[] {
  return published.map(([name, value, meta = {}]) => ({ name, value, timestamp: '2026-11-21T10:27:19.323525551Z', meta: { ...meta, ...META } }))
}

export function makeUpload(name: string, overrides: Partial<UploadedFile> = {}): UploadedFile {
  return { name, timestamp: '2026-11-21T10:27:19.323525551Z', bytes: 10, digest: DIGEST, labels: { filename: name }, ...overrides }
}

/** A trial that went well with these messages, the first of them after 400 ms and then one every 100 ms. */
export function makeObservation(messages: readonly Message[] = [], overrides: Partial<TrialObservation> = {}): TrialObservation {
  const names = [...new Set(messages.map(({ name }) => name))].map((name) => ({ name, count: messages.filter((message) => message.name === name).length }))
  return {
    exitCode: 0,
    ending: 'exited',
    emulated: false,
    seconds: 1.5,
    firstMessageMs: messages.length > 0 ? 400 : null,
    messages,
    total: messages.length,
    arrivalMs: messages.map((_, index) => 400 + index * 100),
    names,
    dropped: [],
    uploads: [],
    beehive: { digest: DIGEST, bytes: 0 },
    logs: { stdout: '', stderr: '', stdoutFile: { digest: DIGEST, bytes: 0 }, stderrFile: { digest: DIGEST, bytes: 0 } },
    profile: { schema: 'ecr.profile/v1', platform: 'linux/amd64', environment: { kind: 'virtual', emulated: false }, metrics: {} },
    ...overrides,
  }
}
