/**
 * Secrets that stand in a text by accident: tokens whose form gives them away, and values of variables whose name says that they are secret.
 * Silent about what a person would recognise as a placeholder, a variable or an example.
 */

interface SecretPattern {
  readonly kind: string
  readonly pattern: RegExp
}

/**
 * Forms as their issuers document them (the same that GitHub's secret scanning knows). Each begins with a fixed text and has bounded
 * repetitions only, so that a search takes one pass.
 */
const PATTERNS: readonly SecretPattern[] = [
  { kind: 'a GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/g },
  { kind: 'a GitHub token', pattern: /\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b/g },
  { kind: 'a GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,64}/g },
  { kind: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/g },
  { kind: 'a Google API key', pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { kind: 'a Hugging Face token', pattern: /\bhf_[A-Za-z]{34}\b/g },
  { kind: 'an OpenAI key', pattern: /\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}/g },
  { kind: 'an Anthropic key', pattern: /\bsk-ant-[a-z]{3,8}[0-9]{2}-[A-Za-z0-9_-]{80,120}/g },
  { kind: 'a Slack token', pattern: /\bxox[abeprs]-[A-Za-z0-9-]{20,250}/g },
  { kind: 'a Docker Hub token', pattern: /\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,64}/g },
  { kind: 'a PyPI token', pattern: /\bpypi-AgE[A-Za-z0-9_-]{50,1000}/g },
  { kind: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { kind: 'a JSON web token', pattern: /\beyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{20,1000}/g },
  { kind: 'a private key', pattern: /-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----/g },
  { kind: 'a password in an address', pattern: /:\/\/[^\s/:@'"$<{[\]]{1,100}:[^\s/:@'"$<{[\]]{3,200}@[A-Za-z0-9[]/g },
]

/** Texts that stand for a secret that somebody else puts there, and the examples of manuals. */
const PLACEHOLDER =
  /example|sample|placeholder|change.?me|your|insert|replace|dummy|fake|redacted|secret.?here|token.?here|todo|fixme|x{4}|\*{3}|\.{3}|1234567|abcdef|(?:pass|user):pass|<|>|\$|\{|\}|%[a-z]+%/i

/** `USER_TOKEN`, `apiKey`, `DB_PASSWORD`; not `TOKENIZER`, `KEYBOARD`, `MAX_TOKENS` or `PUBLIC_KEY`. */
const SECRET_NAME = /(?:^|[_.-]|[a-z])(?:token|secret|passw(?:or)?d|passphrase|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key)$/i

/** The longest text that is looked through. */
const MAX_CHARACTERS = 262_144

/** Where a secret stands in a text. */
export interface FoundSecret {
  /** What it is, with its article: `a GitHub token`. */
  readonly kind: string
  readonly start: number
  readonly end: number
}

/** All secrets that their form gives away, in the order of the table; at most 100. */
export function findSecrets(text: string): readonly FoundSecret[] {
  const found: FoundSecret[] = []
  for (const { kind, pattern } of PATTERNS) {
    for (const { 0: match, index } of text.slice(0, MAX_CHARACTERS).matchAll(pattern)) {
      if (!isPlaceholder(match) && found.length < 100) found.push({ kind, start: index, end: index + match.length })
    }
  }
  return found
}

/** The kind of the first secret in a text, with its article (`a GitHub token`); undefined: none is recognised. */
export function findSecret(text: string): string | undefined {
  return findSecrets(text)[0]?.kind
}

/**
 * As `findSecret`, for the value of a variable, input or key whose name tells more: a token or key counts from 20 characters that look drawn
 * by lot (Sage's user tokens are 40 hexadecimal digits), a password from 8 with letters and digits.
 */
export function findNamedSecret(name: string, value: string): string | undefined {
  const kind = findSecret(value)
  if (kind !== undefined) return kind
  if (!SECRET_NAME.test(name.slice(-100)) || value.length > 4096 || isPlaceholder(value) || /\s/.test(value)) return undefined
  const isMixed = /[0-9]/.test(value) && /[A-Za-z]/.test(value)
  if (!isMixed) return undefined
  if (/(?:passw(?:or)?d|passphrase)$/i.test(name)) return value.length >= 8 && !isPath(value) ? 'a password' : undefined
  return /^[A-Za-z0-9+/_=.~-]{20,}$/.test(value) && !isPath(value) && entropy(value) >= 3 ? 'a token or key' : undefined
}

function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text)
}

/** A file that holds the secret is the right way to name one. */
function isPath(value: string): boolean {
  return /^\.{0,2}\//.test(value) || /\.(?:pem|key|json|txt|ya?ml|env|crt|token)$/i.test(value)
}

/** Shannon's, in bits for each character. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0)
}
