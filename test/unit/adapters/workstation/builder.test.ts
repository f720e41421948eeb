import { describe, expect, test } from 'vitest'

import { canCompile, readBuilder } from '../../../../adapters/workstation/builder.ts'

const ADDRESS = 'unix:///cache/ctss/buildkit/buildkitd.sock'
const inspected = (driver: string, endpoint: string, status: string): string =>
  `Name:          ctss\nDriver:        ${driver}\n\nNodes:\nName:             ctss0\nEndpoint:         ${endpoint}\nStatus:           ${status}\nPlatforms:        linux/amd64\n`

describe('what buildx says about our builder', () => {
  test.each([
    ['remote', ADDRESS, 'running', { name: 'ctss', kind: 'buildkit-remote' }],
    ['remote', ADDRESS, 'inactive', undefined],
    ['remote', 'unix:///elsewhere/buildkitd.sock', 'running', undefined],
    ['docker-container', 'unix:///var/run/docker.sock', 'running', { name: 'ctss', kind: 'buildkit-container' }],
    ['docker-container', 'unix:///var/run/docker.sock', 'stopped', undefined],
    ['docker', 'default', 'running', undefined],
  ])('driver %s at %s, %s: %j', (driver, endpoint, status, expected) => {
    expect(readBuilder(inspected(driver, endpoint, status), ADDRESS)).toEqual(expected)
  })
})

describe('Go', () => {
  test.each([
    ['go1.19.8', false],
    ['go1.21.13', false],
    ['go1.22', true],
    ['go1.26.8', true],
    ['go2.0', true],
    ['devel +abc', false],
    ['', false],
  ])('%s compiles BuildKit: %s', (version, expected) => {
    expect(canCompile(version)).toBe(expected)
  })
})
