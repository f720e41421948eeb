import { describe, expect, it } from 'vitest'

import { analyse } from '../../../../../pipeline/validate/dockerfile/analysis.ts'
import { imageFiles } from '../../../../../pipeline/validate/dockerfile/image-files.ts'
import { factsOf } from './facts.ts'

const FILES = {
  'sage.yaml': 'source: {architectures: [linux/arm64]}\n',
  'main.py': '',
  'src/a.py': '',
  'src/sub/b.py': '',
  lib: { submodule: 'a'.repeat(40) },
  away: { link: '../x' },
}

async function find(dockerfile: string, path: string): Promise<string> {
  const facts = await factsOf({ ...FILES, Dockerfile: dockerfile })
  const analysis = analyse(facts)
  if (analysis === undefined) return 'none'
  const found = imageFiles(facts, analysis).find(path)
  return found.kind === 'copied' ? found.entry.path : found.kind
}

const HEAD = 'FROM debian:12\n'

describe('files of the image', () => {
  it.each([
    ['a file into a folder', `${HEAD}COPY main.py /app/`, '/app/main.py', 'main.py'],
    ['a file under another name', `${HEAD}COPY main.py /app/x.py`, '/app/x.py', 'main.py'],
    ['a file into what may be a folder', `${HEAD}COPY main.py /app`, '/app/main.py', 'main.py'],
    ['a file beside it', `${HEAD}COPY main.py /app`, '/x/main.py', 'missing'],
    ['a folder', `${HEAD}COPY src /app`, '/app/sub/b.py', 'src/sub/b.py'],
    ['a folder, not itself', `${HEAD}COPY src /app/`, '/app/src/a.py', 'missing'],
    ['a folder of it', `${HEAD}COPY src /app/`, '/app/sub', 'missing'],
    ['everything', `${HEAD}COPY . .`, '/src/a.py', 'src/a.py'],
    ['relative paths', `${HEAD}WORKDIR /app\nWORKDIR code\nCOPY ./src/../main.py ./`, 'main.py', 'main.py'],
    ['a path with steps upwards', `${HEAD}WORKDIR /app\nCOPY main.py ..`, '/main.py', 'main.py'],
    ['variables', `${HEAD}ENV HOME=/home/me\nWORKDIR "$HOME"\nCOPY main.py $HOME/app/`, 'app/main.py', 'main.py'],
    ['variables that are not known', `${HEAD}COPY main.py $HOME/`, '/x/main.py', 'unknown'],
    ['a working folder that is not known', `FROM nvcr.io/nvidia/pytorch:25.08-py3\nCOPY main.py .`, '/x/main.py', 'unknown'],
    ['a relative path from there', `FROM nvcr.io/nvidia/pytorch:25.08-py3\nCOPY main.py /app/`, 'main.py', 'unknown'],
    ['a base that is not known', `FROM example.org/a/b:1\nCOPY main.py /app/`, '/x.py', 'unknown'],
    ['several', `${HEAD}COPY main.py src /app`, '/app/a.py', 'src/a.py'],
    ['a pattern', `${HEAD}COPY *.py /app/`, '/app/main.py', 'unknown'],
    ['another stage', `FROM alpine:3.20 AS x\nRUN true\n${HEAD}COPY --from=x /a /app/`, '/app/main.py', 'unknown'],
    ['an archive', `${HEAD}ADD code.tar.gz /app/`, '/app/main.py', 'unknown'],
    ['a submodule', `${HEAD}COPY lib /app/`, '/app/main.py', 'unknown'],
    ['a link that leads out', `${HEAD}COPY . /app/`, '/app/away', 'unknown'],
    ['steps that bring nothing', `${HEAD}RUN apt-get update && pip install a`, '/app/main.py', 'missing'],
    ['steps that may', `${HEAD}RUN make`, '/app/main.py', 'unknown'],
    ['steps that name it', `${HEAD}RUN echo > main.py`, '/app/main.py', 'unknown'],
    ['steps of a heredoc', `${HEAD}RUN <<EOF\ntouch main.py\nEOF`, '/app/main.py', 'unknown'],
    ['what a base is told to do', `${HEAD}ONBUILD COPY main.py /app/`, '/app/main.py', 'unknown'],
    ['a stage below', `${HEAD.trim()} AS x\nWORKDIR /app\nCOPY main.py .\nFROM x`, 'main.py', 'main.py'],
    ['no end', `${HEAD}${'WORKDIR a\n'.repeat(3000)}`, 'main.py', 'unknown'],
    ['no stage', '', 'main.py', 'unknown'],
  ])('%s', async (_, dockerfile, path, expected) => expect(await find(dockerfile, path)).toBe(expected))
})
