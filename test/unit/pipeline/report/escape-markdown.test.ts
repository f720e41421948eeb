import { describe, expect, it } from 'vitest'
import { escapeHtml } from '../../../../pipeline/report/escape-html.ts'
import { escapeMarkdown, escapeMarkdownHtml, markdownCode, markdownFence } from '../../../../pipeline/report/escape-markdown.ts'
import { hostileTexts } from './hostile-texts.ts'

describe('escaping for Markdown', () => {
  it.each([
    ['plain words stay', 'expected 3 messages, found 2', 'expected 3 messages, found 2'],
    ['emphasis', 'a *b* _c_ ~d~', 'a \\*b\\* \\_c\\_ \\~d\\~'],
    ['a mention', 'ask @octocat, please', 'ask `@octocat`, please'],
    ['a team', '(@org/team)', '\\(`@org/team`\\)'],
    ['an issue', 'see #12 and GH-3 and a/b#4', 'see `#12` and `GH-3` and `a/b#4`'],
    ['an address', 'https://evil.example.', '`https://evil.example`.'],
    ['an address without scheme', 'www.evil.example', '`www.evil.example`'],
    ['an e-mail address', 'mail me@evil.example', 'mail `me@evil.example`'],
    ['a commit', 'at 4f2c9a1d7be0', 'at `4f2c9a1d7be0`'],
    ['an emoji name', ':tada:', '`:tada`:'],
    ['a place is no emoji', 'app/main.py:23: no', 'app/main.py:23: no'],
    ['a link', '[x](y)', '\\[x\\]\\(y\\)'],
    ['an image', '![x](y)', '\\!\\[x\\]\\(y\\)'],
    ['HTML', '<img src=x>', '&#60;img src=x&#62;'],
    ['entities', '&lt; &#64;', '&amp;lt; `&#64`;'],
    ['a pipe', 'a|b', 'a&#124;b'],
    ['code', '`a`', '\\`a\\`'],
    ['mathematics', '$x$', '\\$x\\$'],
    ['lists and lines', '1. - + === ---', '1\\. \\- \\+ \\=== \\---'],
    ['a heading', '# a', '\\# a'],
    ['line breaks', 'a\n\n# b', 'a \\# b'],
    ['nothing but a live word between brackets', '(@)', '\\(`@`\\)'],
    ['nothing', '', ''],
  ])('%s', (_, text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped)
  })

  it.each([
    ['plain', 'env.smoke', '`env.smoke`'],
    ['backticks', 'a``b', '```a``b```'],
    ['a backtick at an end', '`a', '`` `a ``'],
    ['a pipe', 'a|b', '`a`&#124;`b`'],
    ['pipes alone', '||', '&#124;&#124;'],
    ['nothing', ' \u200b ', '(empty)'],
    ['a hidden marker', '<!-- ctss -->', '`<! -- ctss -->`'],
  ])('code: %s', (_, text, escaped) => {
    expect(markdownCode(text)).toBe(escaped)
  })

  it('chooses a fence that the text does not hold', () => {
    expect(markdownFence('a')).toBe('```text\na\n```')
    expect(markdownFence('```\n````\n<!-- x', 'diff')).toBe('`````diff\n```\n````\n<! -- x\n`````')
  })

  it('writes live words as code inside an HTML block too', () => {
    expect(escapeMarkdownHtml('a <b> @user #1')).toBe('a &lt;b&gt; <code>@user</code> <code>#1</code>')
  })

  it('escapes HTML for content and attributes', () => {
    expect(escapeHtml(`<a href="x" id='y'>&`)).toBe('&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;')
  })
})

describe('whatever a plugin writes', () => {
  it('leaves no structure outside of code, and nothing that GitHub looks for in rendered text', () => {
    const isAlive = (printed: string): boolean => {
      const { structure, shown } = outsideCode(printed)
      return (
        /[`*_{}[\]<>|~$#!\\^\n]/.test(structure) ||
        /@\w|#\d|\bgh-\d|:\/\/|www\.|mailto:|xmpp:|\b[0-9a-f]{7,40}\b/i.test(shown) ||
        /<!--|[\u202a-\u202e\u200b-\u200f\u0000-\u0009\u001b]/.test(printed)
      )
    }
    expect(hostileTexts(5000).filter((text) => isAlive(escapeMarkdown(text)))).toEqual([])
    expect(hostileTexts(5000).filter((text) => isAlive(`${escapeMarkdown(text)} ${markdownCode(text)} ${escapeMarkdown(text)}`))).toEqual([])
  })

  it('stays inside its fence', () => {
    const breaksOut = (text: string): boolean => {
      const lines = markdownFence(text).split('\n')
      const [opening = ''] = /^`+/.exec(lines[0] ?? '') ?? []
      return lines.slice(1, -1).some((line) => line.trimStart().startsWith(opening))
    }
    expect(hostileTexts(5000).filter(breaksOut)).toEqual([])
  })

  it('stays inside its HTML block', () => {
    expect(hostileTexts(5000).filter((text) => /\n|<(?!\/?code>)/.test(escapeMarkdownHtml(text)))).toEqual([])
  })
})

/**
 * A second reading of CommonMark 0.31 sections 2.4, 2.5 and 6.1, apart from the code under test: what is left when code spans, escapes and entities are taken away,
 * and the text that a reader sees outside of code.
 */
function outsideCode(markdown: string): { structure: string; shown: string } {
  let structure = ''
  let shown = ''
  for (let rest = markdown; rest !== '';) {
    const ticks = /^`+/.exec(rest)?.[0]
    const closing = ticks === undefined ? -1 : findRun(rest, ticks)
    const literal = /^\\([!-/:-@[-`{-~])|^&(?:#(\d+)|(amp));/.exec(rest)
    if (ticks !== undefined && closing > 0) {
      shown += '\u0001'
      rest = rest.slice(closing + ticks.length)
    } else if (literal !== null) {
      shown += literal[1] ?? (literal[3] === undefined ? String.fromCodePoint(Number(literal[2])) : '&')
      rest = rest.slice(literal[0].length)
    } else {
      structure += rest[0]
      shown += rest[0]
      rest = rest.slice(1)
    }
  }
  return { structure, shown }
}

function findRun(text: string, ticks: string): number {
  for (const match of text.slice(ticks.length).matchAll(/`+/g)) if (match[0] === ticks) return match.index + ticks.length
  return -1
}
