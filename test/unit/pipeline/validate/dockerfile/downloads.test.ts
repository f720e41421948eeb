import { describe, expect, it } from 'vitest'

import { analyse } from '../../../../../pipeline/validate/dockerfile/analysis.ts'
import { commandsOf } from '../../../../../pipeline/validate/dockerfile/commands.ts'
import { parseDockerfile } from '../../../../../pipeline/validate/dockerfile/dockerfile.ts'
import { hostOf, isLocalHost, networkUse } from '../../../../../pipeline/validate/dockerfile/downloads.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'
import { factsOf } from './facts.ts'

async function downloads(lines: string): Promise<readonly string[]> {
  const facts = await factsOf({ 'sage.yaml': '', Dockerfile: `FROM debian:12\n${lines}\n` })
  return (analyse(facts)?.downloads ?? []).map(({ url, tool, isVerified, isRun }) =>
    [tool, url, isVerified ? 'verified' : '', isRun ? 'run' : ''].join(' ').trim(),
  )
}

describe('downloads', () => {
  it.each([
    ['ADD https://a.b/c "https://a.b/d" e /f/', ['ADD https://a.b/c', 'ADD https://a.b/d']],
    ['ARG V=1\nENV U=https://a.b\nRUN wget $U/$V $U/$W', ['wget https://a.b/1']],
    ['RUN curl --url=https://a.b/c', ['curl https://a.b/c']],
    ['RUN curl https://a.b/c | sudo bash', ['curl https://a.b/c  run']],
    ['RUN curl https://a.b/c | tar x', ['curl https://a.b/c']],
    ['RUN curl https://a.b/c |\nRUN sh', ['curl https://a.b/c']],
    ['RUN curl https://a.b/c -o c && echo 1 c | sha256sum -c', ['curl https://a.b/c verified']],
    ['RUN pip install "a[b] @ https://a.b/c.whl" d', ['pip https://a.b/c.whl']],
    ['RUN pip install --require-hashes https://a.b/c.whl', ['pip https://a.b/c.whl verified']],
    ['RUN curl ${U%x}https://a.b; git clone https://a.b/c; echo https://a.b/c', []],
    ['ADD https://github.com/a/b.git#main /b', []],
    ['COPY https://a.b/c /c', []],
  ])('%j', async (lines, expected) => expect(await downloads(lines)).toStrictEqual(expected))

  it.each([
    ['https://User@Example.org:80/a', 'example.org'],
    ['http://a?b', 'a'],
    ['a', ''],
  ])('host of %s', (url, host) => expect(hostOf(url)).toBe(host))

  it.each(['localhost', '127.0.0.1', '10.31.81.1', '172.20.0.1', '192.168.1.1', 'wes-camera', 'a.default.svc.cluster.local'])('%s is near', (host) =>
    expect(isLocalHost(host)).toBe(true),
  )
  it.each(['example.org', '172.32.0.1', '8.8.8.8'])('%s is far', (host) => expect(isLocalHost(host)).toBe(false))
})

describe('use of the network', () => {
  const use = (text: string): string | undefined => {
    const [command] = commandsOf(parseDockerfile(textFile('Dockerfile', `CMD ${text}`)).instructions[0] as never)
    return command && networkUse(command, new Map([['U', 'https://a.b']]))
  }
  it.each([
    ['curl -s https://a.b/c', 'curl fetches https://a.b/c'],
    ['wget $U/c', 'wget fetches https://a.b/c'],
    ['pip install a', 'pip installs packages'],
    ['pip install -r a.txt', 'pip installs packages'],
    ['git clone https://a.b/c', 'git fetches a repository'],
    ['apt-get install -y a', 'apt-get installs packages'],
    ['apk add a', 'apk installs packages'],
    ['huggingface-cli download a/b', 'huggingface-cli downloads a model'],
    ['sage-cli.py storage files download a b', 'sage-cli.py downloads files'],
  ])('%s', (text, expected) => expect(use(text)).toBe(expected))
  it.each([
    'python3 main.py https://a.b',
    'curl http://localhost/a',
    'curl https://a.b/$X',
    'curl $X',
    'pip install ./a',
    'pip list',
    'git status',
    'apt-get clean',
    'hf version',
    'sage-cli.py',
  ])('none by %s', (text) => expect(use(text)).toBeUndefined())
})
