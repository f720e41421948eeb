import { normaliseName } from './requirements.ts'

/** Sage's platforms that a wheel can be for; `other`: macOS, Windows and what Sage has not. */
export type WheelPlatform = 'linux/amd64' | 'linux/arm64' | 'linux/arm/v7' | 'other'
export type Libc = 'glibc' | 'musl'

/** Minor versions of Python 3 that a wheel is for: `[9, 9]` is 3.9 alone, `[7, Infinity]` the stable ABI from 3.7 on. */
export type PythonRange = readonly [first: number, last: number]

/** A built package's file, as its name tells (PyPA's specification "Binary distribution format"). */
export interface WheelName {
  /** Normalised. */
  readonly name: string
  readonly version: string
  readonly pythons: readonly PythonRange[]
  /** Undefined: any. */
  readonly targets: readonly { readonly platform: WheelPlatform; readonly libc: Libc }[] | undefined
}

const MACHINES: readonly (readonly [RegExp, WheelPlatform])[] = [
  [/_x86_64$/, 'linux/amd64'],
  [/_aarch64$/, 'linux/arm64'],
  [/_armv7l$/, 'linux/arm/v7'],
]

/** Reads a file's name; undefined: it is no wheel's. */
export function readWheelName(file: string): WheelName | undefined {
  const parts = /^([A-Za-z0-9._]+)-([A-Za-z0-9._!+]+)(?:-\d[A-Za-z0-9._]*)?-([a-z0-9_.]+)-([a-z0-9_.]+)-([A-Za-z0-9_.]+)\.whl$/i.exec(file.slice(0, 512))
  if (parts === null) return undefined
  const [, name = '', version = '', python = '', abi = '', platform = ''] = parts
  const pythons = python.split('.').flatMap((tag) => rangeOf(tag, abi))
  const targets = platform === 'any' ? undefined : platform.split('.').map(targetOf)
  return { name: normaliseName(name), version, pythons, targets }
}

function rangeOf(tag: string, abi: string): readonly PythonRange[] {
  if (tag === 'py3') return [[0, Infinity]]
  const [, kind, minor] = /^(cp|py)3(\d{1,2})$/.exec(tag) ?? []
  if (minor === undefined) return []
  // A free-threaded build (`cp313t`) is for another interpreter.
  if (kind === 'cp' && abi.endsWith('t')) return []
  return [[Number(minor), kind === 'py' || abi.split('.').includes('abi3') ? Infinity : Number(minor)]]
}

function targetOf(tag: string): { readonly platform: WheelPlatform; readonly libc: Libc } {
  const libc = tag.startsWith('musllinux') ? 'musl' : 'glibc'
  const isLinux = /^(?:many|musl)?linux/.test(tag)
  return { platform: (isLinux ? MACHINES.find(([machine]) => machine.test(tag))?.[1] : undefined) ?? 'other', libc }
}
