/** When the table was last gone through. */
export const DEAD_HOSTS_DATE = '2026-11-20'

/** A service that no longer answers. */
export interface DeadHost {
  readonly name: string
  readonly since: string
  /** Who says so. */
  readonly source: string
  readonly instead: string
}

/** Only what its operator announced; a host that was down one day is none. */
const DEAD: readonly (DeadHost & { readonly pattern: RegExp })[] = [
  {
    pattern: /\bgit:\/\/github\.com\b/,
    name: "GitHub's unencrypted git protocol",
    since: '2022-03-15',
    source: 'github.blog/2021-09-01-improving-git-protocol-security-github',
    instead: 'Use https://github.com/….',
  },
  {
    pattern: /\b(?:dl|api|jcenter)\.bintray\.com\b/,
    name: 'Bintray',
    since: '2021-05-01',
    source: 'jfrog.com/blog/into-the-sunset-bintray-jcenter-gocenter-and-chartcenter',
    instead: 'Look for the new address of the package, often on GitHub or Maven Central.',
  },
  {
    pattern: /\bsks-keyservers\.net\b/,
    name: 'The pool of SKS key servers',
    since: '2021-06-21',
    source: 'sks-keyservers.net, its last announcement',
    instead: 'Use hkps://keyserver.ubuntu.com, or fetch the key over https.',
  },
  {
    pattern: /\bdl\.dropbox(?:usercontent)?\.com\/u\//,
    name: "Dropbox's public folder",
    since: '2017-09-01',
    source: 'help.dropbox.com, "How to use the Public folder"',
    instead: 'Share the file anew, and use its new address.',
  },
  {
    pattern: /(?<=[a-z0-9]\.)googlecode\.com\b/,
    name: 'Google Code',
    since: '2016-01-25',
    source: 'opensource.googleblog.com/2015/03/farewell-to-google-code.html',
    instead: 'Look for the project at its new home.',
  },
]

/** The first dead service that a text names, and where. */
export function findDeadHost(text: string): (DeadHost & { readonly start: number; readonly end: number }) | undefined {
  for (const { pattern, ...host } of DEAD) {
    const match = pattern.exec(text)
    if (match !== null) return { ...host, start: match.index, end: match.index + match[0].length }
  }
  return undefined
}
