/** `git@host:path`; without a user the host has a dot, as `C:` and `javascript:` are no hosts. */
const SCP = /^(?:[^@/\s]+@([A-Za-z0-9.-]+)|([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)):(?!:)(.+)$/

/**
 * One spelling for one repository: `https://host/path`, without user, password, `.git`, query or trailing slash, whether it was written as
 * https, ssh, git or `git@host:path`. Undefined for anything without a host, such as a path on this machine. Safe to show: credentials are gone.
 */
export function normaliseRepositoryUrl(url: string): string | undefined {
  const scp = url.includes('://') ? null : SCP.exec(url)
  const parsed = URL.parse(scp ? `ssh://${scp[1] ?? scp[2]}/${scp[3]}` : url)
  if (parsed === null || !['https:', 'http:', 'ssh:', 'git:', 'git+ssh:', 'git+https:'].includes(parsed.protocol) || parsed.hostname === '') return undefined
  const path = parsed.pathname
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/^\/+/, '')
  const port = parsed.port !== '' && parsed.protocol.startsWith('http') ? `:${parsed.port}` : ''
  return `https://${parsed.hostname.toLowerCase()}${port}/${path}`
}

/** Who owns a repository: the first part of its URL's path, for instance the GitHub user; undefined for what is not a URL. */
export function repositoryOwner(url: string): string | undefined {
  const normalised = normaliseRepositoryUrl(url)
  return normalised === undefined ? undefined : new URL(normalised).pathname.split('/')[1] || undefined
}

/** Whether two spellings mean the same repository; GitHub's paths know no upper and lower case. */
export function isSameRepository(one: string, other: string): boolean {
  const [first, second] = [normaliseRepositoryUrl(one), normaliseRepositoryUrl(other)]
  return first !== undefined && first.toLowerCase() === second?.toLowerCase()
}
