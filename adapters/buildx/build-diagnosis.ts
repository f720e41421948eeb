import { Failure } from '../../pipeline/failure.ts'
import { error } from '../../pipeline/problem.ts'
import type { Place, Problem } from '../../pipeline/problem.ts'
import type { LoggedStep } from './build-log.ts'

export interface FailedBuild {
  readonly steps: readonly LoggedStep[]
  /** What the program said after its log. */
  readonly trailer: string
  /** As the request named it: where a problem is placed. */
  readonly dockerfile: string
  /** Its content, in which the failing step is looked up when the builder names no line. */
  readonly dockerfileText: string
  readonly platform: string
  /** `builder-unavailable` for a BuildKit of its own, `engine-unavailable` for the engine's builder. */
  readonly unavailable: 'builder-unavailable' | 'engine-unavailable'
}

const NETWORK =
  /no such host|connection refused|i\/o timeout|network is unreachable|no route to host|TLS handshake timeout|connection reset by peer|Temporary failure in name resolution|server misbehaving|net\/http: request canceled|unexpected EOF|certificate/i
const BUILDER_GONE =
  /no builder ".*" found|Cannot connect to the Docker daemon|error during connect|code = Unavailable|closing transport|transport is closing|error reading from server|connection error: desc|failed to (?:find|initialize|connect to) (?:driver|builder|buildkit)|dial unix|unable to (?:connect|boot)|listing workers for Build|no such container: buildx_buildkit|is not a docker command|unknown flag/i
const NO_SPACE = /no space left on device|disk quota exceeded/i
const MAX_LINE = 1_000_000

/** Tells the user's mistake from the world's: a wrong Dockerfile or a failing step is a problem with its line; a registry, network or disk that failed is a failure. */
export function diagnoseBuild(build: FailedBuild): Problem | Failure {
  const message = errorMessage(build.trailer)
  const failed =
    build.steps.find((step) => step.error !== undefined && !/context canceled/.test(step.error)) ?? build.steps.find((step) => step.error !== undefined)
  const found: Finding = { build, failed, message, text: `${failed?.error ?? ''}\n${message}`, place: placeOf(build, failed) }
  for (const diagnose of DIAGNOSES) {
    const diagnosis = diagnose(found)
    if (diagnosis) return diagnosis
  }
  return found.place.line === undefined && !failed
    ? new Failure(build.unavailable, `the build ended without saying why: ${message || 'no output'}`, { suggestion: 'run `ctss doctor`' })
    : error('dockerfile-invalid', `the Dockerfile cannot be built: ${message.slice(0, 500)}`, { place: found.place })
}

interface Finding {
  readonly build: FailedBuild
  readonly failed: LoggedStep | undefined
  /** The text after `ERROR:`. */
  readonly message: string
  readonly text: string
  readonly place: Place
}

type Diagnosis = (finding: Finding) => Problem | Failure | undefined

const DIAGNOSES: readonly Diagnosis[] = [
  diagnoseStep,
  diagnoseStorage,
  diagnoseExport,
  diagnoseBuilder,
  diagnoseBase,
  diagnoseCopySource,
  diagnoseDownload,
  diagnoseSyntax,
]

function diagnoseStep({ build, failed, text, place }: Finding): Problem | Failure | undefined {
  const code = /(?:process "[\s\S]*" did not complete successfully|executor failed running \[[\s\S]*\]): (?:exit code: (\d+)|([^\n]*))/.exec(text)
  if (!failed || !code) return undefined
  const exit = code[1] === undefined ? (code[2] ?? 'a signal') : `exit code ${code[1]}`
  if (NO_SPACE.test(failed.output))
    return new Failure('storage-full', `the builder's disk is full: step ${stepName(failed)} ended with ${exit}`, {
      suggestion: 'free space, for instance with `docker builder prune`',
    })
  if (/exec \/bin\/(?:sh|bash|dash): exec format error/.test(failed.output)) {
    return new Failure('builder-unavailable', `the builder cannot run programs of ${build.platform}: there is no emulation for it`, {
      suggestion: 'install qemu-user-static, or run `ctss doctor`',
    })
  }
  const suggestion = stepSuggestion(failed.output, code[1])
  return error('build-step-failed', `step ${stepName(failed)} failed with ${exit}`, {
    place,
    detail: plainText(failed.output),
    ...(suggestion !== undefined && { suggestion }),
  })
}

