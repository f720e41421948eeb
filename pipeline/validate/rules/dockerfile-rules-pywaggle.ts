import { analyse, bottomOf } from '../dockerfile/analysis.ts'
import type { Analysis } from '../dockerfile/analysis.ts'
import { packageName, readPipInstall } from '../dockerfile/pip.ts'
import type { PipInstall } from '../dockerfile/pip.ts'
import { baseName, textsByName } from '../dockerfile/texts-by-name.ts'
import type { RepositoryFacts, RepositoryRule } from '../rule.ts'

const SOURCE = 'waggle-sensor/plugin-base-images c6bb9e5 (pywaggle 0.40.5); waggle-sensor/pywaggle, tags v0.40.5, 0.50.0 and 0.56.3.'

const WITHOUT = { 'requirements.txt': 'numpy==1.24.4\n' }

/** The base's own pywaggle, where nothing installs another; undefined: something does, might do, or the base has none. */
function inheritedPywaggle(
  facts: RepositoryFacts,
  analysis: Analysis,
): { readonly version: string; readonly span: { readonly start: number; readonly end: number }; readonly image: string } | undefined {
  const { final } = analysis.build
  if (final === undefined) return undefined
  const { stage: bottom, base } = bottomOf(final)
  if (base?.pywaggle === undefined || bottom.stage.base === undefined) return undefined
  const installs = analysis.commands.flatMap((command) => readPipInstall(command) ?? [])
  const isUpgraded =
    installs.some(({ requirements }) => requirements.some(({ text }) => mayBePywaggle(text))) ||
    fileNames(installs).some((name) => mayListPywaggle(facts, name))
  const isCopied = /pywaggle|poetry|pipenv|conda|\buv\b|pyproject|environment\.ya?ml|setup\.py/i.test(
    analysis.dockerfile.instructions.map(({ body }) => body.text).join('\n'),
  )
  return isUpgraded || isCopied ? undefined : { version: base.pywaggle, span: bottom.stage.base.span, image: bottom.reference?.name ?? '' }
}

/** Names other than pywaggle's install others; files and addresses might be anything. */
function mayBePywaggle(requirement: string): boolean {
  const name = packageName(requirement)
  return name === undefined || name === 'pywaggle' || requirement.includes('$')
}

/** Names of the files that pip is told to read, each once, without their folders. */
function fileNames(installs: readonly PipInstall[]): readonly string[] {
  return [...new Set(installs.flatMap(({ files }) => files.map(({ text }) => baseName(text))))]
}

/** Undefined files might list it. */
function mayListPywaggle({ texts }: RepositoryFacts, name: string): boolean {
  const files = textsByName(texts).get(name) ?? []
  return files.length === 0 || files.some(({ text }) => /waggle|^[ \t]*(?:-r|-c|-e|git\+|https?:|\.)/im.test(text))
}

