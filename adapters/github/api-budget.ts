/** What one answer of GitHub's API says about what may still be asked, or several of them together. */
export interface ApiUse {
  /** Of the app; 0: the app itself. */
  readonly installation: number
  /** Requests left of this hour's, as the newest answer said; undefined: GitHub counts none (an Enterprise Server may not). */
  readonly remaining: number | undefined
  readonly limit: number | undefined
  /** When there are `limit` of them again, in seconds since 1970. */
  readonly reset: number | undefined
  readonly calls: number
  /** Of these: how many were answered 304, which GitHub does not count. */
  readonly notModified: number
}

/** Hears of every answer of GitHub's. */
export interface ApiMeter {
  note(use: ApiUse): void
}

/** What the app's installations have used of GitHub's API since it started. */
export interface ApiBudget extends ApiMeter {
  /** One per installation that was spoken for. */
  uses(): readonly ApiUse[]
}

/** Adds up what it is told. */
export function apiBudget(): ApiBudget {
  const uses = new Map<number, ApiUse>()
  return {
    note(use) {
      const before = uses.get(use.installation)
      uses.set(use.installation, {
        ...use,
        // A cut connection, or a proxy's answer, says nothing about it.
        remaining: use.remaining ?? before?.remaining,
        limit: use.limit ?? before?.limit,
        reset: use.reset ?? before?.reset,
        calls: use.calls + (before?.calls ?? 0),
        notModified: use.notModified + (before?.notModified ?? 0),
      })
    },
    uses: () => [...uses.values()],
  }
}

/** What one answer says, by its headers. */
export function readApiUse(installation: number, status: number, headers: Headers): ApiUse {
  const count = (name: string): number | undefined => {
    const text = headers.get(name) ?? ''
    return /^\d{1,12}$/.test(text) ? Number(text) : undefined
  }
  return {
    installation,
    remaining: count('x-ratelimit-remaining'),
    limit: count('x-ratelimit-limit'),
    reset: count('x-ratelimit-reset'),
    calls: 1,
    notModified: status === 304 ? 1 : 0,
  }
}
