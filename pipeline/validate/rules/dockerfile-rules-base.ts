import { analyse, bottomOf } from '../dockerfile/analysis.ts'
import type { Analysis } from '../dockerfile/analysis.ts'
import { BASE_IMAGES_DATE, describeBase, isMoving } from '../dockerfile/base-images.ts'
import type { BaseImage } from '../dockerfile/base-images.ts'
import type { BuiltStage } from '../dockerfile/build.ts'
import type { Word } from '../dockerfile/mapped-text.ts'
import type { RepositoryRule } from '../rule.ts'
import { manifestFor } from './dockerfile-examples.ts'

const DIGEST = `sha256:${'4'.repeat(64)}`

/** An image that FROM names, with the platforms that it is fetched for. */
interface UsedBase {
  readonly word: Word
  readonly built: BuiltStage
  readonly base: BaseImage | undefined
  readonly platforms: readonly string[]
}

/** Each FROM with an image, in stages that take part, with the platforms for which it is that image. */
function usedBases({ builds }: Analysis): readonly UsedBase[] {
  const used = new Map<string, UsedBase & { readonly platforms: string[] }>()
  for (const build of builds) {
    for (const built of build.stages) {
      const { stage, reference, platform } = built
      if (reference === undefined || stage.base === undefined) continue
      const key = `${stage.index} ${reference.name} ${reference.digest ?? ''}`
      const known = used.get(key)
      if (known === undefined) used.set(key, { word: stage.base, built, base: describeBase(reference), platforms: platform === undefined ? [] : [platform] })
      else if (platform !== undefined && !known.platforms.includes(platform)) known.platforms.push(platform)
    }
  }
  return [...used.values()]
}

function listed(platforms: readonly string[]): string {
  return platforms.join(', ')
}

const lacksArchitecture: RepositoryRule = {
  code: 'CTSS-D020',
  name: 'base-without-architecture',
  severity: 'error',
  title: 'The base image does not exist for an architecture that the manifest lists.',
  reason:
    'Sage builds all architectures of `source.architectures` at once. When a base image lacks one of them the whole build fails ("no match for platform in manifest"), for the others, too.',
  source: `The images' own build files and catalogues, looked up on ${BASE_IMAGES_DATE}: waggle-sensor/plugin-base-images c6bb9e5 (README, Makefiles), catalog.ngc.nvidia.com, docker-library/official-images.`,
  example: {
    bad: { Dockerfile: 'FROM nvcr.io/nvidia/l4t-ml:r32.4.4-py3\nENTRYPOINT ["python3"]\n' },
    good: { 'sage.yaml': manifestFor('linux/arm64'), Dockerfile: 'FROM nvcr.io/nvidia/l4t-ml:r32.4.4-py3\nENTRYPOINT ["python3"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { word, base, built, platforms } of usedBases(analysis)) {
      const missing = platforms.filter((platform) => base?.lacks.includes(platform))
      if (missing.length === 0) continue
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message: `${built.reference?.name} does not exist for ${listed(missing)}, which ${built.stage.platform === undefined ? 'the manifest lists' : '--platform asks for'}.`,
        suggestion: `Choose a base that has ${missing.length > 1 ? 'them' : 'it'}, or take ${listed(missing)} out of source.architectures.`,
      }
    }
  },
}

const mayLackArchitecture: RepositoryRule = {
  code: 'CTSS-D021',
  name: 'base-for-one-board',
  severity: 'warning',
  title: 'The base image is made for one kind of board.',
  reason: 'Most probably it has no other architecture than that of the board. If so, the build for the others fails, and with it the whole build.',
  source: 'The name of the image; nothing public says how it is made.',
  example: {
    bad: { Dockerfile: 'FROM waggle/sage-thor-base:0.1.0\nENTRYPOINT ["python3"]\n' },
    good: { 'sage.yaml': manifestFor('linux/arm64'), Dockerfile: 'FROM waggle/sage-thor-base:0.1.0\nENTRYPOINT ["python3"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { word, base, built, platforms } of usedBases(analysis)) {
      const missing = platforms.filter((platform) => base?.mayLack?.includes(platform))
      if (missing.length === 0) continue
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message: `${built.reference?.name} is made for one kind of board, and probably does not exist for ${listed(missing)}.`,
        suggestion: `Look with \`docker buildx imagetools inspect ${built.reference?.name}\`, and take what it lacks out of source.architectures.`,
      }
    }
  },
}

