import type { TreeEntry } from '../ports/repository-tree.ts'

/** A file that a repository could have. */
export interface DraftFile {
  readonly path: string
  readonly text: string
}

export interface DraftedRepository {
  readonly owner: string
  readonly name: string
  /** `https://github.com/owner/name` */
  readonly url: string
}

const LONGEST_NAME = 64

/**
 * The files that make a plugin of a repository without a manifest, and that pass as they are: manifest and pipeline file, and where there is no Dockerfile a
 * plugin that says one thing. What is there already is not in the list.
 */
export function draftPlugin({ owner, name, url }: DraftedRepository, entries: readonly Pick<TreeEntry, 'path'>[]): readonly DraftFile[] {
  const paths = new Set(entries.map(({ path }) => path))
  const dockerfile = [...paths]
    .filter((path) => /(?:^|\/)Dockerfile$/.test(path))
    .toSorted((one, other) => depth(one) - depth(other) || (one < other ? -1 : 1))[0]
  const files: readonly DraftFile[] = [
    { path: 'sage.yaml', text: draftManifest(owner, pluginName(name), url, dockerfile) },
    { path: 'ctss.yaml', text: PIPELINE_FILE },
    ...(dockerfile === undefined
      ? [
          { path: 'Dockerfile', text: DOCKERFILE },
          { path: 'requirements.txt', text: 'pywaggle==0.56.3\n' },
          { path: 'main.py', text: PROGRAM },
        ]
      : []),
  ]
  return files.filter(({ path }) => !paths.has(path))
}

function depth(path: string): number {
  return path.split('/').length
}

/** Sage and the edge scheduler take small letters, digits and hyphens. */
function pluginName(repository: string): string {
  const name = repository
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, LONGEST_NAME)
    .replace(/-+$/, '')
  return name.length < 2 ? 'my-plugin' : name
}

function draftManifest(owner: string, name: string, url: string, dockerfile: string | undefined): string {
  return `# What the Sage Portal reads when the plugin is registered.
name: ${name}
version: "0.1.0"                # quoted, three numbers: nodes upload files only for such versions
description: "Says what it does in one sentence"
keywords: "example"
authors: ${JSON.stringify(owner)}
license: "Apache-2.0"
homepage: ${JSON.stringify(url)}
source:
${dockerfile === undefined || dockerfile === 'Dockerfile' ? '' : `  dockerfile: ${JSON.stringify(dockerfile)}\n`}  architectures:
    - "linux/amd64"
    - "linux/arm64"
`
}

const PIPELINE_FILE = `# How this plugin is tested. Every key may be left out.
test:
  trials:
    # Runs as on a node, and must publish something. \`args\`, \`inputs\`, \`camera\` and \`expect\` say more.
    - name: first-look
      timeout: 120s
      stop: allowed               # it may run until the time limit
`

const DOCKERFILE = `FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY main.py .
ENTRYPOINT ["python3", "-u", "/app/main.py"]
`

const PROGRAM = `from waggle.plugin import Plugin

with Plugin() as plugin:
    plugin.publish("plugin.heartbeat", 1)
`
