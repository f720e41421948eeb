import type { Rule } from '../rule.ts'
import {
  descriptionFitsDatabase,
  licenceIsNamed,
  nameFitsDatabase,
  nameFitsRegistry,
  urlIsThisRepository,
  versionFitsTag,
  versionIsGiven,
  versionShipsUploads,
} from './identity-rules.ts'
import { metadataFilesAreNamed, metadataIsFetched } from './metadata-rules.ts'
import { expectationsCanHold, modelHasAPlace, namesAreDistinct, pipelinePathsExist, trialPlatformsAreBuilt } from './pipeline-file-rules.ts'
import {
  architecturesAreDistinct,
  armIsUnschedulable,
  buildArgumentsAreIgnored,
  dockerfileExists,
  dockerfileHasEntrypoint,
  droppedKeysAreNamed,
  inputsAreFlags,
  listsFitDatabase,
  sourceKeysAreKnown,
  treeIsWhole,
} from './source-rules.ts'

/** Every rule. To add one: write it beside its like, name the source of it in its docstring, list it here, add a row to its table of tests. */
export const RULES: readonly Rule[] = [
  nameFitsDatabase,
  nameFitsRegistry,
  versionFitsTag,
  versionShipsUploads,
  versionIsGiven,
  descriptionFitsDatabase,
  urlIsThisRepository,
  licenceIsNamed,
  dockerfileExists,
  listsFitDatabase,
  armIsUnschedulable,
  architecturesAreDistinct,
  sourceKeysAreKnown,
  buildArgumentsAreIgnored,
  droppedKeysAreNamed,
  dockerfileHasEntrypoint,
  treeIsWhole,
  inputsAreFlags,
  metadataFilesAreNamed,
  metadataIsFetched,
  pipelinePathsExist,
  modelHasAPlace,
  namesAreDistinct,
  trialPlatformsAreBuilt,
  expectationsCanHold,
]
