// Generated from schemas/*.schema.json by `npm run generate`; do not edit.
import type { ValidateFunction } from 'ajv'
import type * as types from './types.ts'
export declare const validateBundle: ValidateFunction<types.Bundle>
export declare const validateEvaluationResult: ValidateFunction<types.EvaluationResult>
export declare const validateEvaluationSlices: ValidateFunction<types.EvaluationSlices>
export declare const validateManifest: ValidateFunction<types.Manifest>
export declare const validateModelManifest: ValidateFunction<types.ModelManifest>
export declare const validatePipelineFile: ValidateFunction<types.PipelineFile>
export declare const validateProfile: ValidateFunction<types.Profile>
export declare const validateReleaseSummary: ValidateFunction<types.ReleaseSummary>
export declare const validateRunOutput: ValidateFunction<types.RunOutput>
export declare const validateRunPlan: ValidateFunction<types.RunPlan>
export declare const validateStageRecord: ValidateFunction<types.StageRecord>
export declare const validateTestOutput: ValidateFunction<types.TestOutput>
export declare const validateValidateOutput: ValidateFunction<types.ValidateOutput>
