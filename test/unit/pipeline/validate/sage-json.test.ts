import { describe, expect, it } from 'vitest'
import { convertSageJson } from '../../../../pipeline/validate/sage-json.ts'

describe('convertSageJson', () => {
  it('splits the source of 2020 into its parts', () => {
    const old = {
      id: 101,
      name: 'cloud',
      namespace: 'waggle',
      version: '1.0.0',
      description: 'counts',
      architecture: ['linux/amd64'],
      source: 'https://github.com/o/r.git#main#./app/Dockerfile',
      arguments: ['speed', '5'],
      inputs: [{ id: 'speed', type: 'int' }],
      metadata: { x: 1 },
    }
    expect(convertSageJson(old)).toStrictEqual({
      namespace: 'waggle',
      name: 'cloud',
      version: '1.0.0',
      description: 'counts',
      inputs: [{ id: 'speed', type: 'int' }],
      metadata: { x: 1 },
      arguments: ['speed', '5'],
      source: { architectures: ['linux/amd64'], url: 'https://github.com/o/r.git', branch: 'main', dockerfile: 'app/Dockerfile' },
    })
    expect(convertSageJson({ source: 'https://github.com/o/r' })).toStrictEqual({ source: { url: 'https://github.com/o/r' } })
  })

  it('takes the sources of the Virtual Waggle', () => {
    expect(
      convertSageJson({
        id: 7,
        name: 'cloud',
        version: '1',
        description: '',
        sources: [{ architectures: ['linux/arm64'], build_args: { A: 'b' } }, { architectures: [] }],
      }),
    ).toStrictEqual({
      name: 'cloud',
      version: '1',
      description: '',
      source: { architectures: ['linux/arm64'], build_args: { A: 'b' } },
    })
  })

  it('takes the sources of the first ECR, and drops its empty texts and owner', () => {
    const source = { url: 'https://github.com/o/r', branch: 'main', directory: '.', dockerfile: 'Dockerfile', architectures: ['linux/amd64'] }
    expect(
      convertSageJson({
        arguments: '',
        baseCommand: '',
        depends_on: '',
        owner: 'somebody',
        name: 'cloud',
        description: 'counts',
        sources: [{ name: 'default', ...source }],
      }),
    ).toStrictEqual({ name: 'cloud', description: 'counts', source })
  })

  it('prefers a list of sources over the text beside it', () => {
    expect(convertSageJson({ source: 'https://github.com/o/r#main', sources: [{ architectures: ['linux/amd64'], branch: 'next' }] })).toStrictEqual({
      source: { url: 'https://github.com/o/r', branch: 'next', architectures: ['linux/amd64'] },
    })
  })

  it('leaves today’s manifest in JSON as it is', () => {
    const today = { name: 'x', source: { architectures: ['linux/amd64'] }, surprise: 1 }
    expect(convertSageJson(today)).toBe(today)
  })
})
