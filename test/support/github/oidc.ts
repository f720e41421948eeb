/** GitHub's issuer of identity tokens for jobs, with keys of its own. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { signJwt, testKey } from './apps.ts'
import type { Json, World } from './world.ts'

const KEY_ID = 'stand-in'
/** The first keys of the process are the app's. */
const KEY = 1
const VALID_SECONDS = 300

export type Oidc = ReturnType<typeof createOidc>

export function createOidc(world: Pick<World, 'url' | 'nowMs'>) {
  const url = `${world.url}/_oidc`
  return {
    url,
    /** Any claims, signed by the issuer; those about time and issuer are there unless given. */
    sign(claims: Json): string {
      const now = Math.floor(world.nowMs() / 1000)
      return signJwt({ kid: KEY_ID }, { iss: url, iat: now, nbf: now - 5, exp: now + VALID_SECONDS, jti: crypto.randomUUID(), ...claims }, testKey(KEY))
    },
    /** What stands below its address. */
    answer(path: string): Json | undefined {
      if (path === '/_oidc/.well-known/openid-configuration')
        return {
          issuer: url,
          jwks_uri: `${url}/.well-known/jwks`,
          subject_types_supported: ['public', 'pairwise'],
          response_types_supported: ['id_token'],
          id_token_signing_alg_values_supported: ['RS256'],
          scopes_supported: ['openid'],
        }
      if (path !== '/_oidc/.well-known/jwks') return undefined
      const jwk = createPublicKey(createPrivateKey(testKey(KEY))).export({ format: 'jwk' })
      return { keys: [{ ...jwk, kid: KEY_ID, alg: 'RS256', use: 'sig' }] }
    },
  }
}
