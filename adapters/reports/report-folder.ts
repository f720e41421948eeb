import { access, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDigest, type Digest } from '../../pipeline/digest.ts'
import type { ChartImage } from '../../pipeline/ports/charts.ts'
import type { RenderedReport, ReportFiles, Reports } from '../../pipeline/ports/reports.ts'
import { writeAtomically } from '../filesystem/atomic-file.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'

/** Keeps the newest report of a plugin in a folder: report.md, report.html, report.json, charts/ and key. */
export function reportFolder(folder: string): Reports {
  const files: ReportFiles = { markdown: join(folder, 'report.md'), html: join(folder, 'report.html') }
  return {
    async state() {
      const key = await readFile(join(folder, 'key'), 'utf8').catch(() => '')
      const whole = await Promise.all(
        [files.markdown, files.html].map(async (file) =>
          access(file).then(
            () => true,
            () => false,
          ),
        ),
      )
      return isDigest(key) && whole.every(Boolean) ? { key, ...files } : undefined
    },
    async write(report, key) {
      try {
        await writeAll(folder, report, key)
        return files
      } catch (error) {
        throw storageFailure(error, `writing the report to ${folder}`)
      }
    },
  }
}

async function writeAll(folder: string, report: RenderedReport, key: Digest): Promise<void> {
  const contents: [string, string | Uint8Array][] = [
    ['report.md', report.markdown],
    ['report.html', report.html],
    ['report.json', report.json],
    ...report.charts.flatMap(({ name, light, dark }) => [...imageFiles(`${name}-light`, light), ...imageFiles(`${name}-dark`, dark)]),
    ['key', key],
  ]
  await mkdir(join(folder, 'charts'), { recursive: true })
  for (const [name, content] of contents) await writeAtomically(join(folder, name), async (handle) => handle.writeFile(content))
}

function imageFiles(name: string, { svg, png }: ChartImage): readonly [string, string | Uint8Array][] {
  return [[`charts/${name}.svg`, svg], ...(png === undefined ? [] : [[`charts/${name}.png`, png] as [string, Uint8Array]])]
}
