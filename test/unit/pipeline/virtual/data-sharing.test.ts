import { describe, expect, it } from 'vitest'
import { DROP_REASONS, shareMessage, type Delivery, type Identity } from '../../../../pipeline/virtual/data-sharing.ts'

const IDENTITY: Identity = {
  appId: 'app-1',
  meta: { host: 'h', job: 'j', task: 't', plugin: 'registry.sagecontinuum.org/zelda/clouds:1.2.3', node: '01', vsn: 'W000' },
}
const GOOD = '{"name":"env.test","ts":1795256839323525551,"meta":{"sensor":"bme680"},"val":1.5}'

function share(body: string | Uint8Array, overrides: Partial<Delivery> = {}, identity = IDENTITY) {
  return shareMessage({ body: typeof body === 'string' ? Buffer.from(body) : body, appId: 'app-1', userId: 'plugin', scope: 'all', ...overrides }, identity)
}

const withValue = (value: string) => GOOD.replace('1.5}', `${value}}`)

describe('the data-sharing stand-in', () => {
  it('adds what the node knows, whatever the plugin says of itself', () => {
    expect(share(GOOD.replace('"bme680"', '"bme680","node":"mine"'))).toMatchObject({
      kind: 'beehive',
      message: { name: 'env.test', value: 1.5, timestamp: '2026-11-21T10:27:19.323525551Z', meta: { sensor: 'bme680', ...IDENTITY.meta } },
      staging: undefined,
    })
  })

  it('writes a line as the data API does: times trimmed, meta sorted, HTML escaped', () => {
    const shared = share('{"name":"env.text","ts":1700000000500000000,"meta":{"b":"2","a":"<&>"},"val":"x>y"}')
    expect(shared).toMatchObject({
      line: '{"timestamp":"2023-11-14T22:13:20.5Z","name":"env.text","value":"x\\u003ey","meta":{"a":"\\u003c\\u0026\\u003e","b":"2","host":"h","job":"j","node":"01","plugin":"registry.sagecontinuum.org/zelda/clouds:1.2.3","task":"t","vsn":"W000"}}',
    })
  })

  it.each([
    ['NaN', 'NaN', '"NaN"'],
    ['-Infinity', '-Infinity', '"-Infinity"'],
    ['true', true, 'true'],
    ['7', 7, '7'],
    ['9007199254740993', 9_007_199_254_740_992, '9007199254740993'],
    ['1e999', 'Infinity', '"Infinity"'],
    ['"NaN"', 'NaN', '"NaN"'],
  ])('takes the value %s', (wire, value, inLine) => {
    const shared = share(withValue(wire))
    expect(shared).toMatchObject({ kind: 'beehive', message: { value }, line: expect.stringContaining(`"value":${inLine},`) })
  })

  it.each([
    ['without an app id', GOOD, { appId: undefined }, DROP_REASONS.appIdMissing],
    ['with an empty app id', GOOD, { appId: '' }, DROP_REASONS.appIdMissing],
    ['with an unknown app id', GOOD, { appId: 'app-2' }, DROP_REASONS.appIdUnknown],
    ['of another user', GOOD, { userId: 'service' }, DROP_REASONS.userWrong],
    ['with an unknown scope', GOOD, { scope: 'moon' }, DROP_REASONS.scopeUnknown],
    ['that is no JSON', 'hello', {}, DROP_REASONS.notJson],
    ['that is no object', '[]', {}, DROP_REASONS.notJson],
    ['without a name', '{"ts":1795256839323525551,"val":1}', {}, DROP_REASONS.nameBad],
    ['named with a hyphen', GOOD.replace('env.test', 'anomaly-detector'), {}, DROP_REASONS.nameBad],
    ['named with a capital', GOOD.replace('env.test', 'Error'), {}, DROP_REASONS.nameBad],
    ['with a name of 129 characters', GOOD.replace('env.test', 'x'.repeat(129)), {}, DROP_REASONS.nameBad],
    ['with a fraction as its time', GOOD.replace('1795256839323525551', '1.5'), {}, DROP_REASONS.timestampBad],
    ['of the year 1999', GOOD.replace('1795256839323525551', '946684799000000000'), {}, DROP_REASONS.timestampBad],
    ['of the year 2300', GOOD.replace('1795256839323525551', '10413792000000000000'), {}, DROP_REASONS.timestampBad],
    ['with a list as its meta', GOOD.replace('{"sensor":"bme680"}', '[]'), {}, DROP_REASONS.metaBad],
    ['with a number in its meta', GOOD.replace('"bme680"', '1'), {}, DROP_REASONS.metaBad],
    ['with a list as its value', withValue('[1]'), {}, DROP_REASONS.valueBad],
    ['with null as its value', withValue('null'), {}, DROP_REASONS.valueBad],
    ['with bytes as its value', withValue('"eA==","enc":"b64"'), {}, DROP_REASONS.valueBad],
    ['of an upload without a filename', GOOD.replace('env.test', 'upload'), {}, DROP_REASONS.uploadBad],
  ] as const)('drops a message %s', (_case, body, overrides, reason) => {
    expect(share(body, overrides)).toMatchObject({ kind: 'dropped', reason, example: body.slice(0, 200) })
  })

  it('drops bytes that are no text', () => {
    expect(share(new Uint8Array([0xff, 0xfe]))).toEqual({ kind: 'dropped', reason: DROP_REASONS.notJson, example: '2 bytes that are no text' })
  })

  it('takes a message without meta, and one without a user id', () => {
    expect(share('{"name":"a","ts":1795256839323525551,"val":1}', { userId: undefined })).toMatchObject({ kind: 'beehive', message: { meta: IDENTITY.meta } })
  })

  it('keeps what is scoped to the node there, as pywagglemsg writes it', () => {
    const shared = share(GOOD, { scope: 'node' })
    expect(shared).toMatchObject({ kind: 'node', forNode: { name: 'env.test' } })
    expect(shared.kind === 'node' && JSON.parse(shared.forNode.body())).toMatchObject({ name: 'env.test', val: 1.5, meta: { sensor: 'bme680', vsn: 'W000' } })
  })

  it('passes on to the node what is for all, not what is for Beehive alone', () => {
    const all = share(withValue('NaN'))
    expect(all.kind === 'beehive' && all.forNode?.body()).toContain('"ts":1795256839323525551,')
    expect(all.kind === 'beehive' && all.forNode?.body()).toContain('"val":NaN}')
    expect(share(withValue('"x"')).kind === 'beehive').toBe(true)
    expect(share(GOOD, { scope: 'beehive' })).toMatchObject({ kind: 'beehive', forNode: undefined })
  })

  it('turns an upload into its address in storage', () => {
    const body = '{"name":"upload","ts":1700000000000000001,"meta":{"filename":"a picture.jpg"},"val":"1700000000000000001-abc"}'
    const address = 'https://storage.sagecontinuum.org/api/v1/data/j/sage-t-1.2.3/01/1700000000000000001-a picture.jpg'
    expect(share(body)).toMatchObject({ message: { name: 'upload', value: address }, staging: '1700000000000000001-abc' })
    const untagged = { ...IDENTITY, meta: { ...IDENTITY.meta, plugin: 'clouds' } }
    expect(share(body, {}, untagged)).toMatchObject({ message: { value: address.replace('1.2.3', 'latest') } })
    expect(share(body).kind === 'beehive' && share(body)).toMatchObject({ forNode: { name: 'upload' } })
  })

  it('writes texts for the node as JSON', () => {
    const shared = share(withValue('"x"'))
    expect(shared.kind === 'beehive' && shared.forNode?.body()).toContain('"val":"x"}')
  })
})
