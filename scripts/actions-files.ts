import { stringify } from 'yaml'
import type { ActionDefinition, InputDefinition } from '../actions/definition.ts'
import { ACTIONS } from '../actions/definitions.ts'

const BANNER = '# Generated from actions/definitions.ts by `npm run generate`; do not edit.\n'

/** `action.yml` of an action. */
export function renderActionYaml({ name, description, icon, inputs, outputs, starts }: ActionDefinition): string {
  const document = {
    name: `CTSS ${name}`,
    description,
    author: 'CTSS',
    branding: { icon, color: 'green' },
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([key, input]) => [
        key,
        { description: describeInput(input), required: false, ...(input.default !== undefined && { default: input.default }) },
      ]),
    ),
    outputs: Object.fromEntries(Object.entries(outputs).map(([key, { description: text }]) => [key, { description: text }])),
    runs: { using: 'node24', main: 'dist/main.mjs', ...(starts && { post: 'dist/post.mjs', 'post-if': 'always()' }) },
  }
  return `${BANNER}${stringify(document, { lineWidth: 0 })}`
}

function describeInput({ description, choices }: InputDefinition): string {
  return choices === undefined ? description : `${description} One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`
}

/** docs/actions.md: every action with its inputs, outputs, permissions, and an example that a test runs. */
export function renderActionsPage(intro: string): string {
  return `${intro.trimEnd()}\n\n${ACTIONS.map(renderAction).join('\n\n')}\n`
}

function renderAction({ name, description, inputs, outputs, permissions, notes, example }: ActionDefinition): string {
  return [
    `## ${name}`,
    description,
    ...notes,
    `\`\`\`yaml\n${example}\n\`\`\``,
    [`| input | default | |`, '|:--|:--|:--|', ...Object.entries(inputs).map(inputRow)].join('\n'),
    ['| output | |', '|:--|:--|', ...Object.entries(outputs).map(([key, { description: text }]) => `| \`${key}\` | ${escapeCell(text)} |`)].join('\n'),
    ['| permission | why |', '|:--|:--|', ...permissions.map(({ scope, access, reason }) => `| \`${scope}: ${access}\` | ${reason} |`)].join('\n'),
  ].join('\n\n')
}

function inputRow([name, input]: readonly [string, InputDefinition]): string {
  return `| \`${name}\` | ${input.default === undefined ? '' : `\`${escapeCell(input.default)}\``} | ${escapeCell(describeInput(input))} |`
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
