import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

interface Container {
  readonly image: string
  readonly securityContext: object
  readonly resources: { readonly limits: Readonly<Record<string, string>> }
  readonly volumeMounts: readonly { readonly name: string }[]
}
interface Resource {
  readonly kind: string
  readonly value?: number
  readonly spec: {
    readonly activeDeadlineSeconds: number
    readonly backoffLimit: number
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[]
        readonly initContainers: readonly Container[]
        readonly volumes: readonly { readonly name: string; readonly secret?: object }[]
        readonly securityContext: object
      }
    }
  }
}

const text = readFileSync('runner-images/waggle-arm64/job.yaml', 'utf8')
const resources = parseAllDocuments(text).map((document) => document.toJS() as Resource)
const one = (kind: string): Resource => resources.find((resource) => resource.kind === kind)!
const { spec: job } = one('Job')
const pod = job.template.spec
const unit = readFileSync('runner-images/waggle-arm64/ctss-runner.service', 'utf8')

describe('a runner under k3s', () => {
  it('has nothing of the node: no file, no device, no network, no rights', () => {
    expect(text).not.toMatch(/hostPath|hostNetwork|hostPID|hostIPC|\bprivileged|docker\.sock|containerd\.sock|devicePlugin|nvidia\.com/)
    expect(pod.volumes.map(({ name, ...kind }) => [name, ...Object.keys(kind)])).toEqual([
      ['secret', 'secret'],
      ['configuration', 'emptyDir'],
      ['home', 'emptyDir'],
    ])
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } })
    for (const { securityContext } of [...pod.containers, ...pod.initContainers]) {
      expect(securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
    }
  })

  it('shows the secret to the step that copies it, and the job the copy alone', () => {
    const [step] = pod.initContainers
    const [runner] = pod.containers
    expect(step?.volumeMounts.map(({ name }) => name)).toEqual(['secret', 'configuration'])
    expect(runner?.volumeMounts.map(({ name }) => name)).toEqual(['configuration', 'home'])
  })

  it('is one job in a box of time, processor, memory and disk, and gives way to everything else', () => {
    expect([pod.containers.length, job.backoffLimit, job.activeDeadlineSeconds]).toEqual([1, 0, 3600])
    for (const { resources: wanted } of [...pod.containers, ...pod.initContainers])
      expect(Object.keys(wanted.limits)).toEqual(['cpu', 'memory', 'ephemeral-storage'])
    expect(one('PriorityClass')).toMatchObject({ value: -1000, preemptionPolicy: 'Never', globalDefault: false })
  })

  it('takes its image by digest', () => {
    for (const { image } of [...pod.containers, ...pod.initContainers]) expect(image).toBe('ghcr.io/OWNER/ctss-waggle-arm64@sha256:DIGEST')
  })

  it('gets out to the same addresses as a machine at Chameleon', () => {
    const cidrs = (part: string): string[] => [...part.matchAll(/\d+\.\d+\.\d+\.\d+\/\d+/g)].map(([cidr]) => cidr)
    const rules = readFileSync('runner-images/chameleon/egress.nft', 'utf8')
    const refused = /set special4 \{[\s\S]*?\n  \}/.exec(rules)?.[0] ?? ''
    const [everything, ...except] = cidrs(text)
    expect(everything).toBe('0.0.0.0/0')
    expect(except).toEqual(cidrs(refused))
  })
})

describe('a runner without k3s', () => {
  it.each(['RuntimeMaxSec=3600', 'Slice=user-7990.slice', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateDevices=yes', 'CapabilityBoundingSet='])(
    'has %s',
    (line) => {
      expect(unit.split('\n')).toContain(line)
    },
  )

  it.each(['CPUQuota', 'MemoryMax', 'TasksMax', 'IOWeight'])('and its Docker have together a limit %s', (key) => {
    expect(readFileSync('runner-images/waggle-arm64/limits.conf', 'utf8')).toMatch(new RegExp(`^${key}=`, 'm'))
  })
})
