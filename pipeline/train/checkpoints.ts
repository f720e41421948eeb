import type { UntrustedEntry, UntrustedFolders } from '../ports/untrusted-folder.ts'

/** More files than any training keeps. Ours: few enough to be listed after every attempt. */
const CHECKPOINT_FILES = 10_000

/** What lies in a folder of checkpoints. */
export interface CheckpointSurvey {
  /** Changes whenever the checkpoints do: by names, sizes and times, since checkpoints may be large. */
  readonly fingerprint: string
  readonly paths: readonly string[]
  readonly bytes: number
  /** Why no other machine can take them, in a sentence; undefined: it can. */
  readonly unfit: string | undefined
}

/** Looks at the checkpoints that a training has left. `diskBytes`: what they may take together. Fails with `storage-unavailable`. */
export async function surveyCheckpoints(folders: UntrustedFolders, folder: string, diskBytes: number): Promise<CheckpointSurvey> {
  const { entries, complete } = await folders.list(folder, CHECKPOINT_FILES)
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  return {
    fingerprint: JSON.stringify(
      entries.filter(({ kind, bytes: size }) => kind === 'file' && size > 0).map((entry) => [entry.path, entry.bytes, entry.modifiedMs]),
    ),
    paths: entries.map(({ path }) => path),
    bytes,
    unfit: describeUnfit(entries, complete, bytes, diskBytes),
  }
}

function describeUnfit(entries: readonly UntrustedEntry[], complete: boolean, bytes: number, diskBytes: number): string | undefined {
  const wrong = entries.find(({ kind }) => kind !== 'file')
  if (wrong) return `${wrong.path} is ${wrong.kind === 'link' ? 'a symbolic link' : 'not a regular file with a plain name'}, and only regular files travel`
  if (!complete) return `they are more than ${CHECKPOINT_FILES} files`
  if (entries.length === 0) return 'there are none'
  return bytes > diskBytes ? `they have ${bytes} bytes, more than the training's disk limit of ${diskBytes}` : undefined
}
