import { createHash } from 'node:crypto'

import table from '../../runner-images/stand-ins/stand-ins.json' with { type: 'json' }

/** A base image that stands in for one of Docker Hub's, under its name. */
export interface StandIn {
  /** As a Dockerfile names it, for instance `debian:bookworm-slim`. */
  readonly image: string
  readonly platforms: readonly string[]
  /** What it really is. */
  readonly note: string
}

/** One image to make, for all tags and platforms that use it. */
export interface Recipe {
  readonly name: string
  /** The recipe that it adds to; without one, it begins with Debian's root file system. */
  readonly from?: string
  readonly note: string
  readonly packages: readonly string[]
  readonly commands: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly command?: readonly string[]
}

/** Names in the registry that one recipe's image gets. */
export interface StandInImages {
  /** As Docker Hub calls it, for instance `library/debian`. */
  readonly repository: string
  readonly recipe: string
  readonly platforms: readonly string[]
  readonly tags: readonly string[]
}

/** Label of the images, inherited by what is built on them, and annotation of their indexes: the note of what they really are. */
export const STAND_IN_LABEL = 'org.sagecontinuum.ctss.stand-in'
/** Debian release that they are made of. */
export const STAND_IN_SUITE = table.suite
/** Each after the one that it adds to. */
export const RECIPES: readonly Recipe[] = table.recipes.map(({ environment, ...recipe }) => ({
  ...recipe,
  environment: Object.fromEntries(Object.entries(environment)),
}))
/** runner-images/stand-ins/stand-ins.json: only for the platforms that the real images have. */
export const STAND_IN_IMAGES: readonly StandInImages[] = table.images

/** Where one recipe's images lie before they get their names. */
export const STAGING_REPOSITORY = 'ctss/stand-ins'

const ENVIRONMENT_WITH_CERTIFICATES = { PIP_CERT: '/etc/ssl/certs/ca-certificates.crt', REQUESTS_CA_BUNDLE: '/etc/ssl/certs/ca-certificates.crt' }

/** The stand-ins that can be offered where these platforms can be built. */
export function listStandIns(platforms: readonly string[]): StandIn[] {
  return STAND_IN_IMAGES.flatMap(({ repository, recipe, tags, platforms: real }) => {
    const offered = real.filter((platform) => platforms.includes(platform))
    if (offered.length === 0) return []
    return tags.map((tag) => ({
      image: `${repository.replace(/^library\//, '')}:${tag}`,
      platforms: offered,
      note: RECIPES.find(({ name }) => name === recipe)?.note ?? recipe,
    }))
  })
}

/** Recipes that are needed on a platform, each after the one that it adds to. */
export function listRecipes(platform: string): Recipe[] {
  return RECIPES.filter(({ name }) => STAND_IN_IMAGES.some((image) => image.recipe === name && image.platforms.includes(platform)))
}

/** Changes whenever the stand-ins have to be made again: table, Dockerfile, extra certificate authorities, platforms. Sixteen hexadecimal digits. */
export function standInKey(certificates: readonly string[], platforms: readonly string[]): string {
  const everything = JSON.stringify([table, renderDockerfile(certificates.length > 0), certificates, platforms])
  return createHash('sha256').update(everything).digest('hex').slice(0, 16)
}

/**
 * The Dockerfile of all recipes, a stage each. Its context holds `rootfs-$TARGETARCH.tar` and `files/`.
 * The label stands first, so that the layers above it are not made again for a new wording of a note further up.
 */
export function renderDockerfile(withCertificates: boolean): string {
  return RECIPES.map((recipe) => renderRecipe(recipe, withCertificates)).join('\n')
}

function renderRecipe({ name, from, note, packages, commands, environment, command = ['bash'] }: Recipe, withCertificates: boolean): string {
  const base = [
    `FROM scratch AS ${name}`,
    'ARG TARGETARCH',
    'ADD rootfs-$TARGETARCH.tar /',
    'COPY files/ /',
    ...(withCertificates ? ['RUN update-ca-certificates'] : []),
  ]
  const variables = { ...environment, ...(from === undefined && withCertificates && ENVIRONMENT_WITH_CERTIFICATES) }
  const install = `RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages.join(' ')} && rm -rf /var/lib/apt/lists/*`
  return [
    ...(from === undefined ? base : [`FROM ${from} AS ${name}`]),
    ...Object.entries(variables).map(([key, value]) => `ENV ${key}=${value}`),
    ...(packages.length ? [install] : []),
    ...commands.map((line) => `RUN ${line}`),
    `LABEL ${STAND_IN_LABEL}=${JSON.stringify(note)}`,
    `CMD ${JSON.stringify(command)}`,
    '',
  ].join('\n')
}

/** Debian's name of a platform's architecture. */
export function debianArchitecture(platform: string): string {
  return platform === 'linux/arm/v7' ? 'armhf' : (platform.split('/')[1] ?? platform)
}

/** The value of TARGETARCH for a platform. */
export function targetArchitecture(platform: string): string {
  return platform.split('/')[1] ?? platform
}
