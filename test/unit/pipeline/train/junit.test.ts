import { describe, expect, it } from 'vitest'
import { readJunit } from '../../../../pipeline/train/junit.ts'

const PYTEST = `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.1">
<testcase classname="evaluation.test_invariance" name="test_mirror[day]" time="0.004"><properties><property name="category" value="invariance" /></properties></testcase>
<testcase classname="evaluation.test_slice" name="test_night" time="0.010"><failure message="assert 0.2 &gt;= 0.5&#10;where &quot;x&quot;">trace</failure></testcase>
<testcase classname="evaluation.test_domain" name="test_y" time="1,234.5"><error message="boom">trace</error></testcase>
<testcase name="test_z"><skipped type="pytest.skip"><![CDATA[no <camera>]]></skipped></testcase>
</testsuite></testsuites>`

describe('a JUnit file', () => {
  it('is read as pytest writes it', () => {
    expect(readJunit(Buffer.from(PYTEST))).toEqual({
      kind: 'read',
      value: [
        { name: 'evaluation.test_invariance.test_mirror[day]', category: 'invariance', outcome: 'passed', seconds: 0.004 },
        { name: 'evaluation.test_slice.test_night', category: 'slice', outcome: 'failed', seconds: 0.01, message: 'assert 0.2 >= 0.5\nwhere "x"' },
        { name: 'evaluation.test_domain.test_y', category: 'domain', outcome: 'error', seconds: 1234.5, message: 'boom' },
        { name: 'test_z', category: 'standard', outcome: 'skipped', seconds: 0, message: 'no <camera>' },
      ],
    })
  })

  it.each<[string, string, object[]]>([
    [
      'one suite as the root, category of the suite',
      '<testsuite name="s"><properties><property name="category">failure_mode</property></properties><testcase name="a"/></testsuite>',
      [{ name: 'a', category: 'failure_mode' }],
    ],
    [
      'suites in suites',
      '<testsuites><testsuite><testsuite name="template-tests"><testcase name="a"/></testsuite><testcase name="b"/></testsuite></testsuites>',
      [{ name: 'b' }, { name: 'a', category: 'template' }],
    ],
    ['failure_mode in a class name with a hyphen', '<testsuite><testcase classname="failure-mode" name="a"/></testsuite>', [{ category: 'failure_mode' }]],
    ['a test without a name', '<testsuite><testcase time="-3"/></testsuite>', [{ name: 'unnamed', seconds: 0 }]],
    ['a suite without tests', '<testsuite name="empty"/>', []],
    ['numeric entities', '<testsuite><testcase name="&#x41;&#66;&#1114112;&#x110000;&none;&apos;"/></testsuite>', [{ name: "AB&#1114112;&#x110000;&none;'" }]],
    [
      'names of prototypes as text',
      '<testsuite name="__proto__"><testcase name="constructor" classname="hasOwnProperty"/></testsuite>',
      [{ name: 'hasOwnProperty.constructor' }],
    ],
    [
      'a failure whose text is all it has',
      '<testsuite><testcase name="a"><failure>why</failure></testcase></testsuite>',
      [{ outcome: 'failed', message: 'why' }],
    ],
  ])('%s', (_name, text, tests) => {
    const reading = readJunit(Buffer.from(text))

    expect(reading).toMatchObject({ kind: 'read', value: tests })
  })

  it.each<[string, string | Buffer, string | RegExp]>([
    [
      'entities of its own (the billion laughs)',
      `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><testsuite><testcase name="&lol2;"/></testsuite>`,
      'document type',
    ],
    ['an external entity', '<!doctype x SYSTEM "file:///etc/passwd"><testsuite/>', 'document type'],
    ['deep nesting', `${'<testsuite>'.repeat(100)}${'</testsuite>'.repeat(100)}`, /nested/i],
    ['an element called __proto__', '<testsuite><__proto__ polluted="1"/></testsuite>', /reserved|Invalid/i],
    ['an attribute called __proto__', '<testsuite __proto__="1"/>', /reserved|Invalid/i],
    ['XML that does not end', '<testsuite><testcase', /line 1/],
    ['wrong tags', '<testsuite>\n<testcase></testsuite>', /line 2/],
    ['another document', '<html></html>', 'no <testsuite>'],
    ['nothing', '', /./],
    ['bytes that are not UTF-8', Buffer.from([0x3c, 0xff, 0xfe]), /utf-8/i],
  ])('refuses %s', (_name, content, reason) => {
    const reading = readJunit(Buffer.from(content))

    expect(reading).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('cuts long names and messages', () => {
    const reading = readJunit(Buffer.from(`<testsuite><testcase name="${'n'.repeat(5000)}"><failure message="${'m'.repeat(50_000)}"/></testcase></testsuite>`))

    expect(reading).toMatchObject({ kind: 'read', value: [{ name: 'n'.repeat(300), message: 'm'.repeat(2000) }] })
  })
})
