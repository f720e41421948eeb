import { mkdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import type { Descriptor, Registry } from '../../pipeline/ports/registry.ts'
import { MEDIA_TYPES } from '../../pipeline/build/oci-documents.ts'
import { REGISTRY_HOST } from './cache-layout.ts'
import type { BuilderFacts } from './builder.ts'
import { findDebianMirror } from './debian-packages.ts'
import { findExtraCertificates } from './extra-certificates.ts'
import { act, timed, together, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'
import {
  debianArchitecture,
  listRecipes,
  RECIPES,
  renderDockerfile,
  STAGING_REPOSITORY,
  STAND_IN_IMAGES,
  STAND_IN_LABEL,
  STAND_IN_SUITE,
  targetArchitecture,
} from './stand-ins.ts'
import type { Recipe, StandInImages } from './stand-ins.ts'

/** As Docker Hub's own images have it: no services at installation, no package files left behind, and what makes slim ones slim. */
const FILES = {
  'usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
  'etc/apt/apt.conf.d/docker-clean':
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\nAPT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\n',
  'etc/apt/apt.conf.d/docker-no-languages': 'Acquire::Languages "none";\n',
}
const SLIM = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/info/*',
]

/**
 * Makes Debian's root file systems, builds the recipes on them as soon as there is a builder, pushes them to the local registry, and gives them
 * their Docker Hub names there. What an earlier, unfinished time made stays. Fails with `base-image-unavailable`, `registry-unavailable`, or as the builder does.
 */
export async function makeStandIns(
  machine: Machine,
  builder: Promise<BuilderFacts>,
  registry: Registry,
  platforms: readonly string[],
  key: string,
): Promise<void> {
  await prepareFolder(machine)
  await together(machine, (linked) =>
    platforms.map(async (platform) => {
      await makeRootFileSystem(linked, platform)
      await buildRecipes(linked, await builder, platform, key)
    }),
  )
  await timed(machine, `Naming the stand-ins as Docker Hub does, in ${REGISTRY_HOST}`, async () => {
    for (const images of STAND_IN_IMAGES) await nameStandIn(registry, images, platforms, key)
  })
}

async function prepareFolder(machine: Machine): Promise<void> {
  const folder = machine.layout.standIns
  const certificates = await findExtraCertificates(machine.environment)
  // mmdebstrap mounts /dev and /proc in its folder: after a kill, removal must not follow a mount.
  await act(machine, 'base-image-unavailable', 'rm', ['-rf', '--one-file-system', join(folder, 'tmp'), join(folder, 'files')])
  await mkdir(join(folder, 'tmp'), { recursive: true })
  for (const [path, content] of Object.entries(FILES)) await writeWhole(join(folder, 'files', path), content)
  for (const [index, certificate] of certificates.entries())
    await writeWhole(join(folder, `files/usr/local/share/ca-certificates/extra-${index + 1}.crt`), `${certificate}\n`)
  await writeWhole(join(folder, 'Dockerfile'), renderDockerfile(certificates.length > 0))
  await writeWhole(join(folder, 'Dockerfile.dockerignore'), 'tmp\n')
}

async function makeRootFileSystem(machine: Machine, platform: string): Promise<void> {
  const name = `rootfs-${targetArchitecture(platform)}.tar`
  const file = join(machine.layout.standIns, name)
  if (await stat(file).catch(() => undefined)) return
  const temporary = join(machine.layout.standIns, 'tmp')
  // The suite itself and no updates: these are not in step for every architecture on every mirror, and then no `apt-get update` passes.
  const mirror = await findDebianMirror(machine)
  await timed(machine, `Making a Debian root file system for ${platform} from Debian's packages (mmdebstrap)`, () =>
    act(machine, 'base-image-unavailable', 'mmdebstrap', mmdebstrapArguments(platform, join(temporary, name), mirror), {
      env: { TMPDIR: temporary },
      suggestion: "the stand-ins of base images are made from Debian's packages: look whether its mirror (`apt-get update`) answers",
    }),
  )
  await rename(join(temporary, name), file)
}

function mmdebstrapArguments(platform: string, target: string, mirror: string): string[] {
  return [
    '--quiet',
    '--variant=minbase',
    `--architectures=${debianArchitecture(platform)}`,
    '--include=ca-certificates',
    '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg',
    ...[...SLIM, 'force-unsafe-io'].map((option) => `--dpkgopt=${option}`),
    STAND_IN_SUITE,
    target,
    mirror,
  ]
}

/** The last recipe first: it holds the others, which then come out of the builder's cache. */
async function buildRecipes(machine: Machine, builder: BuilderFacts, platform: string, key: string): Promise<void> {
  const recipes = listRecipes(platform).toReversed()
  await timed(machine, `Building ${recipes.map(({ name }) => name).join(', ')} for ${platform}`, async () => {
    for (const recipe of recipes) {
      const name = `${REGISTRY_HOST}/${STAGING_REPOSITORY}:${stagingTag(recipe, platform, key)}`
      const output = builder.kind === 'engine' ? ['--push'] : ['--output', `type=image,push=true,oci-mediatypes=true`]
      const proxies = Object.entries(machine.environment.proxies).flatMap(([variable, value]) => ['--build-arg', `${variable}=${value}`])
      const options = [
        '--builder',
        builder.name,
        '--platform',
        platform,
        '--target',
        recipe.name,
        '--tag',
        name,
        '--provenance=false',
        '--progress=plain',
        ...proxies,
        ...output,
      ]
      const onLine = (line: string): void => {
        // `#6 [python 1/5] RUN …` is where a step begins; all else is what APT says.
        const began = /^#\d+ \[(?!internal)(.*)/.exec(line)?.[1]
        if (began !== undefined) machine.progress.output(`${platform} [${began.slice(0, 120)}`)
      }
      await act(machine, 'base-image-unavailable', 'docker', ['buildx', 'build', ...options, machine.layout.standIns], { onLine })
    }
  })
}

function stagingTag({ name }: Recipe, platform: string, key: string): string {
  return `${name}-${debianArchitecture(platform)}-${key}`
}

/** One index over the platforms, under every tag. */
async function nameStandIn(registry: Registry, images: StandInImages, platforms: readonly string[], key: string): Promise<void> {
  const recipe = RECIPES.find(({ name }) => name === images.recipe)
  const target = `${REGISTRY_HOST}/${images.repository}`
  const offered = images.platforms.filter((platform) => platforms.includes(platform))
  if (!recipe || offered.length === 0) return
  const manifests: Descriptor[] = []
  for (const platform of offered) {
    const staged = await registry.manifest(`${REGISTRY_HOST}/${STAGING_REPOSITORY}:${stagingTag(recipe, platform, key)}`)
    if (!staged) throw new Failure('base-image-unavailable', `the stand-in ${recipe.name} for ${platform} did not reach the registry`)
    await registry.promote(`${REGISTRY_HOST}/${STAGING_REPOSITORY}`, staged.digest, target)
    manifests.push({ mediaType: staged.mediaType, digest: staged.digest, size: staged.content.length, platform: ociPlatform(platform) })
  }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests, annotations: { [STAND_IN_LABEL]: recipe.note } }
  for (const tag of images.tags) await registry.putManifest(target, JSON.stringify(index), MEDIA_TYPES.index, tag)
}

function ociPlatform(platform: string): { os: string; architecture: string; variant?: string } {
  const [os = '', architecture = '', variant] = platform.split('/')
  return { os, architecture, ...(variant !== undefined && { variant }) }
}
