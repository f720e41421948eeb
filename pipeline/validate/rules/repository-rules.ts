import { resolveTreePath } from '../../tree.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { replaceValue } from '../fixes/yaml-edits.ts'
import { textOf } from '../lenient.ts'
import { limitFindings } from '../limit-findings.ts'
import type { RepositoryRule } from '../rule.ts'
import { quote } from '../words.ts'
import { METADATA_RULES, speaksForRepository } from './repository-rules-metadata.ts'

const treeHasNoSubmodules: RepositoryRule = {
  code: 'CTSS-R009',
  name: 'submodule',
  severity: 'warning',
  title: 'The repository holds a Git submodule, whose files this pipeline does not build with.',
  reason:
    'The ECR clones submodules along. This pipeline builds from the repository’s own tree, so that what is tested, signed and cited is one commit of one repository. A plugin that needs a submodule’s files fails to build here.',
  source: 'sage-ecr ecr_api.py L198-205 (git clone --recursive); this tool.',
  example: { none: 'A submodule is a kind of tree entry, not a file.' },
  *check({ manifest, tree }) {
    if (!speaksForRepository({ manifest, tree })) return
    for (const { path, mode } of tree.entries.values()) {
      if (mode === '160000')
        yield {
          place: { file: path },
          message: `${path} is a Git submodule: its files are not part of this pipeline’s build.`,
          suggestion: 'Copy what is needed into the repository, or install it as a package in the Dockerfile.',
        }
    }
  },
}

const linksStayInside: RepositoryRule = {
  code: 'CTSS-R010',
  name: 'link-outside',
  severity: 'warning',
  title: 'A symbolic link leaves the repository, or leads in a circle.',
  reason: 'In a clone, and in a container, it leads nowhere. The build leaves it out.',
  source: 'This tool; Docker’s COPY takes nothing from outside the build context.',
  example: { none: 'A symbolic link is a kind of tree entry, not a file.' },
  *check({ manifest, tree }) {
    if (!speaksForRepository({ manifest, tree })) return
    for (const { path, mode } of tree.entries.values()) {
      if (mode !== '120000') continue
      const { kind } = resolveTreePath(tree, path)
      if (kind !== 'outside' && kind !== 'loop') continue
      yield {
        place: { file: path },
        message: `The symbolic link ${path} ${kind === 'loop' ? 'leads in a circle' : 'leaves the repository'}: it is left out.`,
        suggestion: 'Put the file itself there.',
      }
    }
  },
}

const versionIsTagged: RepositoryRule = {
  code: 'CTSS-R011',
  name: 'version-differs-from-tag',
  severity: 'warning',
  title: 'The commit is tagged with another version than the manifest names.',
  reason:
    'Readers take the tag `v1.2.3` for the source of version 1.2.3. When the manifest of that commit says 1.2.2, the release is registered under the old number, or refused because that one exists.',
  source: 'This tool; tags of the commit against `version`.',
  example: { none: 'It takes a Git tag, which is no file.' },
  *check({ manifest, subject }) {
    const version = textOf(manifest.value, 'version')
    const tagged = (subject.tags ?? []).flatMap((tag) => /^v?(\d{1,9}\.\d{1,9}\.\d{1,9})$/.exec(tag)?.[1] ?? [])
    if (manifest.file.includes('/') || version === '' || tagged.length === 0 || tagged.includes(version.replace(/^v/, ''))) return
    const [only, ...others] = tagged
    const edits = only === undefined || others.length > 0 ? undefined : replaceValue(manifest, ['version'], only)
    yield {
      place: manifest.place(['version']),
      message: `\`version\` is ${quote(version)}, and the commit is tagged ${tagged.slice(0, 5).join(', ')}.`,
      suggestion: 'Write the tag’s version, or tag the commit whose manifest has it.',
      ...fixProperty(`write ${only}`, false, edits),
    }
  },
}

const manifestIsAtRoot: RepositoryRule = {
  code: 'CTSS-R012',
  name: 'manifest-in-folder',
  severity: 'warning',
  title: 'The manifest lies in a folder: the Portal cannot register this plugin.',
  reason:
    'The Portal fetches `sage.yaml` at the root of the repository and has no field for a folder. A plugin in a folder is registered by submitting its manifest to the ECR directly, with `source.directory` naming the folder, or lives in a repository of its own.',
  source: 'sage-gui apps/sage/ecr/create-app/CreateApp.tsx L117-122.',
  example: { none: 'It is about where the manifest lies, and examples are judged at the root.' },
  *check({ manifest }) {
    if (!manifest.file.includes('/')) return
    const folder = manifest.file.slice(0, manifest.file.lastIndexOf('/'))
    yield {
      place: { file: manifest.file, line: 1 },
      message: `The Portal reads the sage.yaml at the root, and cannot register the plugin in ${folder}.`,
      suggestion: 'Submit it to the ECR directly, or give the plugin a repository of its own.',
    }
  },
}

/** What is wrong with the files around a manifest, but for its Dockerfile and its code. */
export const REPOSITORY_RULES: readonly RepositoryRule[] = [...METADATA_RULES, treeHasNoSubmodules, linksStayInside, versionIsTagged, manifestIsAtRoot].map(
  limitFindings,
)