const platformIsFixed: RepositoryRule = {
  code: 'CTSS-D022',
  name: 'platform-fixed',
  severity: 'warning',
  title: 'FROM fixes the platform of the plugin’s own image.',
  reason:
    'With `FROM --platform=linux/amd64` every architecture gets the programs of that one. The build succeeds, and on nodes of the others nothing starts ("exec format error").',
  source: 'https://docs.docker.com/reference/build-checks/from-platform-flag-const-disallowed.',
  example: {
    bad: { Dockerfile: 'FROM --platform=linux/amd64 python:3.12-slim\nENTRYPOINT ["python3"]\n' },
    good: { Dockerfile: 'FROM python:3.12-slim\nENTRYPOINT ["python3"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    const { final } = analysis.build
    const fixed = final && bottomOf(final).stage.stage.platform
    if (final === undefined || fixed === undefined) return
    const place = analysis.dockerfile.text.place(fixed.span)
    const suggestion = 'Leave --platform out: the builder takes the platform that it builds for.'
    if (/BUILDPLATFORM/.test(fixed.value)) {
      if (analysis.platforms.length > 1) yield { place, message: 'Every image is made of programs for the machine that builds.', suggestion }
      return
    }
    const wrong = analysis.builds.filter(
      (build) => build.final?.platform !== undefined && architectureOf(build.final.platform) !== architectureOf(build.platform),
    )
    if (wrong.length === 0) return
    yield { place, message: `The image for ${listed(wrong.map(({ platform }) => platform))} is made of programs for ${final.platform}.`, suggestion }
  },
}

/** Without variant: which of them fits is the builder's to judge. */
function architectureOf(platform: string): string {
  return platform === 'linux/arm/v8' ? 'arm64' : (platform.split('/')[1] ?? '')
}

const isUnknown: RepositoryRule = {
  code: 'CTSS-D023',
  name: 'base-unknown',
  severity: 'hint',
  title: 'The base image is not in the table of this version of ctss.',
  reason: 'Whether it exists for the architectures that the manifest lists, and which Python it has, shows only when it is built.',
  source: `The table of base images, looked up on ${BASE_IMAGES_DATE}.`,
  example: {
    bad: { Dockerfile: 'FROM example.org/team/base:1.0\nENTRYPOINT ["python3"]\n' },
    good: { Dockerfile: 'FROM debian:bookworm-slim\nENTRYPOINT ["python3"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { word, base, built } of usedBases(analysis)) {
      if (base !== undefined) continue
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message: `What ${built.reference?.name} offers is not known: nothing of it was checked.`,
        suggestion: `\`docker buildx imagetools inspect ${built.reference?.name}\` lists its architectures.`,
      }
    }
  },
}

const isWithoutVersion: RepositoryRule = {
  code: 'CTSS-D024',
  name: 'base-without-version',
  severity: 'warning',
  title: 'The base image has no tag, or one that moves from version to version.',
  reason:
    'The same Dockerfile gives another image next month: `python:latest` and `python:3` jump to a new Python, for which some package has no wheel yet. A release that was tested is then not the one that Sage builds.',
  source: 'https://docs.docker.com/build/building/best-practices/#pin-base-image-versions; hadolint DL3006, DL3007.',
  example: { bad: { Dockerfile: 'FROM python:latest\nENTRYPOINT ["python3"]\n' }, good: { Dockerfile: 'FROM python:3.12-slim\nENTRYPOINT ["python3"]\n' } },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const { word, built } of usedBases(analysis)) {
      const { reference } = built
      if (reference === undefined || !isMoving(reference)) continue
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message:
          reference.tag === undefined ? `${reference.name} has no tag, which means the newest.` : `The tag of ${reference.name} moves from version to version.`,
        suggestion: 'Name a version, for instance python:3.12-slim.',
      }
    }
  },
}

const isNotPinned: RepositoryRule = {
  code: 'CTSS-D025',
  name: 'base-not-pinned',
  severity: 'hint',
  title: 'The base image is not pinned by digest.',
  reason:
    'Tags are moved, when a security fix comes in or by mistake. With a digest behind the tag the same Dockerfile always starts from the same bytes; ctss records in every release which they were.',
  source: 'https://docs.docker.com/build/building/best-practices/#pin-base-image-versions; https://slsa.dev.',
  example: {
    bad: { Dockerfile: 'FROM python:3.12-slim\nENTRYPOINT ["python3"]\n' },
    good: { Dockerfile: `FROM python:3.12-slim@${DIGEST}\nENTRYPOINT ["python3"]\n` },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    const seen = new Set<string>()
    for (const { word, built } of usedBases(analysis)) {
      const { reference } = built
      if (reference === undefined || reference.digest !== undefined || isMoving(reference) || seen.has(reference.name)) continue
      seen.add(reference.name)
      yield {
        place: analysis.dockerfile.text.place(word.span),
        message: `${reference.name} is not pinned by digest.`,
        suggestion: `Put the digest behind it, ${reference.name}@sha256:…, as \`docker buildx imagetools inspect ${reference.name}\` prints it.`,
      }
    }
  },
}

