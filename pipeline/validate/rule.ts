import type { Fix, Subject } from '../../schemas/generated/types.ts'
import type { Place, Problem } from '../problem.ts'
import type { TreeIndex } from '../tree.ts'
import type { Dockerfile } from './dockerfile/dockerfile.ts'
import type { Mapping } from './lenient.ts'
import type { PythonModule } from './python/module.ts'
import type { PythonDict, Span } from './sage/python-value.ts'
import type { TextFile } from './text-file.ts'
import type { DocumentPath } from './yaml-source.ts'

/** A file that the rules look into: its value, which may break the schema, and where things stand in it. */
export interface RuleFile {
  readonly file: string
  readonly value: Mapping
  /** Of what is missing, where its parent stands. */
  place(path: DocumentPath, part?: 'key' | 'value'): Place
}

/** A manifest, in today's dialect: what Sage's server reads in it, and where it stands in the text. */
export interface ManifestFile extends RuleFile {
  readonly text: TextFile
  /** What PyYAML (or Python's json) makes of the text. `value` is the same in JavaScript's types: dates as text, all numbers alike. */
  readonly python: PythonDict
  /** Exactly there; undefined when nothing is. `entry`: from the key's begin to the value's end. */
  span(path: DocumentPath, part: 'key' | 'value' | 'entry'): Span | undefined
}

/** What the Portal would fill in (sage-gui CreateApp.tsx L117-150). */
export interface PortalFacts {
  /** Sage user name; becomes the namespace. */
  readonly user: string
  /** The repository's address; becomes `source.url`. */
  readonly url: string
  /** Becomes `source.branch` where there is none. */
  readonly branch: string
  /** What `git describe --always --tags --long` prints in a clone; undefined: unknown, taken to be a short commit. */
  readonly describe?: string
}

/** What rules about the manifest alone may look at. */
export interface ManifestFacts {
  readonly manifest: ManifestFile
  readonly portal: PortalFacts
  /** The repository's address, where it is known. */
  readonly repository: string | undefined
}

/** Everything that a rule about the whole repository may look at. */
export interface RepositoryFacts extends ManifestFacts {
  readonly pipelineFile: RuleFile | undefined
  readonly subject: Subject
  readonly tree: TreeIndex
  /** The Dockerfile that `source.directory` and `source.dockerfile` name; undefined when there is none that can be read. */
  readonly dockerfile: Dockerfile | undefined
  /** Python files of the build context, at most 200 of 256 KiB each. */
  readonly modules: readonly PythonModule[]
  /** Other texts of the build context that rules look into: `requirements*.txt`, `pyproject.toml`, `setup.py`, by path. */
  readonly texts: ReadonlyMap<string, TextFile>
  /** The first 256 KiB of each file directly in `ecr-meta/`, by path. */
  readonly metadataFiles: ReadonlyMap<string, Uint8Array>
}

/** Files of a repository that shows a rule: `sage.yaml` and others, laid over a healthy plugin. */
export type ExampleFiles = Readonly<Record<string, string>>

/** What people read about a rule: the page in `docs/rules.md` and `ctss explain` are made of it. */
export interface RuleDocument {
  /** Stable for ever: `CTSS-M012`. M: the manifest · R: the repository · D: the Dockerfile · P: Python · C: ctss.yaml. */
  readonly code: string
  /** Kebab case, unique; `ctss explain` takes it too. */
  readonly name: string
  /** error: Sage refuses it, or breaks · warning: accepted, but it will not do what its author thinks · hint: could be better. */
  readonly severity: Problem['severity']
  /** One sentence: what is wrong. */
  readonly title: string
  /** Why it matters and what happens, in a few sentences of Markdown. */
  readonly reason: string
  /** Who says so: repository, file and lines, a specification's section, or the observation. */
  readonly source: string
  /** `bad` has the problem, `good` has not; a test runs both. `bad` undefined: the reason in words why no example can be shown. */
  readonly example: { readonly bad: ExampleFiles; readonly good?: ExampleFiles } | { readonly none: string }
}

/** One finding of a rule; the rule gives it its code and severity. */
export interface Finding {
  readonly place: Place
  readonly message: string
  readonly suggestion?: string
  readonly detail?: string
  readonly fix?: Fix
}

/** One thing that can be wrong. Pure; looks at values that may be of any type (Sage's own judgement has complained about those already). */
export interface Rule<Facts> extends RuleDocument {
  check(facts: Facts): Iterable<Finding>
}

export type ManifestRule = Rule<ManifestFacts>
export type RepositoryRule = Rule<RepositoryFacts>

/** A finding with the code and severity of its rule. */
export function problemOf({ code, severity }: RuleDocument, { place, message, suggestion, detail, fix }: Finding): Problem {
  return {
    code,
    severity,
    message,
    place,
    ...(suggestion !== undefined && { suggestion }),
    ...(detail !== undefined && { detail: detail.slice(0, 8192) }),
    ...(fix !== undefined && { fix }),
  }
}
