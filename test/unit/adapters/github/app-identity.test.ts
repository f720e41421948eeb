import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { appIdentity } from '../../../../adapters/github/app-identity.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const [first, second] = [pair(), pair()]
const pem = ({ privateKey }: ReturnType<typeof pair>, type: 'pkcs1' | 'pkcs8'): string => privateKey.export({ type, format: 'pem' }).toString()

describe("the app's own token", () => {
  it.each(['pkcs1', 'pkcs8'] as const)('is signed with a key in %s, for ten minutes with a minute of leeway', async (type) => {
    const identity = appIdentity({ appId: 12, privateKeys: [pem(first, type)], nowMs: () => NOW })
    const { payload, protectedHeader } = await jwtVerify(await identity.token(), createPublicKey(first.privateKey), { currentDate: new Date(NOW) })
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toEqual({ iss: '12', iat: NOW / 1000 - 60, exp: NOW / 1000 + 540 })
  })

  it('is used until two minutes before its end', async () => {
    let now = NOW
    const identity = appIdentity({ appId: 12, privateKeys: [pem(first, 'pkcs1')], nowMs: () => now })
    const token = await identity.token()
    now += 400_000
    expect(await identity.token()).toBe(token)
    now += 30_000
    expect(await identity.token()).not.toBe(token)
  })

  it('is signed with the other key where GitHub refuses one, and turns once for several requests', async () => {
    const identity = appIdentity({ appId: 12, privateKeys: [pem(first, 'pkcs1'), pem(second, 'pkcs8')], nowMs: () => NOW })
    expect(identity.attempts).toBe(2)
    const old = await identity.token()
    for (let times = 0; times < 2; times += 1) identity.refused(old)
    const token = await identity.token()
    await jwtVerify(token, createPublicKey(second.privateKey), { currentDate: new Date(NOW) })
    identity.refused(token)
    await jwtVerify(await identity.token(), createPublicKey(first.privateKey), { currentDate: new Date(NOW) })
  })

  it.each<readonly [string, string]>([
    ['text', 'secret text'],
    ['half a key', pem(first, 'pkcs1').slice(0, 400)],
    ['a key of another kind', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a public key', first.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
  ])('cannot be made with %s, and the failure tells nothing of it', (_, key) => {
    let failure: unknown
    try {
      appIdentity({ appId: 12, privateKeys: [pem(first, 'pkcs1'), key], nowMs: () => NOW })
    } catch (cause) {
      failure = cause
    }
    expect(failure).toMatchObject({ code: 'forge-refused', message: 'private key 2 of the app is not the PEM of an RSA key' })
    expect(JSON.stringify(failure)).not.toMatch(/secret|MII/)
    expect(inspect(failure)).not.toMatch(/secret text|MII/)
  })

  it('cannot be made without a key', async () => {
    await expect(appIdentity({ appId: 12, privateKeys: [], nowMs: () => NOW }).token()).rejects.toMatchObject({ code: 'forge-refused' })
  })
})
