/** In the place of actions/attest-build-provenance: needs what that needs, and writes down what it was asked to attest. Nothing is signed. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { readInput, readVariable, runAction, say, setOutput } from './runner-protocol.ts'

runAction(() => {
  const [path, digest, sums] = [readInput('subject-path'), readInput('subject-digest'), readInput('subject-checksums')]
  if ([path, digest, sums].filter((subject) => subject !== '').length !== 1)
    throw new Error('One of subject-path, subject-digest, or subject-checksums must be provided')
  if (digest !== '' && (!/^sha256:[0-9a-f]{64}$/.test(digest) || readInput('subject-name') === ''))
    throw new Error('subject-digest must be sha256:<hex>, and subject-name given')
  readVariable('ACTIONS_ID_TOKEN_REQUEST_URL')
  const subject = { name: readInput('subject-name'), digest, path, sums, push: readInput('push-to-registry') }
  appendFileSync(join(readVariable('CTSS_STAND_IN_ARTIFACTS'), 'attestations.ndjson'), `${JSON.stringify(subject)}\n`)
  setOutput('attestation-id', '1')
  say(`attested ${path || sums || `${subject.name}@${digest}`}`)
})
