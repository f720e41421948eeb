import { expect, test } from 'vitest'

import { readEngineInfo } from '../../../../adapters/workstation/docker-engine.ts'

test('reads what docker info says with our template', () => {
  expect(readEngineInfo('20.10.24+dfsg1\n1\ncgroupfs\n/c/engine\n["http://127.0.0.1:5055/"]\n')).toEqual({
    version: '20.10.24+dfsg1',
    cgroup: { version: 1, driver: 'cgroupfs' },
    dataRoot: '/c/engine',
    mirrors: '["http://127.0.0.1:5055/"]',
  })
  expect(readEngineInfo('28.0.1\n2\nsystemd\n/var/lib/docker\nnull\n')?.cgroup).toEqual({ version: 2, driver: 'systemd' })
})

test('finds no engine where the client answers without one', () => {
  expect(readEngineInfo('\n\n\n\nnull\n')).toBeUndefined()
  expect(readEngineInfo('')).toBeUndefined()
})
