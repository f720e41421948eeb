import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'

import type { WorkstationEnvironment } from './environment.ts'

/** Where Debian and Ubuntu look for authorities that the person in charge of the machine added. */
const LOCAL_FOLDER = '/usr/local/share/ca-certificates'
/** What update-ca-certificates makes of the system's and the local ones: nothing in it is extra. */
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Certificate authorities, in PEM, that this machine trusts beyond the public ones: where a proxy signs TLS with its own,
 * a container that does not know it can fetch nothing. Sorted, each once.
 */
export async function findExtraCertificates({ extraCertificates }: WorkstationEnvironment): Promise<readonly string[]> {
  const local = (await readdir(LOCAL_FOLDER).catch(() => [])).filter((name) => name.endsWith('.crt')).map((name) => join(LOCAL_FOLDER, name))
  const named = extraCertificates === undefined ? undefined : await realpath(extraCertificates).catch(() => undefined)
  const files = named === undefined || named === (await realpath(SYSTEM_BUNDLE).catch(() => SYSTEM_BUNDLE)) ? local : [...local, named]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  return splitCertificates(texts.join('\n'))
}

/** The certificates in a text, each once, in an order that does not depend on the files'. */
export function splitCertificates(text: string): readonly string[] {
  return [...new Set(text.replaceAll('\r', '').match(CERTIFICATE))].sort()
}
