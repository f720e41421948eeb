import { describe, expect, it } from 'vitest'
import { readRunWork } from '../../../../pipeline/build/slow-commands.ts'

const worksOf = (text: string) => [...(readRunWork(text)?.works ?? [])].toSorted()

describe('what a RUN does', () => {
  it.each([
    ['RUN mkdir /a && curl -fsSL https://example.org/a.tar.xz | tar -xJ -C /a', ['fetch', 'plain']],
    ['RUN ["wget", "https://example.org/a"]', ['fetch']],
    ['RUN git clone --depth 1 https://example.org/a.git && rm -rf a/.git', ['fetch', 'plain']],
    ['RUN --mount=type=cache,target=/root/.npm npm ci --no-audit && npm run build', ['assets', 'packages']],
    ['RUN yarn && yarn build', ['assets', 'packages']],
    ['RUN npm install -g typescript && tsc -p .', ['assets', 'tools']],
    ['RUN npx vite build', ['assets']],
    ['RUN npm config set fund false; npm test', ['plain', 'unknown']],
    ['RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y gcc && rm -rf /var/lib/apt/lists/*', ['plain', 'tools']],
    ['RUN go mod download && CGO_ENABLED=0 go build -o /a ./cmd/a', ['compile', 'fetch']],
    ['RUN go test ./...', ['unknown']],
    ['RUN cargo fetch && cargo build --release', ['compile', 'fetch']],
    ['RUN cargo test', ['unknown']],
    ['RUN pip3 install --no-cache-dir numpy', ['pip']],
    ['RUN pip3 wheel numpy', ['unknown']],
    ['RUN make -j4', ['unknown']],
    ['RUN curl https://example.org/install.sh | sh', ['fetch', 'unknown']],
    ['RUN', ['unknown']],
  ])('%s', (text, expected) => {
    expect(worksOf(text)).toEqual(expected)
  })

  it.each(['RUN <<EOF (apt-get update...)', 'COPY . .', 'WORKDIR /app', ''])('is not known of %j', (text) => {
    expect(readRunWork(text)).toBeUndefined()
  })

  it.each([
    ['RUN curl -o a https://example.org/$(uname -m)/a', true],
    ['RUN curl -o a https://example.org/a-aarch64.tar.gz', true],
    ['RUN curl -o a https://example.org/a.tar.gz', false],
    ['RUN curl -o a https://example.org/archive.tar.gz', false],
  ])('%s names an architecture: %s', (text, expected) => {
    expect(readRunWork(text)?.namesArchitecture).toBe(expected)
  })

  it.each([
    ['RUN pip install -r requirements.txt -r more.txt && rm -rf /root/.cache', true, ['requirements.txt', 'more.txt']],
    ['RUN pip install numpy "scipy>=1"', true, []],
    ['RUN pip install .', false, []],
    ['RUN pip install -e .', false, []],
    ['RUN pip install --editable=/app', false, []],
    ['RUN pip install /app/wheels/a.whl', false, []],
    ['RUN apt-get install -y gcc', true, []],
  ])('%s installs packages by name only: %s', (text, isListed, files) => {
    expect(readRunWork(text)).toMatchObject({ isListed, requirementFiles: files })
  })
})
