import { lstatSync } from 'node:fs'
import { basename, dirname } from 'node:path'

import type { Problem } from '../pipeline/problem.ts'
import { indexTree, resolveTreePath } from '../pipeline/tree.ts'
import type { JudgeOptions } from '../pipeline/validate/judge-manifest.ts'
import type { ManifestReport, validateManifestText, validateRepository } from '../pipeline/validate/judge-repository.ts'
import type { RuleDocument } from '../pipeline/validate/rule.ts'
import { fixFiles } from './fix-files.ts'
import type { MendedFile, Mendable } from './mend.ts'
import type { OpenPlace } from './open-place.ts'
import { overlayTree } from './overlay-tree.ts'

/** What decides over manifests: Sage's rules, and ours. */
export interface Judge {
  readonly repository: typeof validateRepository
  readonly text: typeof validateManifestText
  /** What can be said of its rules; takes its time to load. */
  readonly documents: () => Promise<readonly RuleDocument[]>
}

/** The real one; loaded when there is something to judge. */
export async function loadJudge(): Promise<Judge> {
  const judge = await import('../pipeline/validate/judge-repository.ts')
  return {
    repository: judge.validateRepository,
    text: judge.validateManifestText,
    documents: async () => (await import('../pipeline/validate/rules/rules.ts')).RULE_DOCUMENTS,
  }
}

/** A place that is open: its manifests as they are, and as they would be with other texts. */
export interface JudgedPlace extends Mendable {
  reports(): Promise<readonly ManifestReport[]>
  /** Writes what has been mended; `string`: why nothing may be written here. */
  readonly write: ((files: readonly MendedFile[]) => Promise<void>) | string
}

/** Makes a place ready to be judged. Nothing is read before it is asked for. */
export async function judgedPlace(place: OpenPlace, options: JudgeOptions, judge: Judge): Promise<JudgedPlace> {
  return place.kind === 'file' ? judgedFile(place, options, judge) : judgedRepository(place, options, judge)
}

async function judgedRepository({ tree, folder }: Extract<OpenPlace, { kind: 'repository' }>, options: JudgeOptions, judge: Judge): Promise<JudgedPlace> {
  const index = indexTree(await tree.entries())
  const reports = async (files: ReadonlyMap<string, Buffer> = new Map(), limit?: number): Promise<readonly ManifestReport[]> =>
    judge.repository(files.size === 0 ? tree : await overlayTree(tree, files), limited(options, limit))
  return {
    reports,
    judge: async (files) => problemsOf(await reports(files, Infinity)),
    read: async (file, limitBytes) => tree.read(file, limitBytes),
    refusal(file) {
      const found = resolveTreePath(index, file)
      if ((found.kind === 'file' || found.kind === 'missing') && found.path === file && file !== '') return undefined
      return `${file} is no file of the repository's own, but a link or something else`
    },
    write: folder === undefined ? '--fix needs a folder or a file, not a URL' : async (files) => fixFiles(folder, files),
  }
}

function judgedFile({ path, content, isLink }: Extract<OpenPlace, { kind: 'file' }>, options: JudgeOptions, judge: Judge): JudgedPlace {
  const linkReason = `${path} is a symbolic link: give the file itself to have it changed`
  const reports = async (files?: ReadonlyMap<string, Buffer>, limit?: number): Promise<readonly ManifestReport[]> => [
    judge.text(path, files?.get(path) ?? content, limited(options, limit)),
  ]
  return {
    reports,
    judge: async (files) => problemsOf(await reports(files, Infinity)),
    read: async (file, limitBytes) => (file === path ? content.subarray(0, limitBytes + 1) : undefined),
    refusal(file) {
      if (isLink) return linkReason
      if (file === path) return undefined
      if (dirname(file) !== dirname(path) || basename(file) === '..') return `${file} lies elsewhere: give the folder to have it changed`
      // What is written beside it, a newer form of it, is written once.
      return lstatSync(file, { throwIfNoEntry: false }) === undefined ? undefined : `${file} is there already`
    },
    write: isLink
      ? linkReason
      : async (files) =>
          fixFiles(
            dirname(path),
            files.map((file) => ({ ...file, file: basename(file.file) })),
          ),
  }
}

/** Every problem counts when fixes are looked for, not only those that are shown. */
function limited(options: JudgeOptions, limit: number | undefined): JudgeOptions {
  return limit === undefined ? options : { ...options, limit }
}

function problemsOf(reports: readonly ManifestReport[]): readonly Problem[] {
  return reports.flatMap(({ problems }) => problems)
}
