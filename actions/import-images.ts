import { importImage } from '../adapters/oci-layout/import-image.ts'
import { nameOf } from '../pipeline/pipeline.ts'
import type { StageRecord } from '../schemas/generated/types.ts'
import type { Job } from './job.ts'

/** Images of other jobs that travelled as archives, into the registry that a stage looks into; in the answer, records name them there. Fails as the registry does. */
export async function importImages(job: Job, stagingRoot: () => Promise<string>): Promise<Job> {
  const { folders, pipeline, registry, log } = job
  if (pipeline === undefined || folders.every(({ imageFolder }) => imageFolder === undefined)) return job
  const repository = `${await stagingRoot()}/${nameOf(pipeline)}`.toLowerCase()
  const imported = []
  for (const folder of folders) {
    if (folder.imageFolder === undefined) imported.push(folder)
    else {
      log.general.step(`reading the images of ${folder.record.stage} from their archive`)
      await importImage({ registry, repository, folder: folder.imageFolder })
      imported.push({ ...folder, record: withRepository(folder.record, repository) })
    }
  }
  return { ...job, folders: imported }
}

function withRepository(record: StageRecord, repository: string): StageRecord {
  return record.details.kind === 'build' ? { ...record, details: { ...record.details, repository } } : record
}
