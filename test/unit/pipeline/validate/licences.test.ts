import { describe, expect, it } from 'vitest'

import { readLicence } from '../../../../pipeline/validate/licences.ts'

describe('a licence', () => {
  it.each(['MIT', 'Apache-2.0', 'GPL-3.0-only', 'GPL-3.0', 'MIT AND Apache-2.0', '(MIT OR ISC)', ' MIT ', 'NCSA', 'LicenseRef-Argonne'])(
    '%j is SPDX',
    (text) => {
      expect(readLicence(text)).toStrictEqual({ kind: 'spdx' })
    },
  )

  it.each([
    ['mit', 'MIT'],
    ['MIT License', 'MIT'],
    ['The MIT Licence (MIT)', 'MIT'],
    ['MIT licensed', 'MIT'],
    ['Apache 2', 'Apache-2.0'],
    ['Apache License, Version 2.0', 'Apache-2.0'],
    ['apache-2.0', 'Apache-2.0'],
    ['BSD 3-clause', 'BSD-3-Clause'],
    ['BSD 3-Clause "New" or "Revised" License', 'BSD-3-Clause'],
    ['2-Clause BSD', 'BSD-2-Clause'],
    ['Mozilla Public License 2.0', 'MPL-2.0'],
    ['GNU GPL v3 or later', 'GPL-3.0-or-later'],
    ['GPLv2+', 'GPL-2.0-or-later'],
    ['CC BY 4.0', 'CC-BY-4.0'],
    ['Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International License', 'CC-BY-NC-SA-4.0'],
    ['Creative Commons Attribution No Derivatives 3.0', 'CC-BY-ND-3.0'],
    ['CC0', 'CC0-1.0'],
    ['isc', 'ISC'],
    ['zlib', 'Zlib'],
  ])('%j is %j, spelled otherwise', (text, expression) => {
    expect(readLicence(text)).toStrictEqual({ kind: 'spelling', expression })
  })

  it.each([
    ['GPLv3', 'GPL-3.0-only'],
    ['GPL-3.0 license', 'GPL-3.0-only'],
    ['GNU General Public License v3.0', 'GPL-3.0-only'],
    ['LGPLv2.1', 'LGPL-2.1-only'],
    ['GNU Affero General Public License 3', 'AGPL-3.0-only'],
    ['BSD-3', 'BSD-3-Clause'],
    ['MIT (code), CC BY-NC-SA 4.0 (BirdNET models)', 'MIT AND CC-BY-NC-SA-4.0'],
    ['MIT; Apache-2.0 and MIT', 'MIT AND Apache-2.0'],
  ])('%j is probably %j', (text, expression) => {
    expect(readLicence(text)).toStrictEqual({ kind: 'guess', expression })
  })

  it.each([
    ['Apache', 'Apache-2.0'],
    ['BSD', 'BSD-2-Clause'],
    ['GPL', 'GPL-3.0-or-later'],
  ])('%j does not say which; %j is likely', (text, closest) => {
    expect(readLicence(text)).toStrictEqual({ kind: 'unknown', closest })
  })

  it.each([
    '',
    '  ',
    'UNLICENSED',
    'None',
    'proprietary',
    'see LICENSE',
    'The license agreed by Argonne National Laboratory',
    'Creative commons license',
    'Copyright MIT Lincoln Laboratory',
    'MIT/Apache-2.0',
    'MIT, and what the laboratory says',
    'MIT, MIT, MIT, MIT, MIT, MIT',
    '(('.repeat(100),
    'MIT '.repeat(100),
  ])('%j is unknown', (text) => {
    expect(readLicence(text)).toStrictEqual({ kind: 'unknown' })
  })
})
