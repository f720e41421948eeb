import type { Problem } from '../problem.ts'
import { repositoryOwner } from '../repository-url.ts'
import { convertDialect } from './dialects/dialects.ts'
import type { ConvertedManifest } from './dialects/dialects.ts'
import { dialectFindings, spellingFindings } from './dialects/dialect-rules.ts'
import { fixRefusal } from './fixes/refusal-fixes.ts'
import { expandedSize, makeManifest } from './manifest-spans.ts'
import { problemOf } from './rule.ts'
import type { ManifestFacts, ManifestFile, PortalFacts, RuleDocument } from './rule.ts'
import { MANIFEST_RULES } from './rules/manifest-warnings.ts'
import { CONFLICT_MARKERS, FILE_IS_BINARY, FILE_TOO_LARGE, NOT_UTF8, NOT_UTF8_SUBMITTED, TOO_MANY_VALUES } from './rules/reading-rules.ts'
import { SAGE_REFUSALS } from './rules/sage-refusals.ts'
import { readBody } from './sage/body.ts'
import { judgeAsSubmitted, judgeThroughPortal } from './sage/judge.ts'
import type { Judgement, Refusal } from './sage/judge.ts'
import type { Parsed, PythonDict } from './sage/python-value.ts'
import { textFile } from './text-file.ts'
import type { TextFile } from './text-file.ts'
import { MAX_FILE_BYTES } from './yaml-source.ts'

/** As written: the file is the body of `POST /submit` · portal: the Portal fills in namespace, address and branch first. */
export type SubmissionMode = 'portal' | 'submitted'

export type Verdict = Readonly<Record<SubmissionMode, 'accepted' | 'refused'>>

export interface JudgeOptions {
  /** Whose verdict the problems explain; `portal` without it. */
  readonly mode?: SubmissionMode
  /** The Sage user who registers the plugin. */
  readonly user?: string
  /** Owner of a repository (lower case) → Sage user. */
  readonly users?: ReadonlyMap<string, string>
  readonly repository?: string
  readonly branch?: string
  /** What `git describe --always --tags --long` prints. */
  readonly described?: string
  /** As many problems are listed, and have fixes; 100 without it, and what is left is counted. */
  readonly limit?: number
}

export interface JudgedManifest {
  readonly verdict: Verdict
  readonly problems: readonly Problem[]
  /** In today's dialect; undefined: it cannot be read. */
  readonly manifest: ManifestFile | undefined
  /** Read from an old dialect: nothing of it stands where the manifest says. */
  readonly isConverted?: boolean
  readonly facts: Omit<ManifestFacts, 'manifest'>
}

const BOTH_REFUSED: Verdict = { portal: 'refused', submitted: 'refused' }

/** After aliases are followed; a file of 256 KiB without any cannot hold as many. */
const MAX_VALUES = 300_000

/** Stands for an address that is not known: Sage looks at no more than its length. */
const UNKNOWN_REPOSITORY = 'https://github.com/owner/repository'

/** Where nobody says who registers the plugin: a name that Sage takes. Never the owner on GitHub, which is no Sage user. */
const DEFAULT_USER = 'local'

/** Judges one file as a manifest, whatever its name and content. Never throws; answers in less than a second. */
export function judgeManifest(file: string, content: Uint8Array, options: JudgeOptions = {}): JudgedManifest {
  const mode = options.mode ?? 'portal'
  const refuse = (rule: RuleDocument, message: string, suggestion: string, line?: number): JudgedManifest => ({
    verdict: BOTH_REFUSED,
    problems: [problemOf(rule, { place: { file, ...(line !== undefined && { line }) }, message, suggestion })],
    manifest: undefined,
    facts: gatherFacts(undefined, options),
  })
  if (content.length > MAX_FILE_BYTES)
    return refuse(FILE_TOO_LARGE, `${file} is larger than 256 KiB and was not read.`, 'Keep data out of it: a manifest has a few kilobytes.')
  if (content.includes(0)) return refuse(FILE_IS_BINARY, `${file} is not text: it holds zero bytes.`, 'Give the manifest, saved as UTF-8.')
  const { text, isUtf8 } = decode(content)
  const source = textFile(file, text)
  const parsed = readBody(text)
  if ('value' in parsed && expandedSize(parsed.value) > MAX_VALUES) {
    const message = `${file} holds more than ${MAX_VALUES.toLocaleString('en')} values, or aliases that go round in circles.`
    return refuse(TOO_MANY_VALUES, message, 'Write the values out instead of using aliases (*name).', 1)
  }
  const facts = gatherFacts(parsed, options)
  const judgements = { portal: judgeThroughPortal(text, facts.portal, parsed), submitted: judgeAsSubmitted(text, facts.portal, parsed) }
  const verdict: Verdict = { portal: judgements.portal.verdict, submitted: isUtf8 ? judgements.submitted.verdict : 'refused' }
  const problems = [...encodingProblems(file, isUtf8, mode)]
  if (!('value' in parsed) || parsed.value.type !== 'dict') {
    return {
      verdict,
      problems: [...problems, ...describeRefusals(judgements[mode], { source, manifest: undefined, facts, limit: options.limit })],
      manifest: undefined,
      facts,
    }
  }
  const read = readDialect(source, parsed.value)
  if (read.converted === undefined) {
    // One by one: a file may cause more than a call has room for.
    for (const problem of describeRefusals(judgements[mode], { source, manifest: read.manifest, facts, limit: options.limit })) problems.push(problem)
    for (const rule of MANIFEST_RULES) for (const finding of rule.check({ manifest: read.manifest, ...facts })) problems.push(problemOf(rule, finding))
    for (const [rule, finding] of spellingFindings(read.manifest, problems)) problems.push(problemOf(rule, finding))
  } else for (const [rule, finding] of dialectFindings(source, read.converted, judgements[mode])) problems.push(problemOf(rule, finding))
  return { verdict, problems, manifest: read.manifest, facts, isConverted: read.converted !== undefined }
}

