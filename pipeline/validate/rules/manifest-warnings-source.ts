import { valueAt } from '../fixes/document-nodes.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { misspelledKeys } from '../fixes/misspelled-keys.ts'
import { deleteEntry, renameKey } from '../fixes/yaml-edits.ts'
import { mappingOf, textsOf, valueOf } from '../lenient.ts'
import type { PythonValue } from '../sage/python-value.ts'
import type { ManifestRule } from '../rule.ts'
import { SOURCE_KEYS } from '../sage/facts.ts'
import { closestWord } from '../words.ts'

const withSource = (lines: string): string => `name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n${lines}\n`
const BOTH = '  architectures: [linux/amd64, linux/arm64]'

/** Taken since the first ECR, and copied into no record (sage-ecr ecr_api.py L541-563). */
const DROPPED: Readonly<Record<string, string>> = {
  arguments: 'A job names the arguments of its plugins.',
  baseCommand: 'The image starts with the ENTRYPOINT of its Dockerfile.',
  depends_on: 'Nothing reads it.',
  testing: 'The ECR runs no tests since 2023; describe trials in ctss.yaml.',
}

const keysAreRead: ManifestRule = {
  code: 'CTSS-M111',
  name: 'key-ignored',
  severity: 'warning',
  title: 'Sage accepts this key, and drops it.',
  reason:
    '`arguments`, `baseCommand`, `depends_on` and `testing` had a meaning once, or were planned. They are accepted, and stored nowhere: a `testing` section runs no test since January 2023.',
  source: 'sage-ecr ecr_api.py L541-563; e0f4035 ("dropping test feature from build process for now").',
  example: {
    bad: { 'sage.yaml': `${withSource(BOTH)}testing:\n  command: ["python3", "-m", "unittest"]\n` },
    good: { 'sage.yaml': withSource(BOTH) },
  },
  *check({ manifest }) {
    for (const [key, suggestion] of Object.entries(DROPPED)) {
      const value = valueOf(manifest.value, key)
      if (value === undefined || value === '' || value === null || (Array.isArray(value) && value.length === 0)) continue
      yield {
        place: manifest.place([key], 'key'),
        message: `Sage accepts \`${key}\`, and drops it.`,
        suggestion,
        ...fixProperty(`delete ${key}`, false, deleteEntry(manifest, [key])),
      }
    }
  },
}

const buildArgumentsArrive: ManifestRule = {
  code: 'CTSS-M112',
  name: 'build-args-ignored',
  severity: 'warning',
  title: 'The ECR’s builder ignores source.build_args.',
  reason:
    'They are stored, and since February 2023 (the change to BuildKit) never passed to the build: the code puts them into a text that nothing uses. Each `ARG` has the default of the Dockerfile then, or none. This tool’s own build passes them.',
  source: 'sage-ecr jenkins_server.py L58-66; d95aa98 (2023-02-09).',
  example: {
    bad: { 'sage.yaml': withSource(`${BOTH}\n  build_args:\n    MODEL: "clouds-v2"`) },
    good: { 'sage.yaml': withSource(BOTH) },
  },
  *check({ manifest }) {
    if (Object.keys(mappingOf(mappingOf(manifest.value, 'source'), 'build_args')).length === 0) return
    yield {
      place: manifest.place(['source', 'build_args'], 'key'),
      message: 'The ECR’s own builder ignores `source.build_args`; this pipeline passes them.',
      suggestion: 'Give each ARG of the Dockerfile a default that works.',
    }
  },
}