/** Output without colours, and of lines that were written over (progress bars) what was there last. */
function plainText(output: string): string {
  return output
    .replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '')
    .replaceAll(/^[^\n]*\r(?=[^\r\n])/gm, '')
    .replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F]/g, '')
}

function stepSuggestion(output: string, exitCode: string | undefined): string | undefined {
  if (exitCode === '127') return 'a program that the step calls is not in the image: install it in an earlier step'
  if (exitCode === '137') return 'the step was killed, most likely because memory ran out'
  if (/No matching distribution found|Could not find a version that satisfies/i.test(output))
    return 'a Python package has no version for this platform and Python: loosen its version, or choose another base image'
  if (/Temporary failure (?:in name resolution|resolving)|Could not resolve host|Network is unreachable/i.test(output))
    return 'the step needs the network, and could not reach it: try again when it is there'
  if (/Unable to locate package/i.test(output)) return 'run `apt-get update` in the same RUN, and check the name of the package'
  return undefined
}

function diagnoseStorage({ text }: Finding): Failure | undefined {
  return NO_SPACE.test(text) || /"Err":\s*28\b/.test(text)
    ? new Failure('storage-full', `no space left while building: ${lastLine(text)}`, {
        suggestion: 'free space on the disks of builder and registry, for instance with `docker builder prune`',
      })
    : undefined
}

function diagnoseExport({ failed, text }: Finding): Failure | undefined {
  if (!/failed to push|exporting to image|pushing layers|failed commit on ref|failed to authorize.*push/i.test(`${failed?.name ?? ''} ${text}`))
    return undefined
  if (BUILDER_GONE.test(text) && !NETWORK.test(text)) return undefined
  const refused = /\b(?:400|401|403|404|405|415) [A-Z]|denied|unauthorized|insufficient_scope|no basic auth credentials/.test(text)
  return new Failure(refused ? 'registry-refused' : 'registry-unavailable', `the image cannot be pushed: ${lastLine(text)}`, {
    suggestion: 'check that the registry runs and takes pushes (`ctss doctor`)',
  })
}

function diagnoseBuilder({ build, failed, text }: Finding): Failure | undefined {
  if (failed && !BUILDER_GONE.test(failed.error ?? '')) return undefined
  return BUILDER_GONE.test(text)
    ? new Failure(build.unavailable, `the builder is gone: ${lastLine(text)}`, { suggestion: 'run `ctss doctor`, which tells what is missing' })
    : undefined
}

function diagnoseBase({ build, failed, text, message, place }: Finding): Problem | Failure | undefined {
  const image =
    /failed to resolve source metadata for (\S+?):? /.exec(message)?.[1] ??
    /^\[internal\] load metadata for (\S+)/.exec(failed?.name ?? '')?.[1] ??
    /\bFROM (\S+)/.exec(failed?.name ?? '')?.[1]
  if (image === undefined || /did not complete successfully|failed to calculate checksum/.test(text)) return undefined
  const name = image.replace(/^docker\.io\/(?:library\/)?/, '').slice(0, 300)
  if (/no match for platform/.test(text)) {
    return error('base-image-platform', `base image ${name} offers no ${build.platform}`, {
      place,
      suggestion: `choose a base image that has ${build.platform}, or take the platform out of source.architectures`,
    })
  }
  if (
    /: not found|manifest unknown|does not exist|pull access denied|insufficient_scope|unauthorized|denied|403 Forbidden|invalid reference format/i.test(
      text,
    ) &&
    !NETWORK.test(text)
  ) {
    return error('base-image-missing', `base image ${name} does not exist, or may not be pulled`, {
      place,
      suggestion: 'check its name and tag; a private image needs `docker login`',
    })
  }
  return new Failure(
    'base-image-unavailable',
    `base image ${name} (${place.file}${place.line === undefined ? '' : `:${place.line}`}) cannot be fetched: ${lastLine(text)}`,
    {
      suggestion: 'check the network and the name of the image; without the network only images that were fetched before can be used',
    },
  )
}

