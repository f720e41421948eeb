import { survivesPortal } from './portal-survival.ts'

/** A repository's name of the OCI distribution specification 1.1, in one part. */
const IMAGE_NAME = /^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$/

/** Whether Sage, the Portal and every registry take a name. 59 characters leave room for the shortest namespace and a slash in Sage's 64. */
export function isPluginName(name: string): boolean {
  return name.length >= 2 && name.length <= 59 && IMAGE_NAME.test(name) && survivesPortal(name)
}

/** A name that Sage, the scheduler and every registry take; undefined when too little is left of it. */
export function spellName(text: string): string | undefined {
  if (text.length > 256) return undefined
  const name = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/[_-]+/g, (run) => (run.includes('-') ? '-' : run.slice(0, 2)))
    .replaceAll(/^[-_]+|[-_]+$/g, '')
  // Half of the letters lost, as of a name in another script, is another name.
  return !isPluginName(name) || name.length * 2 < text.trim().length ? undefined : name
}

/**
 * Whether a name is misspelled in case, blanks and outer punctuation alone, so that its proper spelling is certain. What holds `/`, `:`, `@`, `+`, `#`
 * or `.` is an address, an image, or a name of which something is lost.
 */
export function isNearlyName(text: string): boolean {
  return text.length <= 256 && /^[\s!?,;'"`()[\]{}<>*_-]*[A-Za-z0-9]+(?:[\s_-]+[A-Za-z0-9]+)*[\s!?,;'"`()[\]{}<>*_-]*$/.test(text)
}