const aptIsBroken: RepositoryRule = {
  code: 'CTSS-D026',
  name: 'base-with-dead-packages',
  severity: 'error',
  title: '`apt-get update` fails on this base image.',
  reason:
    'Old images point to package repositories that were moved away or signed with a new key. `apt-get update` then ends with an error, and the build with it.',
  source:
    'waggle-sensor/plugin-base-images c6bb9e5, ml-torch/Dockerfile.amd64 (which mends the key); https://developer.nvidia.com/blog/updating-the-cuda-linux-gpg-repository-key; https://www.debian.org/distrib/archive.',
  example: {
    bad: { Dockerfile: 'FROM waggle/plugin-base:1.1.1-ml\nRUN apt-get update && apt-get install -y ffmpeg\nENTRYPOINT ["python3"]\n' },
    good: { Dockerfile: 'FROM waggle/plugin-base:1.1.1-base\nRUN apt-get update && apt-get install -y ffmpeg\nENTRYPOINT ["python3"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    if (analysis === undefined) return
    for (const built of analysis.build.stages) {
      const { base, stage: bottom } = bottomOf(built)
      const platforms = base?.apt?.platforms.filter((platform) => analysis.platforms.includes(platform)) ?? []
      if (base?.apt === undefined || platforms.length === 0) continue
      const commands = analysis.commands.filter((command) => command.built === built)
      // Whoever touches the lists or keys before has probably mended them.
      const command = commands.find(({ program, words }) => /^apt(?:-get)?$/.test(program) && words.some(({ text }) => text === 'update'))
      if (command === undefined || MENDS_APT.test(analysis.dockerfile.text.text.slice(0, command.instruction.span.end))) continue
      yield {
        place: analysis.dockerfile.text.place(command.instruction.keywordSpan),
        message: `apt-get update fails on ${bottom.reference?.name} (${listed(platforms)}): ${base.apt.reason}.`,
        suggestion: 'Choose a newer base image, or remove the dead lists from /etc/apt/sources.list.d in an earlier RUN.',
      }
    }
  },
}

const MENDS_APT = /sources\.list|apt-key|keyring|archive\.debian\.org|nvidia-ml\.list|cuda\.list|\|\|\s*true/

interface NodeType {
  readonly name: string
  readonly platform: string
  /** What its programs must be made for. */
  readonly needs: string
  uses(cuda: { readonly version: number; readonly l4t: boolean }): boolean
}

/** Sage's node types and what their GPUs take. */
const NODE_TYPES: readonly NodeType[] = [
  { name: 'Wild Sage Node (Xavier NX)', platform: 'linux/arm64', needs: 'JetPack 4 with CUDA 10.2', uses: ({ version, l4t }) => l4t && version === 10.2 },
  { name: 'Sage Blade (T4)', platform: 'linux/amd64', needs: 'CUDA 11', uses: ({ version, l4t }) => !l4t && Math.floor(version) <= 11 },
  { name: 'Sage Thor', platform: 'linux/arm64', needs: 'CUDA 13', uses: ({ version }) => version >= 13 },
]

const gpuIsUnused: RepositoryRule = {
  code: 'CTSS-D027',
  name: 'gpu-generation',
  severity: 'hint',
  title: 'Some kinds of node do not use their GPU with this base image.',
  reason:
    'arm64 is not one target: the Xavier NX of a Wild Sage Node has CUDA 10.2, a Sage Thor has CUDA 13, and a Sage Blade (amd64) CUDA 11. Programs for one generation do not find the GPU of another. They fail, or run on the processor, many times slower. Nothing in sage.yaml says which nodes a plugin is for: the job must.',
  source:
    'waggle-sensor/plugin-base-images c6bb9e5 (ml/Dockerfile.l4t: JetPack 4.4, ml/Dockerfile.amd64: CUDA 11.0); flint-pete/sage-yolo, Dockerfile (CUDA 13.0, sm_110 for Thor); NVIDIA, Deep Learning Frameworks Support Matrix.',
  example: {
    bad: { Dockerfile: 'FROM nvcr.io/nvidia/pytorch:25.08-py3\nENTRYPOINT ["python3"]\n' },
    good: { Dockerfile: 'FROM python:3.12-slim\nENTRYPOINT ["python3"]\n' },
  },
  *check(facts) {
    const analysis = analyse(facts)
    const final = analysis?.build.final
    if (analysis === undefined || final === undefined) return
    const { stage: bottom } = bottomOf(final)
    if (bottom.stage.base === undefined) return
    const cuda = new Map(analysis.builds.map((build) => [build.platform, build.final && bottomOf(build.final).base?.cuda?.get(build.platform)]))
    const present = NODE_TYPES.filter(({ platform }) => cuda.get(platform) !== undefined)
    const unused = present.filter(({ platform, uses }) => !uses(cuda.get(platform) ?? { version: 0, l4t: false }))
    if (unused.length === 0) return
    const used = present.filter((type) => !unused.includes(type))
    yield {
      place: analysis.dockerfile.text.place(bottom.stage.base.span),
      message: `${bottom.reference?.name} is not made for the GPU of ${unused.map(({ name, needs }) => `${name}: it needs ${needs}`).join('; ')}.`,
      suggestion:
        used.length === 0
          ? 'Choose the base image for the nodes that the plugin is for.'
          : `It fits ${used.map(({ name }) => name).join(', ')}: choose those nodes in the job.`,
    }
  },
}

/** Rules about base images. */
export const BASE_RULES: readonly RepositoryRule[] = [
  lacksArchitecture,
  mayLackArchitecture,
  platformIsFixed,
  isUnknown,
  isWithoutVersion,
  isNotPinned,
  aptIsBroken,
  gpuIsUnused,
]
