import type { PipelineReading } from '../../pipeline/validate/read-pipeline.ts'
import type { DocumentPath } from '../../pipeline/validate/yaml-source.ts'
import type { PlainReading } from './messages.ts'

/** A reading that can leave its process. */
export function toPlainReading({ pipeline, problems, inputs, placeOf }: PipelineReading): PlainReading {
  const { gates = [], datasets = [] } = pipeline?.training ?? {}
  const asked: readonly DocumentPath[] = [
    ...gates.map((_, index) => ['training', 'gates', index]),
    ...datasets.flatMap((_, index) => [
      ['training', 'datasets', index, 'uri'],
      ['training', 'datasets', index, 'sha256'],
    ]),
  ]
  const places = asked.flatMap((path) => {
    const place = placeOf(path)
    return place === undefined ? [] : [[path, place] as const]
  })
  return { pipeline, problems, inputs, places }
}

/** The reading that was made plain; places that nobody asks for are not known any more. */
export function fromPlainReading({ places, ...reading }: PlainReading): PipelineReading {
  const known = new Map(places.map(([path, place]) => [JSON.stringify(path), place]))
  return { ...reading, placeOf: (path) => known.get(JSON.stringify(path)) }
}
