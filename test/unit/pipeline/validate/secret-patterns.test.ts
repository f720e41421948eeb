import { describe, expect, it } from 'vitest'

import { findNamedSecret, findSecret, findSecrets } from '../../../../pipeline/validate/secret-patterns.ts'

/** Put together here, so that nobody's scanner takes them for real ones. */
const key = (prefix: string, length: number, alphabet = 'k9Qw3z'): string => prefix + alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length)
const PEM = ['-----BEGIN', 'RSA', 'PRIVATE KEY-----'].join(' ')

describe('forms', () => {
  it.each([
    [key('ghp_', 36), 'a GitHub token'],
    [`${key('github_pat_', 22)}_${key('', 59)}`, 'a GitHub token'],
    [key('glpat-', 20), 'a GitLab token'],
    [key('AKIA', 16, 'QWER7TZ'), 'an AWS access key'],
    [key('AIza', 35), 'a Google API key'],
    [key('hf_', 34, 'QwErTz'), 'a Hugging Face token'],
    [`${key('sk-proj-', 40)}T3BlbkFJ${key('', 40)}`, 'an OpenAI key'],
    [key('sk-ant-api03-', 93), 'an Anthropic key'],
    [key('xoxb-', 40), 'a Slack token'],
    [key('dckr_pat_', 27), 'a Docker Hub token'],
    [key('pypi-AgE', 60), 'a PyPI token'],
    [key('npm_', 36), 'an npm token'],
    [`${key('eyJ', 20)}.${key('eyJ', 30)}.${key('', 30)}`, 'a JSON web token'],
    [PEM, 'a private key'],
    ['rtsp://admin:Sunny7Days@10.31.81.20/live', 'a password in an address'],
  ])('%s', (secret, kind) => {
    expect(findSecret(secret)).toBe(kind)
    expect(findSecrets(`before "${secret}" after`)).toMatchObject([{ kind, start: 8 + Math.max(0, secret.indexOf('://')) }])
  })

  it.each([
    'nothing',
    key('ghp_', 35),
    `ghp_${'x'.repeat(36)}`,
    'AKIAIOSFODNN7EXAMPLE',
    'https://user:password@host',
    'https://$USER:$PASSWORD@host',
    'https://${USER}:secret@host',
    'rtsp://<user>:<password>@camera',
    'https://example.org:8080/a@b',
    'hf_hub_download',
  ])('none in %s', (text) => expect(findSecret(text)).toBeUndefined())

  it('at most 100', () => expect(findSecrets(`${key('ghp_', 36)} `.repeat(200))).toHaveLength(100))
})

const HEX = '4b7d0f2a9c'.repeat(4)

describe('names', () => {
  it.each([
    ['SAGE_USER_TOKEN', HEX, 'a token or key'],
    ['apiKey', 'a8Fk3LqZ0xPw7Rt5Vb2Nc9Md', 'a token or key'],
    ['client-secret', HEX, 'a token or key'],
    ['DB_PASSWORD', 'Sunny7Days', 'a password'],
    ['ANYTHING', key('ghp_', 36), 'a GitHub token'],
  ])('%s', (name, value, kind) => expect(findNamedSecret(name, value)).toBe(kind))

  it.each([
    ['SAGE_USER_TOKEN', ''],
    ['SAGE_USER_TOKEN', '-1'],
    ['SAGE_USER_TOKEN', 'your-token-goes-here-12'],
    ['SAGE_USER_TOKEN', '$TOKEN0123456789ABCDEFG'],
    ['SAGE_USER_TOKEN', '/run/secrets/token-1'],
    ['SAGE_USER_TOKEN', 'a'.repeat(40)],
    ['SAGE_USER_TOKEN', '1'.repeat(39).concat('a')],
    ['MAX_TOKENS', '20000000000000000000a'],
    ['TOKENIZER', key('', 30)],
    ['PUBLIC_KEY', HEX],
    ['DB_PASSWORD', 'plugin'],
    ['DB_PASSWORD', 'two words 22'],
    ['DB_PASSWORD', '/run/secrets/password-1'],
    ['SSH_PRIVATE_KEY', 'id_rsa_of_deploy_user_2.pem'],
    ['A_TOKEN', key('', 5000)],
  ])('%s=%s', (name, value) => expect(findNamedSecret(name, value)).toBeUndefined())
})
