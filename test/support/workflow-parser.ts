import { readFileSync } from 'node:fs'
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'

/** Everything that GitHub's own parser says against a workflow, with the inputs that it gives to workflows of ours. */
export async function complaintsOf(file: string, text: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name: file, content: text }, new NoOperationTraceWriter())
  const provider = {
    getFileContent: ({ path }: { readonly path: string }) =>
      Promise.resolve({ name: path, content: readFileSync(path.replace('.github/workflows/', 'reusable-workflows/'), 'utf8') }),
  }
  // As deep as GitHub allows: the caller and nine more.
  if (value !== undefined) await convertWorkflowTemplate(context, value, provider, { fetchReusableWorkflowDepth: 1, maxReusableWorkflowDepth: 9 })
  return context.errors.getErrors().map(({ message }) => message)
}
