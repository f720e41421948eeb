import { fixProperty } from '../fixes/make-fix.ts'
import { installationsOf } from '../python/installations.ts'
import { isOlder, NEWEST_PYWAGGLE, pywaggleOf, SINCE } from '../python/pywaggle.ts'
import { readGitAddress } from '../python/requirements.ts'
import type { RepositoryRule } from '../rule.ts'
import { quote } from '../words.ts'
import { WHEEL_RULES } from './requirements-rules-wheels.ts'

const PYWAGGLE = 'waggle-sensor/pywaggle, src/waggle/plugin/plugin.py at 0.53.5, 0.54.0 and 0.55.0 (`PYWAGGLE_LOG_DIR`)'

const pywaggleWritesLogs: RepositoryRule = {
  code: 'CTSS-P050',
  name: 'pywaggle-without-log-folder',
  severity: 'warning',
  title: 'The pywaggle that is asked for writes no log folder.',
  reason:
    `Since ${SINCE.logs} pywaggle writes messages and uploads into the folder that PYWAGGLE_LOG_DIR names, which is how plugins are tried without a node: on a laptop, by pywaggle’s own documentation and by other checks. ` +
    'Older ones ignore it (0.54.0 writes another form). The Virtual Waggle of this pipeline takes messages from the broker, so that its trials see them with every release.',
  source: `${PYWAGGLE}.`,
  example: { bad: { 'requirements.txt': 'pywaggle==0.52.7\n' }, good: { 'requirements.txt': `pywaggle==${NEWEST_PYWAGGLE}\n` } },
  *check(facts) {
    const pywaggle = pywaggleOf(facts)
    const { requirement, version } = pywaggle ?? {}
    if (requirement === undefined || version === undefined || !isOlder(pywaggle, SINCE.logs)) return
    const { text, span, specifierSpan } = requirement
    yield {
      place: text.place(span),
      message: `pywaggle ${version.text} ${version.text.startsWith('0.54') ? 'writes its log folder in another form than today’s' : 'does not know PYWAGGLE_LOG_DIR: no log folder shows what it publishes'}. Trials of this pipeline see it all the same: they listen to the broker.`,
      suggestion: `Write pywaggle==${NEWEST_PYWAGGLE}, and try it: releases from ${SINCE.managed} on want \`with Plugin()\`, later ones check names, values and meta.`,
      ...(specifierSpan.end > specifierSpan.start && fixProperty(`ask for ${NEWEST_PYWAGGLE}`, false, [text.replace(specifierSpan, `==${NEWEST_PYWAGGLE}`)])),
    }
  },
}