const isOld: RepositoryRule = {
  code: 'CTSS-D030',
  name: 'base-with-old-pywaggle',
  severity: 'hint',
  title: 'The base image brings an old pywaggle, and nothing replaces it.',
  reason:
    'waggle/plugin-base 1.1.x has pywaggle 0.40. It knows no log folder (`PYWAGGLE_LOG_DIR`), so that a trial sees messages only through the message broker, no `with Plugin()`, and no uploads in the log.',
  source: SOURCE,
  example: {
    bad: {
      Dockerfile: 'FROM waggle/plugin-base:1.1.1-base\nCOPY main.py /app/\nENTRYPOINT ["python3", "/app/main.py"]\n',
      'main.py': 'import waggle.plugin as plugin\nplugin.init()\n',
    },
    good: { Dockerfile: 'FROM waggle/plugin-base:1.1.1-base\nRUN pip3 install pywaggle==0.56.3\nCOPY main.py /app/\nENTRYPOINT ["python3", "/app/main.py"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    const old = analysis && inheritedPywaggle(facts, analysis)
    if (analysis === undefined || old === undefined || usesWith(facts) !== undefined) return
    yield {
      place: analysis.dockerfile.text.place(old.span),
      message: `${old.image} brings pywaggle ${old.version}, and nothing replaces it: it writes no log folder.`,
      suggestion: 'Add pywaggle==0.56.3 to requirements.txt, and install it.',
    }
  },
}

/** A module that uses a plugin in a `with` statement. */
function usesWith({ modules }: RepositoryFacts): string | undefined {
  return modules.find(({ text }) => /^[ \t]*(?:async[ \t]+)?with[ \t]+(?:[\w.]+\.)?Plugin\(/m.test(text.text))?.text.file
}

const isTooOld: RepositoryRule = {
  code: 'CTSS-D031',
  name: 'base-pywaggle-without-with',
  severity: 'warning',
  title: 'The code says `with Plugin()`, and the base image’s pywaggle does not know it.',
  reason:
    'pywaggle 0.40, which waggle/plugin-base 1.1.x brings, has no class that a `with` statement takes: the plugin ends at once, with an error. `with Plugin()` came with 0.50.0.',
  source: SOURCE,
  example: {
    bad: {
      Dockerfile:
        'FROM waggle/plugin-base:1.1.1-base\nCOPY requirements.txt main.py /app/\nRUN pip3 install -r /app/requirements.txt\nENTRYPOINT ["python3", "/app/main.py"]\n',
      ...WITHOUT,
    },
    good: {
      Dockerfile:
        'FROM waggle/plugin-base:1.1.1-base\nCOPY requirements.txt main.py /app/\nRUN pip3 install -r /app/requirements.txt\nENTRYPOINT ["python3", "/app/main.py"]\n',
    },
  },
  *check(facts) {
    const analysis = analyse(facts)
    const old = analysis && inheritedPywaggle(facts, analysis)
    const module = usesWith(facts)
    if (analysis === undefined || old === undefined || module === undefined) return
    yield {
      place: analysis.dockerfile.text.place(old.span),
      message: `${old.image} brings pywaggle ${old.version}, which does not know \`with Plugin()\` in ${module}.`,
      suggestion: 'Add pywaggle==0.56.3 to requirements.txt, and install it.',
    }
  },
}

const pythonIsTooOld: RepositoryRule = {
  code: 'CTSS-D032',
  name: 'python-too-old',
  severity: 'error',
  title: 'The base image’s Python is older than pywaggle needs.',
  reason: 'Every pywaggle on PyPI needs Python 3.6 or newer; pip finds no version for an older one, and the build fails.',
  source: 'https://pypi.org/project/pywaggle: `requires_python` is ">=3.6" from 0.52.0.post1 to 0.56.3.',
  example: {
    bad: { Dockerfile: 'FROM python:2.7\nRUN pip install pywaggle\nENTRYPOINT ["python", "/app/main.py"]\n' },
    good: { Dockerfile: 'FROM python:3.12-slim\nRUN pip install pywaggle\nENTRYPOINT ["python", "/app/main.py"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    const final = analysis?.build.final
    if (analysis === undefined || final === undefined) return
    const { stage: bottom, base } = bottomOf(final)
    const isOfficial = bottom.reference?.repository === 'library/python'
    if (!isOfficial || base?.python === undefined || bottom.stage.base === undefined) return
    const [major, minor] = base.python
    if (major > 3 || (major === 3 && minor >= 6)) return
    const installs = analysis.commands.flatMap((command) => readPipInstall(command) ?? [])
    const asks =
      installs.some(({ requirements }) => requirements.some(({ text }) => packageName(text) === 'pywaggle')) ||
      fileNames(installs).some((name) =>
        textsByName(facts.texts)
          .get(name)
          ?.some(({ text }) => /^[ \t]*pywaggle\b/im.test(text)),
      )
    if (!asks) return
    yield {
      place: analysis.dockerfile.text.place(bottom.stage.base.span),
      message: `${bottom.reference?.name} has Python ${major}.${minor}; pywaggle needs 3.6 or newer.`,
      suggestion: 'Choose a newer one, for instance python:3.12-slim.',
    }
  },
}

/** Rules about the Python and the pywaggle of base images. */
export const PYWAGGLE_RULES: readonly RepositoryRule[] = [isOld, isTooOld, pythonIsTooOld]
