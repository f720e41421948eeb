import { partsOf } from './expression.ts'
import type { Expression } from './expression.ts'
import type { PythonModule } from './module.ts'
import type { Call, Scope } from './outline.ts'

/** Something that the program fetches from elsewhere when it runs. */
export interface Download {
  readonly module: PythonModule
  readonly call: Call
  /** The function, as its documentation names it. */
  readonly function: string
  /** What is fetched, as far as it is written. */
  readonly what: string | undefined
  /** Whether the function keeps what it fetched, so that a build may have put it into the image. */
  readonly isCached: boolean
}

/** Which argument tells what is fetched. */
interface Fetcher {
  readonly argument: readonly [name: string, position: number]
  readonly isCached: boolean
  /** It fetches whatever its argument is; else only where the argument is known to be an address. */
  readonly always?: true
}

/** Functions that fetch files: the libraries' documentation. */
const FETCHERS: ReadonlyMap<string, Fetcher> = new Map<string, Fetcher>([
  ['urllib.request.urlretrieve', { argument: ['url', 0], isCached: false }],
  ['urllib.request.urlopen', { argument: ['url', 0], isCached: false }],
  ['urllib.urlretrieve', { argument: ['url', 0], isCached: false }],
  ['requests.get', { argument: ['url', 0], isCached: false }],
  ['requests.post', { argument: ['url', 0], isCached: false }],
  ['httpx.get', { argument: ['url', 0], isCached: false }],
  ['wget.download', { argument: ['url', 0], isCached: false, always: true }],
  ['gdown.download', { argument: ['url', 0], isCached: false, always: true }],
  ['gdown.cached_download', { argument: ['url', 0], isCached: true, always: true }],
  ['torch.hub.load_state_dict_from_url', { argument: ['url', 0], isCached: true, always: true }],
  ['torch.hub.download_url_to_file', { argument: ['url', 0], isCached: false, always: true }],
  ['torch.utils.model_zoo.load_url', { argument: ['url', 0], isCached: true, always: true }],
  ['torchvision.datasets.utils.download_url', { argument: ['url', 0], isCached: true, always: true }],
  ['tensorflow.keras.utils.get_file', { argument: ['origin', 1], isCached: true }],
  ['keras.utils.get_file', { argument: ['origin', 1], isCached: true }],
  ['tensorflow_hub.load', { argument: ['handle', 0], isCached: true }],
  ['tensorflow_hub.KerasLayer', { argument: ['handle', 0], isCached: true }],
  ['huggingface_hub.hf_hub_download', { argument: ['repo_id', 0], isCached: true, always: true }],
  ['huggingface_hub.snapshot_download', { argument: ['repo_id', 0], isCached: true, always: true }],
  ['nltk.download', { argument: ['info_or_id', 0], isCached: true, always: true }],
])

const SHELLS = new Set(['os.system', 'os.popen', 'subprocess.run', 'subprocess.call', 'subprocess.check_call', 'subprocess.check_output', 'subprocess.Popen'])

/** What a module fetches, as far as it is certain. Where it first looks whether a file is there, or goes on when the fetching fails, nothing is. */
export function downloadsOf(module: PythonModule): readonly Download[] {
  return module.outline.calls.flatMap((call) => {
    if (call.isTried || looksFirst(call.scope)) return []
    const found = fetchedBy(module, call) ?? loadedFromHub(module, call) ?? pretrained(module, call) ?? fetchedByShell(module, call)
    return found === undefined ? [] : [{ ...found, module, call }]
  })
}

function looksFirst(scope: Scope): boolean {
  if (scope.kind === 'module') return scope.asksForFiles
  for (let at: Scope | undefined = scope; at !== undefined && at.kind !== 'module'; at = at.parent) if (at.asksForFiles) return true
  return false
}

type Found = Pick<Download, 'function' | 'what' | 'isCached'>

