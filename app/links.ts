import { createHmac, timingSafeEqual } from 'node:crypto'

/** Addresses that nobody can guess, and tickets that nobody can make: each is signed with one secret, for one purpose. */
export interface Links {
  /** The page of a run; with a key where only those may see it who were given the address. */
  run(run: string, isPrivate: boolean): string
  isRunKey(run: string, key: string): boolean
  /** A picture of a run's report as a PNG. */
  chart(run: string, chart: string, scheme: 'light' | 'dark'): string
  /** The run that the key of a chart's address names; undefined: it is not ours. */
  readChartKey(key: string): string | undefined
  /** Lets its bearer upload one file of a run, until a time in seconds since 1970. */
  ticket(upload: Upload): string
  isTicket(upload: Omit<Upload, 'until'>, ticket: string, nowSeconds: number): boolean
}

export interface Upload {
  readonly run: string
  readonly digest: string
  readonly bytes: number
  readonly until: number
}

/** 132 bits. */
const SIGNATURE_CHARACTERS = 22
const CHART_KEY = /^([0-9a-f-]{36})\.([\w-]{22})$/
const TICKET = /^(\d{1,12})\.([\w-]{22})$/

/** Makes addresses below `publicUrl`. Another secret makes all earlier ones void. */
export function openLinks({ publicUrl, linkSecret }: { readonly publicUrl: string; readonly linkSecret: string }): Links {
  const sign = (purpose: string, ...parts: readonly (string | number)[]): string =>
    createHmac('sha256', linkSecret)
      .update(JSON.stringify([purpose, ...parts]))
      .digest('base64url')
      .slice(0, SIGNATURE_CHARACTERS)
  const isSignature = (given: string, ...wanted: readonly [string, ...(string | number)[]]): boolean => isEqual(given, sign(...wanted))
  return {
    run: (run, isPrivate) => `${publicUrl}/runs/${run}${isPrivate ? `?key=${sign('run', run)}` : ''}`,
    isRunKey: (run, key) => isSignature(key, 'run', run),
    chart: (run, chart, scheme) => `${publicUrl}/charts/${run}.${sign('chart', run)}/${chart}-${scheme}.png`,
    readChartKey(key) {
      const [, run, signature] = CHART_KEY.exec(key) ?? []
      return run !== undefined && signature !== undefined && isSignature(signature, 'chart', run) ? run : undefined
    },
    ticket: ({ run, digest, bytes, until }) => `${until}.${sign('upload', run, digest, bytes, until)}`,
    isTicket({ run, digest, bytes }, ticket, nowSeconds) {
      const [, until, signature] = TICKET.exec(ticket) ?? []
      return (
        until !== undefined && signature !== undefined && Number(until) >= nowSeconds && isSignature(signature, 'upload', run, digest, bytes, Number(until))
      )
    },
  }
}

/** Compares two texts in a time that tells nothing about where they differ. */
export function isEqual(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHmac('sha256', 'compare').update(text).digest())
  return first !== undefined && second !== undefined && timingSafeEqual(first, second)
}
