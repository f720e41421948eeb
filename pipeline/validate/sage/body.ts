import { loadPythonJson } from './python-json.ts'
import { pythonTruth } from './python-words.ts'
import { loadPyYaml } from './pyyaml.ts'
import type { Parsed } from './python-value.ts'

/**
 * What Sage's server reads in the body of `POST /submit` (sage-ecr 55a1a7e, ecr_api.py L690-702, with Flask and Werkzeug 2.2): JSON, and where that
 * fails or is false to Python (`{}`, `[]`, `0`, `""`, `null`), YAML. A byte order mark at the begin is taken off before JSON; PyYAML skips it itself.
 */
export function readBody(text: string): Parsed {
  const json = readJson(text)
  if (json !== undefined && ('error' in json || pythonTruth(json.value))) return json
  return loadPyYaml(text)
}

/** What JSON can begin with. Most manifests begin otherwise, and need no reader to say that they are no JSON. */
const JSON_BEGIN = /^\uFEFF?[ \t\n\r]*(?:[[{"\-0-9]|null|true|false|NaN|Infinity)/

/** `request.get_json(force=True, silent=True)`: undefined where it gives None for an error; RecursionError is no ValueError, so it comes through. */
function readJson(text: string): Parsed | undefined {
  if (!JSON_BEGIN.test(text)) return undefined
  const json = loadPythonJson(text, text.startsWith('\uFEFF') ? 1 : 0)
  if (!('error' in json)) return json
  return json.error.name === 'RecursionError' ? json : undefined
}
