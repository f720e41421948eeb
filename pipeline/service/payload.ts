import type { Account } from './world.ts'

/** Objects of a payload; whatever it is, looking into it never throws. */
export interface PayloadObject {
  readonly [name: string]: unknown
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const REF = /^refs\/(?:heads|tags)\/[^\s\p{Cc}~^:?*[\\]{1,1000}$/u
const LOGIN_CHARACTERS = 100
const NAME_CHARACTERS = 200

/** The value as an object; an empty one where it is none. */
export function objectOf(value: unknown): PayloadObject {
  return isObject(value) ? value : {}
}

/** The value as a list of objects, at most so many. */
export function objectsOf(value: unknown, most: number): readonly PayloadObject[] {
  return Array.isArray(value) ? value.slice(0, most).filter(isObject) : []
}

/** A text of at most so many characters; undefined where it is none, or longer. */
export function textOf(value: unknown, characters: number = NAME_CHARACTERS): string | undefined {
  return typeof value === 'string' && value.length <= characters ? value : undefined
}

/** A number that GitHub counts with: positive and whole. */
export function idOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}

/** A whole commit id, unless it is the one of zeros that stands for none. */
export function commitOf(value: unknown): string | undefined {
  return typeof value === 'string' && COMMIT.test(value) && !/^0+$/.test(value) ? value : undefined
}

/** A branch or a tag by its whole name. */
export function refOf(value: unknown): string | undefined {
  return typeof value === 'string' && REF.test(value) ? value : undefined
}

/** A login as GitHub gives them, `[bot]` included. */
export function loginOf(value: unknown): string | undefined {
  const login = textOf(value, LOGIN_CHARACTERS)
  return login !== undefined && /^[\w.[\]-]+$/.test(login) ? login : undefined
}

/** An account; only what GitHub calls a user is a person. Undefined: it is gone. */
export function accountOf(value: unknown): Account | undefined {
  const { login, type } = objectOf(value)
  const name = loginOf(login)
  return name === undefined ? undefined : { login: name, kind: type === 'User' && !name.endsWith('[bot]') ? 'person' : 'bot' }
}

/** A time, as RFC 3339 in UTC; from a text, or from the seconds since 1970 that pushes have. */
export function timeOf(value: unknown): string | undefined {
  const ms = typeof value === 'number' ? value * 1000 : Date.parse(textOf(value, 40) ?? '')
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : undefined
}

function isObject(value: unknown): value is PayloadObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
