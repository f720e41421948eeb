/** A healthy manifest with inputs, each in YAML's flow style: `id: rate, type: int`. */
export function manifestWithInputs(...inputs: readonly string[]): string {
  return [
    'name: cloud-counter',
    'version: "1.2.3"',
    'description: "Counts clouds"',
    'license: "MIT"',
    'source:',
    '  architectures: [linux/amd64, linux/arm64]',
    'inputs:',
    ...inputs.map((input) => `  - {${input}}`),
    '',
  ].join('\n')
}

/** A healthy program with one flag for each text: `"--rate", type=int`. */
export function programWithFlags(...flags: readonly string[]): string {
  return [
    'import argparse',
    '',
    'from waggle.plugin import Plugin',
    '',
    'parser = argparse.ArgumentParser()',
    ...flags.map((flag) => `parser.add_argument(${flag})`),
    'arguments = parser.parse_args()',
    '',
    'with Plugin() as plugin:',
    '    plugin.publish("cloud.count", 1)',
    '',
  ].join('\n')
}