function fetchedBy(module: PythonModule, call: Call): Found | undefined {
  const name = module.functionName(call)
  const fetcher = FETCHERS.get(name)
  if (fetcher === undefined) return undefined
  const given = argument(module, call, ...fetcher.argument)
  const what = given === undefined ? undefined : writtenOf(given)
  if (isKeywordTrue(module, call, 'local_files_only')) return undefined
  if (what !== undefined && /^[a-z]+:\/\//i.test(what)) return isPublicAddress(what) ? { function: name, what, isCached: fetcher.isCached } : undefined
  return fetcher.always === true ? { function: name, what, isCached: fetcher.isCached } : undefined
}

/** `torch.hub.load('ultralytics/yolov5', …)` and `AutoModel.from_pretrained('org/name')`: a name with one slash is a repository, not a path. */
function loadedFromHub(module: PythonModule, call: Call): Found | undefined {
  const name = module.functionName(call)
  const isHub = name === 'torch.hub.load'
  const isPretrained = call.path.at(-1) === 'from_pretrained' && /^(?:transformers|diffusers|sentence_transformers|timm|open_clip|peft)\./.test(name)
  if (!isHub && !isPretrained) return undefined
  const given = argument(module, call, isHub ? 'repo_or_dir' : 'pretrained_model_name_or_path', 0)
  if (given?.kind !== 'text' || !/^[A-Za-z0-9][\w.-]*\/[\w.-]+(?::[\w./-]+)?$/.test(given.value)) return undefined
  const source = argument(module, call, 'source', 99)
  if ((source?.kind === 'text' && source.value === 'local') || isKeywordTrue(module, call, 'local_files_only')) return undefined
  return { function: isHub ? name : `${call.path.slice(-2).join('.')}`, what: given.value, isCached: true }
}

/** Ready-made networks with their weights: `torchvision.models.resnet50(pretrained=True)`, `keras.applications.ResNet50(weights='imagenet')`. */
function pretrained(module: PythonModule, call: Call): Found | undefined {
  const name = module.functionName(call)
  if (/^torchvision\.models\.(?:[a-z]+\.)?[a-z0-9_]+$/.test(name) && isKeywordTrue(module, call, 'pretrained'))
    return { function: name, what: 'its weights', isCached: true }
  if (!/^(?:tensorflow\.)?keras\.applications\.(?:\w+\.)?[A-Z]\w+$/.test(name)) return undefined
  const weights = argument(module, call, 'weights', 99)
  return weights?.kind === 'text' && weights.value === 'imagenet' ? { function: name, what: 'its weights', isCached: true } : undefined
}

function fetchedByShell(module: PythonModule, call: Call): Found | undefined {
  const name = module.functionName(call)
  if (!SHELLS.has(name)) return undefined
  const given = argument(module, call, name === 'os.system' || name === 'os.popen' ? 'command' : 'args', 0)
  const words =
    given === undefined
      ? []
      : 'items' in given
        ? given.items.slice(0, 32).flatMap((item) => partsOf(module.read(item, call.scope))[0] ?? [])
        : (partsOf(given)[0] ?? '').split(/\s+/)
  const [program = ''] = words
  const what = words.find((word) => /^['"]?(?:https?|ftp):\/\//i.test(word))?.replaceAll(/['"]/g, '')
  if (!/^(?:\S*\/)?(?:wget|curl|gdown|aria2c)$/.test(program) || what === undefined || !isPublicAddress(what)) return undefined
  return { function: program, what, isCached: false }
}

function argument(module: PythonModule, call: Call, name: string, position: number): Expression | undefined {
  const { positional, keywords } = module.argumentsOf(call)
  const node = keywords.get(name) ?? positional[position]
  return node === undefined ? undefined : module.read(node, call.scope)
}

function isKeywordTrue(module: PythonModule, call: Call, name: string): boolean {
  const node = module.argumentsOf(call).keywords.get(name)
  const value = node === undefined ? undefined : module.read(node, call.scope)
  return value?.kind === 'boolean' && value.value
}

/** What is written of a text before the first part that is only known when it runs. */
function writtenOf(expression: Expression): string | undefined {
  const [first] = partsOf(expression)
  return first
}

/** An address whose host is written as a whole and lies in the internet: no other machine of the node, of its network or of the cluster. */
function isPublicAddress(address: string): boolean {
  const host = /^(?:https?|ftp):\/\/(?:[^/@\s]{0,128}@)?([A-Za-z0-9.-]{1,253})(?::\d{1,5})?(?:[/?#]|$)/i.exec(address)?.[1]?.toLowerCase()
  if (host === undefined || !host.includes('.')) return false
  if (/^[\d.]+$/.test(host)) return !/^(?:127|10|0|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host)
  return !/(?:^|\.)(?:local|internal|lan|home|svc|test|example|invalid|localhost)$|\.svc\.|(?:^|\.)example\.(?:com|org|net)$/.test(host)
}
