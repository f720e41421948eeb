import { describe, expect, it } from 'vitest'
import type { RuleDocument } from '../../../pipeline/validate/rule.ts'
import { renderRulesPage } from '../../../scripts/rules-page.ts'
import { RULE } from '../cli/validate/reports.ts'

const rule = (changes: Partial<RuleDocument>): RuleDocument => ({ ...RULE, ...changes })

describe('the page of rules', () => {
  it('has a table, and a section with an anchor for each', () => {
    const page = renderRulesPage([RULE, rule({ code: 'CTSS-D001', name: 'a-b', severity: 'hint', title: 'This | that.', example: { none: 'Why not.' } })], [])

    expect(page).toContain('| [CTSS-M012](#ctss-m012) | error | `version-is-text` | The version is not text. |')
    expect(page).toContain(String.raw`| [CTSS-D001](#ctss-d001) | hint | ${'`a-b`'} | This \| that. |`)
    expect(page.indexOf('## The manifest')).toBeLessThan(page.indexOf('<a id="ctss-m012"></a>\n\n### CTSS-M012 version-is-text'))
    expect(page).toContain(
      '*Source:* sage-ecr ecr_api.py L1.\n\nWrong:\n\n`sage.yaml`\n\n```yaml\nversion: 1.0\n```\n\nRight:\n\n`sage.yaml`\n\n```yaml\nversion: "1.0.0"\n```',
    )
    expect(page).toContain('*Example:* none. Why not.')
    expect(page).not.toContain('## Python')
  })

  it.each([
    ['Dockerfile', 'FROM x', '```dockerfile\nFROM x\n```'],
    ['app/main.py', 'x = 1\n', '```python\nx = 1\n```'],
    ['odd', '```\n', '````\n```\n````'],
    ['sage.yaml', 'a: \u00a0\u200b\n', '```yaml\na: \u00a0\\u200b\n```'],
  ])('shows %s as it is', (path, text, block) => {
    expect(renderRulesPage([rule({ example: { bad: { [path]: text } } })], [])).toContain(`\`${path}\`\n\n${block}`)
  })

  it('lists where it differs from Sage', () => {
    expect(renderRulesPage([], [{ what: 'State.', why: 'The server remembers.' }])).toContain('- **State.** The server remembers.\n')
    expect(renderRulesPage([], [])).toContain('\n\nNone.\n')
  })
})