const sourceKeysAreKnown: ManifestRule = {
  code: 'CTSS-M113',
  name: 'source-key-ignored',
  severity: 'warning',
  title: 'Sage ignores this key of source, without a word.',
  reason:
    'Unknown keys at the top level are refused; below `source` they are not even looked at. A misspelled `dockerfile` or `directory` builds the wrong thing. The commit (`git_commit`) is never taken from the manifest either: the ECR records its own.',
  source: 'sage-ecr ecr_api.py L464-472, L578-620.',
  example: { bad: { 'sage.yaml': withSource(`${BOTH}\n  dockerfil: Dockerfile`) }, good: { 'sage.yaml': withSource(`${BOTH}\n  dockerfile: Dockerfile`) } },
  *check({ manifest }) {
    const source = valueAt(manifest.python, ['source'])
    const misspelled = source?.type === 'dict' ? misspelledKeys(source, { words: SOURCE_KEYS }) : new Map<string, string>()
    for (const key of Object.keys(mappingOf(manifest.value, 'source'))) {
      if (SOURCE_KEYS.some((known) => known === key)) continue
      const free = misspelled.get(key)
      const meant = free ?? closestWord(key, SOURCE_KEYS)
      yield {
        place: manifest.place(['source', key], 'key'),
        message: `Sage ignores \`source.${key.slice(0, 100)}\`.`,
        suggestion: meant === undefined ? 'Delete it.' : `Did you mean \`${meant}\`?`,
        ...(free === undefined
          ? fixProperty('delete it', false, deleteEntry(manifest, ['source', key]))
          : fixProperty(`rename it to ${free}`, isHarmless(free, valueAt(manifest.python, ['source', key])), renameKey(manifest, ['source', key], free))),
      }
    }
  },
}

/** Whether Sage takes the value under its right name: what it ignored until now it would then judge. */
function isHarmless(key: string, value: PythonValue | undefined): boolean {
  return key === 'architectures' || (key !== 'build_args' && value?.type === 'str' && value.value !== '' && value.value.length <= 64)
}

const armIsScheduled: ManifestRule = {
  code: 'CTSS-M114',
  name: 'arm-never-scheduled',
  severity: 'warning',
  title: 'The scheduler never matches 32-bit Arm with a node.',
  reason:
    'It compares the architecture `arm/v7` with the capability `armv7`, which are never the same text, and no node in use has only 32 bits. The image is built all the same, slowly, by emulation. A plugin with no other architecture cannot be scheduled at all.',
  source: 'waggle-sensor/edge-scheduler cloudscheduler.go (architectures against capabilities); node types in waggle-auth-app manifests.',
  example: {
    bad: { 'sage.yaml': withSource('  architectures: [linux/amd64, linux/arm/v7, linux/arm64]') },
    good: { 'sage.yaml': withSource(BOTH) },
  },
  *check({ manifest }) {
    const architectures = textsOf(mappingOf(manifest.value, 'source'), 'architectures')
    const old = architectures.filter(({ text }) => /^linux\/arm\/v[678]$/.test(text))
    const isAll = old.length === architectures.length
    for (const { text, position } of old) {
      const path = ['source', 'architectures', position]
      yield {
        place: manifest.place(path),
        message: `The scheduler never matches ${text} with a node${isAll ? ', and the plugin has no other architecture' : ''}.`,
        suggestion: isAll ? 'Add linux/arm64: most nodes have it.' : 'Delete it: nodes run another architecture.',
        ...(!isAll && fixProperty(`delete ${text}`, false, deleteEntry(manifest, path))),
      }
    }
  },
}

const architecturesAreDistinct: ManifestRule = {
  code: 'CTSS-M115',
  name: 'architecture-twice',
  severity: 'warning',
  title: 'An architecture is listed twice.',
  reason: 'It is built once. Perhaps another one was meant.',
  source: 'sage-ecr ecr_api.py L600-612 (each is checked, none is compared); BuildKit builds a platform once.',
  example: { bad: { 'sage.yaml': withSource('  architectures: [linux/amd64, linux/amd64]') }, good: { 'sage.yaml': withSource(BOTH) } },
  *check({ manifest }) {
    const seen = new Set<string>()
    for (const { text, position } of textsOf(mappingOf(manifest.value, 'source'), 'architectures')) {
      const path = ['source', 'architectures', position]
      if (seen.has(text))
        yield {
          place: manifest.place(path),
          message: `${text.slice(0, 60)} is listed twice.`,
          suggestion: 'Delete one of the two.',
          ...fixProperty('delete the second', true, deleteEntry(manifest, path)),
        }
      seen.add(text)
    }
  },
}

/** Warnings about what is built, and from what. */
export const SOURCE_WARNINGS: readonly ManifestRule[] = [keysAreRead, buildArgumentsArrive, sourceKeysAreKnown, armIsScheduled, architecturesAreDistinct]
