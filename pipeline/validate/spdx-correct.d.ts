declare module 'spdx-correct' {
  /** The SPDX identifier or expression that a text probably means; null for none. Throws an Error for a blank text. */
  export default function correct(text: string, options?: { readonly upgrade?: boolean }): string | null
}
