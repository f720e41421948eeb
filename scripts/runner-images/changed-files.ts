import { DOCKERFILES, TESTBED_FILE, VERSIONS_FILE } from './proposed-files.ts'
import type { Versions } from './versions.ts'

/**
 * The files that other versions change, with their new content: the manifest, the Dockerfiles whose base is pinned in them, and the version of the testbed,
 * which is the digest of its folder. `read` gives a file of the checkout; `hashTestbed` the digest of the testbed's folder with another Dockerfile in it.
 */
export function changeFiles(
  before: Versions,
  after: Versions,
  read: (path: string) => string,
  hashTestbed: (dockerfile: string) => string,
): Readonly<Record<string, string>> {
  const newer = new Map(Object.entries(before.images).map(([name, { digest }]) => [digest, after.images[name]?.digest]))
  const pin = (path: string): string => read(path).replace(/sha256:[0-9a-f]{64}/g, (digest) => newer.get(digest) ?? digest)
  const files: Readonly<Record<string, string>> = {
    [VERSIONS_FILE]: `${JSON.stringify(after, undefined, 2)}\n`,
    ...Object.fromEntries(DOCKERFILES.map((path) => [path, pin(path)])),
    [TESTBED_FILE]: read(TESTBED_FILE).replace(/(?<='virtual-waggle-\d+-)[0-9a-f]{16}/, hashTestbed(pin('runner-images/virtual-waggle/Dockerfile'))),
  }
  return Object.fromEntries(Object.entries(files).filter(([path, content]) => content !== read(path)))
}
