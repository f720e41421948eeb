import type { StageName } from '../pipeline/stage.ts'

/** What a text of an input must be; `stages` and `platforms` are comma-separated lists, as on the CLI. */
export type InputKind = 'text' | 'flag' | 'count' | 'stages' | 'platforms' | 'lines' | 'choice'

/** One input of an action. Its name is that of the CLI's option where there is one. */
export interface InputDefinition {
  readonly kind: InputKind
  readonly description: string
  /** As a workflow would write it; the runner fills in `${{ }}` here. Without it: empty, which means "not given". */
  readonly default?: string
  /** Of a `choice`. */
  readonly choices?: readonly string[]
  /** The value is masked in the log. */
  readonly secret?: true
}

export interface OutputDefinition {
  readonly description: string
}

/** A right of the workflow's token, with the reason why an action needs it. */
export interface Permission {
  readonly scope: 'contents' | 'packages' | 'pull-requests' | 'id-token'
  readonly access: 'read' | 'write'
  readonly reason: string
}

/** One action: `action.yml`, the code that reads its inputs, and its part of docs/actions.md are made of this. */
export interface ActionDefinition {
  readonly name: string
  /** The stage that it runs; `setup` has none, and `index` ends `build`. */
  readonly stage?: StageName
  /** One sentence. */
  readonly description: string
  /** Feather icon, of those that the marketplace knows (docs.github.com, "Metadata syntax", `branding.icon`). */
  readonly icon: string
  readonly inputs: Readonly<Record<string, InputDefinition>>
  readonly outputs: Readonly<Record<string, OutputDefinition>>
  readonly permissions: readonly Permission[]
  /** Whether it starts something on the runner, which its post step then removes. */
  readonly starts: boolean
  /** Paragraphs of docs/actions.md. */
  readonly notes: readonly string[]
  /** A job's steps in YAML, with `OWNER/ctss/actions/NAME@v1`: shown in docs/actions.md, and run by a test. */
  readonly example: string
}

interface ValueOf {
  readonly text: string | undefined
  readonly flag: boolean
  readonly count: number | undefined
  readonly stages: readonly StageName[] | undefined
  readonly platforms: readonly string[] | undefined
  readonly lines: readonly string[]
  readonly choice: string
}

/** The values of an action's inputs, by the names in its definition. */
export type InputValues<Inputs extends Readonly<Record<string, InputDefinition>>> = { readonly [Name in keyof Inputs]: ValueOf[Inputs[Name]['kind']] }
