import { analyse } from '../dockerfile/analysis.ts'
import { downloadsOf } from '../python/downloads.ts'
import type { Download } from '../python/downloads.ts'
import { programOf } from '../python/program.ts'
import { spanOf } from '../python/syntax.ts'
import type { RepositoryFacts, RepositoryRule } from '../rule.ts'
import { quote } from '../words.ts'

const NO_INTERNET = 'On a node a plugin reaches the services of the node, and cameras; the internet only in a job that says `develop: true`. '
const SOURCE =
  'waggle-sensor/waggle-edge-stack, kubernetes: the network policy of plugins; waggle-sensor/edge-scheduler, pkg/nodescheduler/resourcemanager.go (`develop`).'

/** Endings of files that hold models and their data, or packed ones. */
const MODEL_FILE =
  /\.(?:pt|pth|ptl|onnx|h5|hdf5|keras|tflite|pb|pbtxt|weights|cfg|caffemodel|prototxt|engine|trt|safetensors|bin|pkl|pickle|joblib|npz|npy|ckpt|gguf|names|zip|tar|tgz|gz|bz2|xz|7z|whl)(?:[?#]|$)/i
/** Where libraries keep what they fetched, and what makes them fetch nothing. */
const CACHE_VARIABLES = [
  'HF_HUB_OFFLINE',
  'TRANSFORMERS_OFFLINE',
  'HF_HOME',
  'TORCH_HOME',
  'TRANSFORMERS_CACHE',
  'HUGGINGFACE_HUB_CACHE',
  'TFHUB_CACHE_DIR',
  'NLTK_DATA',
  'KERAS_HOME',
]

function withDownload(...lines: readonly string[]): string {
  return [
    'import urllib.request',
    '',
    'from waggle.plugin import Plugin',
    '',
    ...lines,
    '',
    'with Plugin() as plugin:',
    '    plugin.publish("cloud.count", 1)',
    '',
  ].join('\n')
}

function* certainDownloads(facts: RepositoryFacts): Iterable<Download> {
  const program = programOf(facts)
  if (program === undefined) return
  const mayBeThere = buildMayFetch(facts)
  for (const module of program.modules) for (const download of downloadsOf(module)) if (!download.isCached || !mayBeThere) yield download
}

/** Whether the build may have put what is fetched where the program looks first: it runs Python or a script, or names a cache. */
function buildMayFetch(facts: RepositoryFacts): boolean {
  const analysis = analyse(facts)
  const final = analysis?.build.final
  if (analysis === undefined || final === undefined) return true
  const variables = analysis.variablesOf(final)
  const copies = analysis.build.stages.flatMap(({ stage }) => stage.instructions.filter(({ keyword }) => keyword === 'COPY' || keyword === 'ADD'))
  return (
    CACHE_VARIABLES.some((name) => variables.has(name)) ||
    copies.some(({ body }) => /\.cache|torch|hub|nltk/.test(body.text)) ||
    analysis.commands.some(({ program, words: [first, second] }) => {
      if (/^(?:hf|huggingface-cli|git|git-lfs|wget|curl)$|\.(?:py|sh)$|^(?:ba|da)?sh$/.test(program)) return true
      return /^python[0-9.]*$/.test(program) && !(first?.text === '-m' && /^(?:pip|venv|ensurepip|compileall)$/.test(second?.text ?? ''))
    })
  )
}

function isModel({ what, function: name }: Download): boolean {
  if (what === undefined || !/^(?:https?|ftp):/i.test(what)) return true
  return MODEL_FILE.test(what) || !/^(?:urllib\.request\.urlopen|requests\.|httpx\.)/.test(name)
}

const modelsAreInside: RepositoryRule = {
  code: 'CTSS-P040',
  name: 'download-at-run-time',
  severity: 'warning',
  title: 'The program downloads a file when it runs.',
  reason: `${NO_INTERNET}A program that downloads its model at the start works in the laboratory, and fails on every node. Fetched while the image is built, or listed in ctss.yaml, the model is always there, and always the same one.`,
  source: SOURCE,
  example: {
    bad: { 'main.py': withDownload('urllib.request.urlretrieve("https://models.sagecontinuum.org/cloud.onnx", "/tmp/cloud.onnx")') },
    good: { 'main.py': withDownload('MODEL = "/app/cloud.onnx"') },
  },
  *check(facts) {
    for (const download of certainDownloads(facts)) {
      if (!isModel(download)) continue
      const { module, call, function: name, what } = download
      yield {
        place: module.text.place(spanOf(call.node)),
        message: `${name} fetches ${what === undefined ? 'a file' : what === 'its weights' ? what : quote(what)} when the plugin runs; nodes have no internet unless the job says develop: true.`,
        suggestion: 'Fetch it while the image is built (a RUN or ADD in the Dockerfile), or put the file into the repository, and open it from there.',
      }
    }
  },
}

const servicesAreReachable: RepositoryRule = {
  code: 'CTSS-P041',
  name: 'internet-at-run-time',
  severity: 'hint',
  title: 'The program asks a server in the internet when it runs.',
  reason: `${NO_INTERNET}Elsewhere the request fails after a while, and the program has to go on without it.`,
  source: SOURCE,
  example: {
    bad: { 'main.py': withDownload('urllib.request.urlopen("https://api.weather.gov/stations")') },
    good: { 'main.py': withDownload('urllib.request.urlopen("http://wes-scoreboard.default.svc.cluster.local/status")') },
  },
  *check(facts) {
    for (const download of certainDownloads(facts)) {
      if (isModel(download)) continue
      const { module, call, what } = download
      yield {
        place: module.text.place(spanOf(call.node)),
        message: `${quote(what)} cannot be reached from a node unless the job says develop: true.`,
        suggestion: 'Say so in the description, and let the program go on when there is no answer.',
      }
    }
  },
}

/** Rules about what a program fetches when it runs. */
export const NETWORK_RULES: readonly RepositoryRule[] = [modelsAreInside, servicesAreReachable]
