import { describe, expect, it } from 'vitest'

import { DOCKERFILE_RULES } from '../../../../../pipeline/validate/rules/dockerfile-rules.ts'
import { Random } from '../../../../oracle/random.ts'
import { check } from './facts.ts'

const MANIFEST = 'source:\n  architectures: [linux/amd64, linux/arm64, linux/arm/v7]\n'
const SEED = `# syntax=docker/dockerfile:1
ARG V=3.12
FROM --platform=$BUILDPLATFORM python:\${V:-3}-slim@sha256:${'0'.repeat(64)} AS build
RUN curl -sSL "https://a.b/$(uname -m)/x_x86_64.whl" | tar x && pip install numpy>=1.2 'a b' \\
 # comment

 || true
RUN <<-EOF bash
\twget http://a.b/c
\tEOF
FROM waggle/plugin-base:1.1.1-ml
ENV A="b c" TOKEN=$A D=\${E:-\${F}}
WORKDIR /app
COPY --from=build --chown=a:b /x ["y", "z"]
COPY ["a b", "c/"]
ADD http://a.b/c.tar.gz /d
ONBUILD RUN x
ENTRYPOINT ["sh", "-c", "pip install x; exec python3 main.py"]
CMD ['a', "b"]
`
const PIECES = [
  '"',
  "'",
  '\\',
  '\n',
  '\r\n',
  '$',
  '${',
  '}',
  '$(',
  ')',
  '`',
  '<<',
  '<<EOF',
  '[',
  ']',
  ',',
  '#',
  '|',
  '&',
  ';',
  '>',
  '=',
  '--',
  '@',
  ':',
  '/',
  '\u0000',
  '\uFEFF',
  '\u2028',
  '😀',
  'FROM',
  'RUN ',
  'ENTRYPOINT ',
  'COPY ',
  '__proto__',
]

function mutate(text: string, random: Random): string {
  let mutated = text
  for (let count = random.below(8) + 1; count > 0; count--) {
    const at = random.below(mutated.length + 1)
    mutated = mutated.slice(0, at) + PIECES[random.below(PIECES.length)] + mutated.slice(at + random.below(12))
  }
  return mutated
}

describe('any text', () => {
  it('is judged, with places inside of it', async () => {
    const random = new Random(20_261_120)
    for (let count = 0; count < 400; count++) {
      const text = mutate(SEED, random)
      const lines = text.split(/\r\n|\n|\r/)
      const problems = await check(DOCKERFILE_RULES, { 'sage.yaml': MANIFEST, Dockerfile: text, 'main.py': '' })
      const outside = problems.filter(({ place }) => {
        const { line = 1, column = 1, endLine = line, endColumn = column } = place ?? {}
        return place?.file === 'Dockerfile' && !(line >= 1 && column >= 1 && endLine <= lines.length && endColumn <= (lines[endLine - 1]?.length ?? 0) + 1)
      })
      expect(outside, text).toStrictEqual([])
    }
  })

  it.each([
    'RUN pip install a>1 \\\n',
    'ENV A$A=$A$A\n',
    '${A:-',
    'RUN <<A\n',
    '"$(',
    "'a',",
    'FROM a AS b\n',
    'COPY --from=bx a b\n',
    'WORKDIR a\n',
    'curl https://a.b/x;',
    'eyJ-',
    'a.',
    '[',
    '\\',
    '\n',
  ])(
    'comes back from many %j, and points into the file',
    async (piece) => {
      for (const head of ['', 'FROM waggle/plugin-base:1.1.1-ml AS by\n', 'FROM a\nRUN ', 'FROM a\nENTRYPOINT ']) {
        const text = head + piece.repeat(Math.floor(65_400 / piece.length))
        const lines = text.split('\n').length
        const places = (await check(DOCKERFILE_RULES, { 'sage.yaml': MANIFEST, Dockerfile: text })).flatMap(({ place }) =>
          place?.file === 'Dockerfile' ? [place] : [],
        )
        expect(places.filter(({ line = 1 }) => line > lines)).toStrictEqual([])
      }
    },
    60_000,
  )
})