const pywaggleIsPinned: RepositoryRule = {
  code: 'CTSS-P051',
  name: 'pywaggle-unpinned',
  severity: 'hint',
  title: 'pywaggle is asked for without a version.',
  reason:
    'A build next year takes another pywaggle than the one that was tried. Its releases have become stricter more than once: 0.52.0, 0.53.0 and 0.56.1 end plugins that ran before.',
  source: 'waggle-sensor/pywaggle, its tags.',
  example: { bad: { 'requirements.txt': 'pywaggle[all]\n' }, good: { 'requirements.txt': `pywaggle[all]==${NEWEST_PYWAGGLE}\n` } },
  *check(facts) {
    const { requirement, isSteered } = pywaggleOf(facts) ?? {}
    if (requirement === undefined || isSteered === true || requirement.url !== undefined || requirement.specifiers?.length !== 0) return
    const { text, span, specifierSpan } = requirement
    // In a Dockerfile it may stand in quotes.
    const isPlain = specifierSpan.end === span.end && !/["']/.test(text.text.slice(span.start, span.end))
    yield {
      place: text.place(span),
      message: 'pywaggle is asked for without a version: which one comes depends on the day of the build.',
      suggestion: `Write pywaggle==${NEWEST_PYWAGGLE}, or the release that you tried it with.`,
      ...(isPlain && fixProperty(`ask for ${NEWEST_PYWAGGLE}`, false, [text.replace(specifierSpan, `==${NEWEST_PYWAGGLE}`)])),
    }
  },
}

const pywaggleIsReleased: RepositoryRule = {
  code: 'CTSS-P052',
  name: 'pywaggle-from-branch',
  severity: 'hint',
  title: 'pywaggle comes from a Git branch.',
  reason: 'A branch is another commit tomorrow, and the build needs git in the image and GitHub at that moment. Every release is on PyPI.',
  source: 'pip documentation, "VCS Support"; https://pypi.org/project/pywaggle/.',
  example: {
    bad: { 'requirements.txt': 'git+https://github.com/waggle-sensor/pywaggle.git\n' },
    good: { 'requirements.txt': `pywaggle==${NEWEST_PYWAGGLE}\n` },
  },
  *check(facts) {
    for (const { requirement } of installationsOf(facts).all) {
      const { name, url, text, span } = requirement
      const reference = url?.startsWith('git+') === true ? readGitAddress(url)?.reference : undefined
      if (name !== 'pywaggle' || reference === undefined || /^(?:v?\d+\.\d+[\w.]*|[0-9a-f]{7,40})$/.test(reference)) continue
      yield {
        place: text.place(span),
        message: `pywaggle comes from ${reference === '' ? 'the main branch' : `the branch ${quote(reference)}`}: tomorrow’s build may take another commit.`,
        suggestion: `Write pywaggle==${NEWEST_PYWAGGLE}, or name a tag or commit behind an @.`,
      }
    }
  },
}

/** Names on PyPI that are not the package that people mean. */
const MISNAMED: ReadonlyMap<string, { readonly meant: string; readonly why: string }> = new Map([
  ['sklearn', { meant: 'scikit-learn', why: 'PyPI has a package of that name only to end the installation with an error' }],
])

const namesAreMeant: RepositoryRule = {
  code: 'CTSS-P056',
  name: 'package-misnamed',
  severity: 'warning',
  title: 'A package is asked for by a name that PyPI keeps for an error.',
  reason:
    '`sklearn` is what scikit-learn is imported as. Its package on PyPI has refused to be installed since 2023-12-01: the image cannot be built, unless its base has that package already.',
  source: 'https://pypi.org/project/sklearn/.',
  example: {
    bad: { 'requirements.txt': `pywaggle==${NEWEST_PYWAGGLE}\nsklearn\n` },
    good: { 'requirements.txt': `pywaggle==${NEWEST_PYWAGGLE}\nscikit-learn==1.5.2\n` },
  },
  *check(facts) {
    // The variable that makes it install all the same.
    if (facts.dockerfile?.text.text.includes('SKLEARN_ALLOW_DEPRECATED') === true) return
    for (const { requirement, isSteered } of installationsOf(facts).all) {
      const { name, writtenName, text, span, url } = requirement
      const found = MISNAMED.get(name)
      if (found === undefined || url !== undefined || isSteered) continue
      const at = text.text.indexOf(writtenName, span.start)
      yield {
        place: text.place(span),
        message: `The package ${quote(writtenName)} cannot be installed: ${found.why}.`,
        suggestion: `Write ${found.meant}.`,
        ...(at >= 0 && at < span.end && fixProperty(`write ${found.meant}`, true, [text.replace({ start: at, end: at + writtenName.length }, found.meant)])),
      }
    }
  },
}

const filesAreThere: RepositoryRule = {
  code: 'CTSS-P057',
  name: 'requirements-file-missing',
  severity: 'error',
  title: 'pip is told to read a file that the repository does not have.',
  reason: 'The build ends with "Could not open requirements file".',
  source: 'pip documentation, "Requirements File Format".',
  example: {
    bad: { 'requirements.txt': `-r requirements-base.txt\npywaggle==${NEWEST_PYWAGGLE}\n` },
    good: { 'requirements.txt': `pywaggle==${NEWEST_PYWAGGLE}\n` },
  },
  *check(facts) {
    for (const { name, place } of installationsOf(facts).missing) {
      yield { place, message: `There is no file ${quote(name)} in the repository.`, suggestion: 'Add it, or take the line out.' }
    }
  },
}

/** Rules about what pip installs into the image: CTSS-P050 and on. */
export const REQUIREMENTS_RULES: readonly RepositoryRule[] = [
  pywaggleWritesLogs,
  pywaggleIsPinned,
  pywaggleIsReleased,
  ...WHEEL_RULES,
  namesAreMeant,
  filesAreThere,
]
