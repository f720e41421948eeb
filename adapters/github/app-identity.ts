import { createPrivateKey, createSign, type KeyObject } from 'node:crypto'
import { Failure } from '../../pipeline/failure.ts'
import type { TokenSource } from './authorized.ts'

/** GitHub takes ten minutes at most, by its own clock: a minute is left for one that goes wrong, on both sides. */
const LIFE_SECONDS = 540
const SKEW_SECONDS = 60
/** A token is used again while it has this much left. */
const MARGIN_SECONDS = 120

interface Signed {
  readonly token: string
  readonly expires: number
}

/**
 * The token by which the app itself is known to GitHub: signed with the first key, or with the next where GitHub refuses it, so that keys change without a
 * gap. `privateKeys` are RSA keys in PEM, PKCS#1 (as GitHub makes them) or PKCS#8; `nowMs` since 1970. Fails with `forge-refused` where one is no key.
 */
export function appIdentity({
  appId,
  privateKeys,
  nowMs,
}: {
  readonly appId: number
  readonly privateKeys: readonly string[]
  readonly nowMs: () => number
}): TokenSource {
  const keys = privateKeys.map(readKey)
  let [index, signed]: [number, Signed | undefined] = [0, undefined]
  return {
    attempts: keys.length,
    async token() {
      const key = keys[index]
      if (key === undefined) throw new Failure('forge-refused', 'the app has no private key')
      const now = Math.floor(nowMs() / 1000)
      if (signed === undefined || signed.expires - MARGIN_SECONDS < now) signed = { token: sign(appId, key, now), expires: now + LIFE_SECONDS }
      return signed.token
    },
    refused(token) {
      // Of several requests with the same token the first one turns to the next key.
      if (signed?.token !== token) return
      index = (index + 1) % keys.length
      signed = undefined
    },
  }
}

function readKey(pem: string, position: number): KeyObject {
  const refuse = (cause?: unknown): Failure =>
    new Failure('forge-refused', `private key ${position + 1} of the app is not the PEM of an RSA key`, {
      // What the parser says may hold a piece of the key.
      cause: cause instanceof Error && 'code' in cause ? cause.code : undefined,
      suggestion: "Give the file that GitHub made in the app's settings, whole and with its line ends.",
    })
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch (cause) {
    throw refuse(cause)
  }
  throw refuse()
}

function sign(appId: number, key: KeyObject, now: number): string {
  const text = [
    { alg: 'RS256', typ: 'JWT' },
    { iat: now - SKEW_SECONDS, exp: now + LIFE_SECONDS, iss: String(appId) },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`
}