function diagnoseCopySource({ text, place }: Finding): Problem | undefined {
  const path =
    /failed to (?:calculate checksum of ref [^"]*|walk [^"]*|stat [^"]*|compute cache key:[^"]*)"([^"]+)": not found/.exec(text)?.[1] ??
    /"([^"]+)" not found: not found/.exec(text)?.[1] ??
    /lstat (?:\S*\/buildkit-mount\d+\/)?(\S+): no such file or directory/.exec(text)?.[1]
  if (path === undefined) return undefined
  return error('copy-source-missing', `${path.replace(/^\//, '').slice(0, 300)} is not in the build context`, {
    place,
    suggestion: 'paths of COPY and ADD are relative to source.directory; .dockerignore may leave the file out',
  })
}

function diagnoseDownload({ text, place }: Finding): Problem | Failure | undefined {
  const url =
    /(?:Get|Head) \\?"(https?:[^"\\]+)/.exec(text)?.[1] ?? /(https?:\/\/\S+)/.exec(/invalid response status.*|failed to fetch.*/.exec(text)?.[0] ?? '')?.[1]
  if (url !== undefined && NETWORK.test(text))
    return new Failure('download-failed', `the Dockerfile adds ${url.slice(0, 300)}, which cannot be reached: ${lastLine(text)}`, {
      suggestion: 'try again when the network is there',
    })
  return /invalid response status|failed to load cache key/.test(text)
    ? error('build-download-failed', `a file that the Dockerfile adds cannot be downloaded: ${lastLine(text)}`, { place })
    : undefined
}

function diagnoseSyntax({ text, message, place }: Finding): Problem | undefined {
  const line = Number(/parse error (?:on )?line (\d+)/.exec(text)?.[1] ?? Number.NaN)
  if (
    !/parse error|unknown instruction|cannot be empty|file with no instructions|no build stage|should not be blank|requires (?:exactly|at least)|invalid reference format/i.test(
      text,
    )
  )
    return undefined
  return error(
    'dockerfile-syntax',
    `the Dockerfile is wrong: ${message.replace(/^failed to solve: (?:rpc error: code = Unknown desc = failed to solve with frontend \S+: failed to create LLB definition: )?/, '').slice(0, 500)}`,
    { place: place.line === undefined && line <= MAX_LINE ? { ...place, line } : place },
  )
}

/** buildx prints the failing place as `Dockerfile:12`, followed by the lines around it, where the builder knows it (BuildKit 0.9 and later). */
function placeOf({ trailer, dockerfile, dockerfileText }: FailedBuild, failed: LoggedStep | undefined): Place {
  const printed = Number(/^\S.*:(\d+)\n-{10,}$/m.exec(trailer)?.[1] ?? Number.NaN)
  const line = printed >= 1 && printed <= MAX_LINE ? printed : lineOf(dockerfileText, failed)
  return { file: dockerfile, ...(line !== undefined && { line }) }
}

/** The line of the instruction that a step was made of; of the base image, where its metadata could not be had. */
function lineOf(dockerfileText: string, failed: LoggedStep | undefined): number | undefined {
  if (!failed) return undefined
  const image = /^\[internal\] load metadata for (?:docker\.io\/)?(?:library\/)?(\S+)/.exec(failed.name)?.[1]?.replace(/:latest$/, '')
  const wanted = image === undefined ? stepName(failed).slice(0, 80) : `FROM ${image}`
  const lines = dockerfileText.split('\n')
  const at = lines.findIndex((line, index) => {
    if (!/^\s*[A-Za-z]/.test(line)) return false
    const text = lines
      .slice(index, index + 20)
      .join('\n')
      .replaceAll(/\\\r?\n/g, ' ')
      .replaceAll(/--platform=\S+/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim()
    return text.toLowerCase().startsWith(wanted.toLowerCase())
  })
  return at < 0 ? undefined : at + 1
}

function errorMessage(trailer: string): string {
  const at = trailer.lastIndexOf('ERROR: ')
  return (at < 0 ? trailer : trailer.slice(at + 'ERROR: '.length)).trim().slice(0, 4000)
}

/** `[2/3] RUN make` → `RUN make`. */
function stepName({ name }: LoggedStep): string {
  return name
    .replace(/^\[[^\]]*\] /, '')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 200)
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').slice(0, 500)
}
