/**
 * Compares the short way through the Portal with the long one: every manifest that `plainPortalValue` takes goes through yaml 1.10.3 as well.
 * usage: node scripts/oracle/yaml/fuzz-portal.ts [cases] [seed] [folder with manifests to change]
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readBody } from '../../../pipeline/validate/sage/body.ts'
import { plainPortalValue } from '../../../pipeline/validate/sage/portal-plain.ts'
import { sendFromPortal } from '../../../pipeline/validate/sage/portal.ts'
import { loadPyYaml } from '../../../pipeline/validate/sage/pyyaml.ts'
import { record } from '../../../test/support/python-dump.ts'
import { ManifestTexts } from '../../../test/support/yaml-texts/manifest-texts.ts'
import { Random } from '../../../test/oracle/random.ts'

const [cases = '50000', seed = '1', folder] = process.argv.slice(2)
const seeds =
  folder === undefined
    ? []
    : readdirSync(folder)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => readFileSync(join(folder, name), 'utf8'))
const random = new Random(Number(seed))
const manifests = new ManifestTexts(random)
let [plain, refused, differences] = [0, 0, 0]
for (let done = 0; done < Number(cases) && differences < 20; done += 1) {
  const text = manifests.manifest(seeds)
  const fields = {
    user: random.pick(['testuser', 'testuser', 'u1', 'no', '']),
    url: random.pick(['https://github.com/o/r', 'https://github.com/o/r.git', '']),
    branch: random.pick(['main', 'main', '1.0', 'yes', '2023-01-01', '']),
  }
  const parsed = loadPyYaml(text)
  const short = 'value' in parsed ? plainPortalValue(text, fields, parsed.value) : undefined
  if (short === undefined) continue
  plain += 1
  if ('refused' in short) refused += 1
  const sent = sendFromPortal(text, fields)
  const ours = JSON.stringify('refused' in short ? short : record(short))
  const theirs = JSON.stringify('refused' in sent ? sent : record(readBody(sent.body)))
  if (ours === theirs) continue
  differences += 1
  console.log(JSON.stringify({ text, fields }), '\n  long ', theirs, '\n  short', ours)
}
console.log(`${cases} cases from seed ${seed}: ${plain} by the short way, ${refused} of them refused, ${differences} differences`)
process.exitCode = differences === 0 ? 0 : 1
