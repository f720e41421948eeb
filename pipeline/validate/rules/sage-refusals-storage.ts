import type { ExampleFiles, RuleDocument } from '../rule.ts'

const HEALTHY =
  'namespace: skylab\nname: cloud-counter\nversion: "1.2.3"\ndescription: Counts clouds.\nsource:\n  url: https://github.com/sky-lab/cloud-counter\n  branch: main\n  architectures: [linux/amd64]\n'

function withLine(line: string): ExampleFiles {
  return { 'sage.yaml': `${HEALTHY}${line}\n` }
}

const error = 'error'

/** What Sage's tables do not hold. Sage checks none of it, and the database breaks. */
export const STORAGE_REFUSALS: readonly RuleDocument[] = [
  {
    code: 'CTSS-M039',
    name: 'resources-type',
    severity: error,
    title: 'The resources must be a list.',
    reason: '`resources:` with nothing behind it is null, and null is no list.',
    source: 'sage-ecr@55a1a7e ecr_api.py L474-476.',
    example: { bad: withLine('resources:'), good: withLine('resources: []') },
  },
  {
    code: 'CTSS-M040',
    name: 'resource-too-long',
    severity: error,
    title: 'A resource has more than 256 characters as JSON.',
    reason: 'The column’s limit; the database breaks after the clone. Nothing reads the resources, so that a few words do.',
    source: 'sage-ecr@55a1a7e ecrdb.py L300-310; DDL: Resources.resource VARCHAR(256) (L196).',
    example: { none: 'More than 256 characters are too long to print.' },
  },
  {
    code: 'CTSS-M041',
    name: 'metadata-type',
    severity: error,
    title: 'The metadata must be a mapping.',
    reason: '`metadata:` with nothing behind it is null, and null is no mapping.',
    source: 'sage-ecr@55a1a7e ecr_api.py L481-487.',
    example: { bad: withLine('metadata:'), good: withLine('metadata: {ontology: env.count.cloud}') },
  },
  {
    code: 'CTSS-M042',
    name: 'json-too-long',
    severity: error,
    title: 'The inputs or the metadata have more than 65,535 bytes as JSON.',
    reason: 'The column’s limit; the database breaks after the clone. Letters outside of ASCII count six.',
    source: 'sage-ecr@55a1a7e ecr_api.py L469 and L544; DDL: Apps.inputs and Apps.metadata TEXT (ecrdb.py L73-74).',
    example: { none: 'A text of 64 KiB is too long to print.' },
  },
  {
    code: 'CTSS-M056',
    name: 'list-instead-of-text',
    severity: error,
    title: 'A list stands where Sage stores one text.',
    reason:
      'Keywords, authors, collaborators and others are texts with commas. A list becomes an SQL tuple: of one entry it is stored as that entry, of several the database breaks with error 1241, an empty one is a syntax error.',
    source: 'sage-ecr@55a1a7e ecr_api.py L553-563; mysqlclient 2.1 connections.py `_tuple_literal`.',
    example: { bad: withLine('authors: [Ada, Ben]'), good: withLine('authors: "Ada, Ben"') },
  },
  {
    code: 'CTSS-M057',
    name: 'license-too-long',
    severity: error,
    title: 'The licence has more than 256 characters.',
    reason: 'The column’s limit. Write the licence’s name, or better its SPDX identifier, not its text.',
    source: 'sage-ecr@55a1a7e DDL: Apps.license VARCHAR(256) (ecrdb.py L69).',
    example: { none: 'The text of a licence is too long to print.' },
  },
  {
    code: 'CTSS-M058',
    name: 'text-too-long',
    severity: error,
    title: 'A text has more than 65,535 bytes.',
    reason: 'The column’s limit; a byte more breaks the database after the clone.',
    source: 'sage-ecr@55a1a7e DDL: Apps.authors, collaborators, keywords, homepage and funding TEXT (ecrdb.py L64-68).',
    example: { none: 'A text of 64 KiB is too long to print.' },
  },
  {
    code: 'CTSS-M059',
    name: 'frozen-type',
    severity: error,
    title: 'The field frozen must be true or false.',
    reason:
      'It is stored as a small integer: texts that are no number, and numbers beyond 127, break the database. Nothing heeds the field, so that it can go.',
    source: 'sage-ecr@55a1a7e ecr_api.py L565; DDL: Apps.frozen BOOLEAN (ecrdb.py L62).',
    example: { bad: withLine('frozen: "yes"'), good: withLine('frozen: true') },
  },
  {
    code: 'CTSS-M060',
    name: 'not-text',
    severity: error,
    title: 'A value holds characters that are no text.',
    reason: 'Half characters (surrogates such as `\\ud83d`), zero bytes in arguments of git, and binary data that is no UTF-8 break Python or the database.',
    source: 'sage-ecr@55a1a7e ecr_api.py L198-205 and L632-647; Python 3.11; mysqlclient 2.1.',
    example: { bad: withLine('keywords: "clouds \\ud83d"'), good: withLine('keywords: "clouds"') },
  },
  {
    code: 'CTSS-M061',
    name: 'value-not-storable',
    severity: error,
    title: 'A value is of a kind that the database does not take.',
    reason: 'Infinities, numbers of thousands of digits and sets of other things than texts break the database’s client.',
    source: 'sage-ecr@55a1a7e ecr_api.py L553-563; mysqlclient 2.1 converters.py.',
    example: { bad: withLine('keywords: .inf'), good: withLine('keywords: infinity') },
  },
]
