"""What Python reads in a text, NDJSON in, NDJSON out: {"text", "as": "yaml"|"json"} -> {"value"} or {"error": [class, str]}.

With "words": true, also what it says of the value: {"repr", "json", "str" where it is not repr}, each a text or [class, str], "truth" and
"length" (null: no len()).

Needs PyYAML 6.0.x: python3.11 -m venv VENV && VENV/bin/pip install pyyaml==6.0.3; then VENV/bin/python read.py <in >out
A value is dumped with its types: n, t, f, i1, d1.0, s"a", [..], {k:v}, (..), <..> (set), D2001-01-01, T2001-01-01 00:00:00, b"ff"; what stands
a second time is *N, the Nth collection of the dump.
"""

import datetime
import json
import sys

import yaml


def text(value):
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "\\{%x}" % ord(c) for c in value)


def dump(value, seen):
    if value is None:
        return "n"
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, int):
        return "i" + ("%x" % value)
    if isinstance(value, float):
        return "d" + repr(value)
    if isinstance(value, str):
        return 's"' + text(value) + '"'
    if isinstance(value, datetime.datetime):
        return "T" + str(value)
    if isinstance(value, datetime.date):
        return "D" + str(value)
    if isinstance(value, bytes):
        return 'b"' + value.hex() + '"'
    if not isinstance(value, tuple):
        if id(value) in seen:
            return "*%d" % seen[id(value)]
        seen[id(value)] = len(seen)
    if isinstance(value, dict):
        return "{" + ",".join(dump(k, seen) + ":" + dump(v, seen) for k, v in value.items()) + "}"
    if isinstance(value, set):
        return "<" + ",".join(sorted(dump(v, seen) for v in value)) + ">"
    inside = ",".join(dump(v, seen) for v in value)
    return "(" + inside + ")" if isinstance(value, tuple) else "[" + inside + "]"


def attempt(function, value):
    try:
        return function(value)
    except Exception as e:
        return [type(e).__name__, str(e)]


def words(value):
    length = attempt(len, value)
    said = {"repr": attempt(repr, value), "json": attempt(json.dumps, value)}
    if attempt(str, value) != said["repr"]:
        said["str"] = attempt(str, value)
    return {**said, "truth": bool(value), "length": length if isinstance(length, int) else None}


def read(line):
    case = json.loads(line)
    try:
        value = json.loads(case["text"]) if case.get("as") == "json" else yaml.safe_load(case["text"])
    except Exception as e:
        return {"error": [type(e).__name__, str(e)]}
    said = words(value) if case.get("words") else {}
    sys.setrecursionlimit(20000)
    try:
        return {"value": dump(value, {}), **said}
    finally:
        sys.setrecursionlimit(1000)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(read(line)), flush=True)
