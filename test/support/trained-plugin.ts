/** A plugin that trains its model, built from nothing. */
export const TRAINED_PLUGIN = {
  'sage.yaml': `name: cloud-counter
namespace: zelda
version: "0.1.0"
description: Counts the clouds in the sky
license: MIT
source:
  architectures: [linux/amd64, linux/arm64]
`,
  'ctss.yaml': `training:
  dockerfile: train/Dockerfile
  command: [sh, /train.sh]
model: {path: model, from: train}
test:
  trials:
    - {name: good, timeout: 60s, args: [good]}
`,
  Dockerfile: 'FROM scratch\nCOPY model /model\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n',
  'main.sh': 'true\n',
  'train/Dockerfile': 'FROM scratch\nCOPY train.sh /\n',
  'train/train.sh': 'true\n',
} as const
