import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { checkoutFolder } from '../checkout.ts'
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'

const EXAMPLE = 'smoke-detector'
/** Names that the ECR and the edge scheduler both accept: `[a-z0-9-]+` of 2 to 64 characters. */
const PLUGIN_NAME = /^[a-z0-9][a-z0-9-]{1,63}$/
const TEXT_FILES = new Set(['.yaml', '.yml', '.md', '.py', '.json', '.txt', ''])

/** `ctss init NAME`: writes a new plugin, from the example, that passes every stage as it is. */
export async function initCommand(path: string): Promise<ExitCode> {
  const folder = resolve(path)
  const name = basename(folder)
  if (!PLUGIN_NAME.test(name)) return refuse(`'${name}' cannot be a plugin's name: use 2 to 64 small letters, digits and hyphens, for instance cloud-counter.`)
  try {
    await mkdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return refuse(`${folder} exists already; nothing was written.`)
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return refuse(`The folder ${resolve(folder, '..')} does not exist.`)
    throw error
  }
  await cp(join(checkoutFolder(), 'examples', EXAMPLE), folder, { recursive: true, filter: (source) => !/(^|\/)(__pycache__|\.pytest_cache)$/.test(source) })
  await rename(folder, name)
  process.stdout.write(
    `Wrote ${folder}. Next:\n  cd ${path}\n  ctss run .        # validate, train, build, test, publish\nThen change app/main.py, train/ and data/ into your own; docs/tutorial.md walks through it.\n`,
  )
  return EXIT.passed
}

async function rename(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    // The data set and its description are named by digest in ctss.yaml: they stay as they are.
    if (!entry.isFile() || !TEXT_FILES.has(extname(entry.name)) || entry.parentPath.startsWith(join(folder, 'data'))) continue
    const file = join(entry.parentPath, entry.name)
    const text = await readFile(file, 'utf8')
    if (text.includes(EXAMPLE)) await writeFile(file, text.replaceAll(EXAMPLE, name))
  }
}

function refuse(message: string): ExitCode {
  process.stderr.write(`ctss: ${message}\n`)
  return EXIT.failed
}
