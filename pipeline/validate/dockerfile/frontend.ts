/** What a Dockerfile is written for: Docker's own frontend, or an image that `syntax` names and the builder fetches and runs (BuildKit's parser/directives.go). */

/** Docker's own, by its names on Docker Hub. */
const DOCKERS = /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@]|$)/i

/** In a comment of either kind. Wherever one is found among the first comments it counts, so that no spelling is taken for harmless. */
const DIRECTIVE = /^\s*(?:#|\/\/)\s*syntax\s*=\s*(\S+)/i

/** Whether `syntax` names a frontend that is not Docker's: in comments before anything else, or in a file that is JSON. */
export function hasForeignFrontend(text: string): boolean {
  const source = text.replace(/^\uFEFF/, '').replace(/^#![^\n]*/, '')
  return [...directives(source), ...jsonSyntax(source)].some((syntax) => !DOCKERS.test(syntax))
}

function* directives(source: string): Generator<string> {
  for (let at = 0; at < source.length;) {
    const newline = source.indexOf('\n', at)
    const end = newline < 0 ? source.length : newline
    const line = source.slice(at, end)
    if (!/^\s*(?:#|\/\/|$)/.test(line)) return
    const syntax = DIRECTIVE.exec(line)?.[1]
    if (syntax !== undefined) yield syntax
    at = end + 1
  }
}

function jsonSyntax(source: string): readonly string[] {
  if (!/^\s*\{/.test(source)) return []
  try {
    const value: unknown = JSON.parse(source)
    return Object.entries(value as object).flatMap(([key, syntax]) => (key.toLowerCase() === 'syntax' && typeof syntax === 'string' ? [syntax] : []))
  } catch {
    return []
  }
}
