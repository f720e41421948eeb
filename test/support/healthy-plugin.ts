const DIGEST = '5'.repeat(64)

/** The repository of `HEALTHY_PLUGIN`. */
export const HEALTHY_REPOSITORY = 'https://github.com/sky-lab/cloud-counter'

/** A plugin of which no rule has anything to say: what examples and tests lay their files over. */
export const HEALTHY_PLUGIN = {
  'sage.yaml': `name: cloud-counter
version: "1.2.3"
description: Counts the clouds in the sky
keywords: "clouds, sky"
authors: "Ada Sky <ada@sky-lab.org>"
license: MIT
homepage: "${HEALTHY_REPOSITORY}"
source:
  architectures:
    - linux/amd64
    - linux/arm64
`,
  Dockerfile: `FROM python:3.12-slim@sha256:${DIGEST}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY main.py .
ENTRYPOINT ["python3", "/app/main.py"]
`,
  'requirements.txt': 'pywaggle==0.56.3\n',
  'main.py': `from waggle.plugin import Plugin

with Plugin() as plugin:
    plugin.publish("cloud.count", 1)
`,
  'ecr-meta/ecr-science-description.md': '# Cloud counter\n\nCounts clouds.\n',
} as const
