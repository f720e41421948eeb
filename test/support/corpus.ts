import { existsSync, readFileSync, readdirSync } from 'node:fs'

/** Where the public manifests lie: `$CTSS_CORPUS`, else a folder `shared/corpus` beside the checkout. They belong to their authors, so they are not in this repository. */
const FOLDER = process.env['CTSS_CORPUS'] ?? new URL('../../../shared/corpus/', import.meta.url).pathname

/** Why a test about them is skipped. */
export const NO_CORPUS = 'the public manifests are not here, as they belong to their authors: name their folder in $CTSS_CORPUS'

export interface CorpusFile {
  /** `owner__repository[__folder][@commit].yaml` or `.json`. */
  readonly name: string
  readonly repository: string
  readonly content: Buffer
  /** Of the plugin that the manifest describes, where it was collected too. */
  readonly dockerfile: string | undefined
}

/** Every manifest of the corpus, sorted by name; undefined where there is no corpus. */
export function readCorpus(): readonly CorpusFile[] | undefined {
  if (!existsSync(FOLDER)) return undefined
  const names = readdirSync(FOLDER)
    .filter((name) => /\.(?:ya?ml|json)$/.test(name))
    .toSorted((a, b) => (a < b ? -1 : 1))
  return names.map((name) => {
    const [owner, repository] = name.replace(/(?:@\w+)?\.\w+$/, '').split('__')
    const dockerfile = `${FOLDER}/${name.replace(/\.\w+$/, '')}.Dockerfile`
    return {
      name,
      repository: `https://github.com/${owner}/${repository}`,
      content: readFileSync(`${FOLDER}/${name}`),
      dockerfile: existsSync(dockerfile) ? readFileSync(dockerfile, 'utf8') : undefined,
    }
  })
}
