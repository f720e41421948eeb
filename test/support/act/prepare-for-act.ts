import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isMap, isScalar, parseDocument, visit } from 'yaml'

const WORKFLOW = /^\.github\/workflows\/[^/]+\.ya?ml$/
const ACTION = /(?:^|\/)action\.ya?ml$/

/**
 * Copies a repository whose workflows and actions others use, so that act 0.2.87 runs it. What changes:
 * `uses: $/x`, which act does not know, becomes `uses: owner/name/x@self` (and `./` in a called workflow, which act looks up at the caller, nektos/act#1875);
 * `max-parallel: 1`, since the logs of parallel jobs are mixed; `permissions` and `concurrency` go, with which act does nothing but refuse what it does not know.
 */
export async function prepareForAct(name: string, source: string, target: string): Promise<void> {
  await cp(source, target, { recursive: true, filter: (path) => !['.git', 'node_modules'].includes(basename(path)) })
  for (const path of await readdir(target, { recursive: true })) if (WORKFLOW.test(path) || ACTION.test(path)) await rewrite(name, join(target, path))
}

async function rewrite(name: string, file: string): Promise<void> {
  const document = parseDocument(await readFile(file, 'utf8'))
  visit(document, {
    Pair(_, { key, value }, path) {
      if (!isScalar(key)) return undefined
      const keys = path.flatMap((node) => ('key' in node && isScalar(node.key) ? [String(node.key.value)] : []))
      const ofWorkflow = keys.length === 0
      const ofJob = keys.length === 2 && keys[0] === 'jobs'
      if ((ofWorkflow || ofJob) && (key.value === 'permissions' || key.value === 'concurrency')) return visit.REMOVE
      if (ofJob && key.value === 'strategy' && isMap(value)) value.set('max-parallel', 1)
      if (key.value === 'uses' && isScalar(value)) {
        const own = /^(?:\$\/(?<any>.+)|\.\/(?<workflow>\.github\/workflows\/.+))$/.exec(String(value.value))?.groups
        if (own !== undefined) value.value = `${name}/${own['any'] ?? own['workflow']}@self`
      }
      return undefined
    },
  })
  await writeFile(file, document.toString({ lineWidth: 0 }))
}