function decode(content: Uint8Array): { readonly text: string; readonly isUtf8: boolean } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content), isUtf8: true }
  } catch {
    return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(content), isUtf8: false }
  }
}

function encodingProblems(file: string, isUtf8: boolean, mode: SubmissionMode): readonly Problem[] {
  if (isUtf8) return []
  const suggestion = 'Save it as UTF-8.'
  return mode === 'submitted'
    ? [problemOf(NOT_UTF8_SUBMITTED, { place: { file }, message: `${file} is not UTF-8: Sage's server breaks on it.`, suggestion })]
    : [problemOf(NOT_UTF8, { place: { file }, message: `${file} is not UTF-8: the Portal shows � for what it cannot read.`, suggestion })]
}

/** Sage's user names (sage-ecr ecrdb.py addNamespace L977-986). */
const USER = /^[a-z0-9]{4,30}$/

function gatherFacts(parsed: Parsed | undefined, { user, users, repository, branch, described }: JudgeOptions): JudgedManifest['facts'] {
  const owner = repositoryOwner(repository ?? '')?.toLowerCase()
  const own = parsed !== undefined && 'value' in parsed && parsed.value.type === 'dict' ? ownNamespace(parsed.value) : undefined
  const portal: PortalFacts = {
    user: user ?? users?.get(owner ?? '') ?? own ?? DEFAULT_USER,
    url: repository ?? UNKNOWN_REPOSITORY,
    branch: branch ?? 'main',
    ...(described !== undefined && { describe: described }),
  }
  return { portal, repository }
}

function ownNamespace({ entries }: PythonDict): string | undefined {
  const namespace = entries.find(({ key }) => key.type === 'str' && key.value === 'namespace')?.value
  return namespace?.type === 'str' && USER.test(namespace.value) ? namespace.value : undefined
}

function readDialect(source: TextFile, dict: PythonDict): { readonly manifest: ManifestFile; readonly converted: ConvertedManifest | undefined } {
  const manifest = makeManifest(source, dict)
  const converted = convertDialect(manifest.value, manifest)
  if (converted === undefined) return { manifest, converted }
  const read = readBody(converted.text)
  // The converter writes a mapping; its own tests hold that.
  const python = 'value' in read && read.value.type === 'dict' ? read.value : dict
  return { manifest: { ...makeManifest(textFile(source.file, converted.text), python), place: manifest.place }, converted }
}

const DOCUMENTS: ReadonlyMap<string, RuleDocument> = new Map(SAGE_REFUSALS.map((document) => [document.code, document]))

interface Refused {
  readonly source: TextFile
  readonly manifest: ManifestFile | undefined
  readonly facts: Omit<ManifestFacts, 'manifest'>
  readonly limit: number | undefined
}

function describeRefusals({ refusals }: Judgement, { source, manifest, facts, limit = MAX_FIXES }: Refused): readonly Problem[] {
  const marker = refusals.length > 0 && manifest === undefined ? /^(?:<{7}|={7}|>{7})(?: .*)?$/m.exec(source.text) : null
  if (marker !== null) {
    const place = source.place({ start: marker.index, end: marker.index + marker[0].length })
    return [
      problemOf(CONFLICT_MARKERS, {
        place,
        message: 'A merge was left unfinished here: this is a conflict marker of Git.',
        suggestion: 'Keep one of the two versions, and delete the lines with <<<<<<<, ======= and >>>>>>>.',
      }),
    ]
  }
  return refusals.map((refusal, position) => describeRefusal(refusal, source, position < limit, manifest, facts))
}

/** More problems than these are counted, not shown, unless more are asked for. */
const MAX_FIXES = 200

function describeRefusal(
  refusal: Refusal,
  source: TextFile,
  isFixWanted: boolean,
  manifest: ManifestFile | undefined,
  facts: Omit<ManifestFacts, 'manifest'>,
): Problem {
  const document = DOCUMENTS.get(refusal.code)
  if (document === undefined) throw new TypeError(`a refusal without a document: ${refusal.code}`)
  const { message, suggestion, path, part, start } = refusal
  const place = manifest === undefined || start !== undefined ? source.place({ start: start ?? 0, end: start ?? 0 }) : manifest.place(path, part)
  const fix = manifest === undefined || !isFixWanted ? undefined : fixRefusal(refusal, { manifest, ...facts })
  return problemOf(document, { place, message, ...(suggestion !== undefined && { suggestion }), ...(fix !== undefined && { fix }) })
}
