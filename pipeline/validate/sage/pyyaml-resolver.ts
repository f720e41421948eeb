import { STR, TAG_PREFIX } from './pyyaml-node.ts'

/**
 * The types that a scalar without a tag may have, by its first character, in the order in which PyYAML 6.0 tries them
 * (its `resolver.py`, made from yaml.org/type; `1e3`, `0o7` and `y` are texts to it).
 */
const BOOL = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/
const NULL = /^(?:~|null|Null|NULL|)$/
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const INT = /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/
const TIMESTAMP = /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/

const BOOL_TAG = `${TAG_PREFIX}bool`
const NULL_TAG = `${TAG_PREFIX}null`
const FLOAT_TAG = `${TAG_PREFIX}float`
const INT_TAG = `${TAG_PREFIX}int`
const TIMESTAMP_TAG = `${TAG_PREFIX}timestamp`
const MERGE_TAG = `${TAG_PREFIX}merge`
const VALUE_TAG = `${TAG_PREFIX}value`
/** Only for quoted scalars with the tag `!`; nothing constructs it. */
const YAML_TAG = `${TAG_PREFIX}yaml`

/** The tag of a scalar that has none. */
export function resolveTag(written: string): string {
  // Python's `$` also matches before a line feed at the end; only block scalars and quoted ones with the tag `!` have one.
  const text = written.endsWith('\n') ? written.slice(0, -1) : written
  if (text !== written && text === '') return STR
  const first = text.charCodeAt(0)
  if (first >= 0x30 && first <= 0x39) return resolveNumber(text, true)
  switch (text.charAt(0)) {
    case '':
    case '~':
      return NULL.test(text) ? NULL_TAG : STR
    case '-':
    case '+':
    case '.':
      return resolveNumber(text, false)
    case 'n':
    case 'N':
      if (BOOL.test(text)) return BOOL_TAG
      return NULL.test(text) ? NULL_TAG : STR
    case 'y':
    case 'Y':
    case 't':
    case 'T':
    case 'f':
    case 'F':
    case 'o':
    case 'O':
      return BOOL.test(text) ? BOOL_TAG : STR
    case '<':
      return text === '<<' ? MERGE_TAG : STR
    case '=':
      return text === '=' ? VALUE_TAG : STR
    case '!':
    case '&':
    case '*':
      return text.length === 1 ? YAML_TAG : STR
    default:
      return STR
  }
}

function resolveNumber(text: string, mayBeDate: boolean): string {
  if (FLOAT.test(text)) return FLOAT_TAG
  if (INT.test(text)) return INT_TAG
  return mayBeDate && TIMESTAMP.test(text) ? TIMESTAMP_TAG : STR
}
