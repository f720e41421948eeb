import { isEqual } from './links.ts'

/** The token of `Authorization: Bearer …`. */
export function bearerOf(request: Request): string | undefined {
  return /^Bearer +([^\s]{1,16384})$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

/** Whether a request carries the operators' token, as a bearer or as the password of a browser's dialogue (any user name). */
export function isOperator(request: Request, operatorToken: string): boolean {
  const bearer = bearerOf(request)
  if (bearer !== undefined) return isEqual(bearer, operatorToken)
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]{1,4096})$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (encoded === undefined) return false
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  return isEqual(text.slice(text.indexOf(':') + 1), operatorToken)
}
