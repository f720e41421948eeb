/**
 * What each operation needs of an app, as GitHub's documentation tells it (github/docs, src/github-apps/data/fpt-2026-03-10/server-to-server-permissions.json).
 * Where several stand, one of them is enough. An operation that is not here needs nobody's installation token, or is not known to the stand-in.
 */
import type { Level, Permissions } from './api.ts'
import { reaches } from './world.ts'

export interface Need {
  readonly permission: string
  readonly level: Level
}

const ISSUE_OR_PULL = (level: Level): string => `issues:${level} pull_requests:${level}`

const NEEDS: Readonly<Record<string, string>> = {
  'meta/get-zen': '',
  'repos/get': 'metadata:read',
  'repos/list-forks': 'metadata:read',
  'repos/list-languages': 'metadata:read',
  'repos/list-contributors': 'metadata:read',
  'repos/get-collaborator-permission-level': 'metadata:read',
  'repos/check-collaborator': 'metadata:read',
  'repos/list-collaborators': 'metadata:read',
  'repos/get-all-topics': 'metadata:read',
  'apps/list-repos-accessible-to-installation': 'metadata:read',
  'users/get-by-username': 'metadata:read',
  'orgs/get': 'metadata:read',
  'rate-limit/get': 'metadata:read',
  'repos/list-activities': 'contents:read',
  'repos/list-branches': 'contents:read',
  'repos/list-branches-for-head-commit': 'contents:read',
  'repos/get-branch': 'contents:read',
  'repos/list-commits': 'contents:read',
  'repos/get-commit': 'contents:read',
  'repos/compare-commits-with-basehead': 'contents:read',
  'repos/compare-commits': 'contents:read',
  'repos/get-content': 'contents:read',
  'repos/get-readme': 'contents:read',
  'repos/list-tags': 'metadata:read',
  'repos/create-or-update-file-contents': 'contents:write',
  'repos/delete-file': 'contents:write',
  'repos/create-dispatch-event': 'contents:write',
  'repos/create-fork': 'contents:read',
  'repos/merge': 'contents:write',
  'git/get-ref': 'contents:read',
  'git/list-matching-refs': 'contents:read',
  'git/get-blob': 'contents:read',
  'git/get-tree': 'contents:read',
  'git/get-commit': 'contents:read',
  'git/get-tag': 'contents:read',
  'git/create-blob': 'contents:write',
  'git/create-tree': 'contents:write',
  'git/create-commit': 'contents:write',
  'git/create-tag': 'contents:write',
  'git/create-ref': 'contents:write',
  'git/update-ref': 'contents:write',
  'git/delete-ref': 'contents:write',
  'repos/list-releases': 'contents:read',
  'repos/get-release': 'contents:read',
  'repos/get-latest-release': 'contents:read',
  'repos/get-release-by-tag': 'contents:read',
  'repos/get-release-asset': 'contents:read',
  'repos/list-release-assets': 'contents:read',
  'repos/create-release': 'contents:write',
  'repos/update-release': 'contents:write',
  'repos/delete-release': 'contents:write',
  'repos/generate-release-notes': 'contents:write',
  'repos/upload-release-asset': 'contents:write',
  'repos/update-release-asset': 'contents:write',
  'repos/delete-release-asset': 'contents:write',
  'repos/list-pull-requests-associated-with-commit': 'pull_requests:read',
  'pulls/list': 'pull_requests:read',
  'pulls/get': 'pull_requests:read',
  'pulls/list-files': 'pull_requests:read',
  'pulls/list-commits': 'pull_requests:read',
  'pulls/check-if-merged': 'pull_requests:read',
  'pulls/create': 'pull_requests:write',
  'pulls/update': 'pull_requests:write',
  'pulls/merge': 'contents:write',
  'pulls/list-reviews': 'pull_requests:read',
  'pulls/get-review': 'pull_requests:read',
  'pulls/create-review': 'pull_requests:write',
  'pulls/list-comments-for-review': 'pull_requests:read',
  'pulls/list-review-comments': 'pull_requests:read',
  'pulls/list-review-comments-for-repo': 'pull_requests:read',
  'pulls/create-review-comment': 'pull_requests:write',
  'issues/list-for-repo': 'issues:read',
  'issues/get': ISSUE_OR_PULL('read'),
  'issues/create': 'issues:write',
  'issues/update': ISSUE_OR_PULL('write'),
  'issues/list-comments': ISSUE_OR_PULL('read'),
  'issues/list-comments-for-repo': ISSUE_OR_PULL('read'),
  'issues/get-comment': ISSUE_OR_PULL('read'),
  'issues/create-comment': ISSUE_OR_PULL('write'),
  'issues/update-comment': ISSUE_OR_PULL('write'),
  'issues/delete-comment': ISSUE_OR_PULL('write'),
  'issues/list-labels-for-repo': ISSUE_OR_PULL('read'),
  'issues/get-label': ISSUE_OR_PULL('read'),
  'issues/create-label': ISSUE_OR_PULL('write'),
  'issues/set-labels': ISSUE_OR_PULL('write'),
  'issues/add-assignees': ISSUE_OR_PULL('write'),
  'issues/list-events': ISSUE_OR_PULL('read'),
  'issues/list-events-for-timeline': ISSUE_OR_PULL('read'),
  'issues/list-labels-on-issue': ISSUE_OR_PULL('read'),
  'issues/add-labels': ISSUE_OR_PULL('write'),
  'issues/remove-label': ISSUE_OR_PULL('write'),
  'issues/lock': ISSUE_OR_PULL('write'),
  'issues/unlock': ISSUE_OR_PULL('write'),
  'reactions/list-for-issue-comment': 'issues:read',
  'reactions/create-for-issue-comment': 'issues:write',
  'reactions/delete-for-issue-comment': 'issues:write',
  'reactions/list-for-issue': 'issues:read',
  'reactions/create-for-issue': 'issues:write',
  'reactions/delete-for-issue': 'issues:write',
  'checks/get': 'checks:read',
  'checks/list-for-ref': 'checks:read',
  'checks/list-annotations': 'checks:read',
  'checks/list-for-suite': 'checks:read',
  'checks/list-suites-for-ref': 'checks:read',
  'checks/get-suite': 'checks:read',
  'checks/create': 'checks:write',
  'checks/update': 'checks:write',
  'checks/create-suite': 'checks:write',
  'checks/rerequest-run': 'checks:write',
  'checks/rerequest-suite': 'checks:write',
  'actions/list-repo-workflows': 'actions:read',
  'actions/get-workflow': 'actions:read',
  'actions/list-workflow-runs': 'actions:read',
  'actions/list-workflow-runs-for-repo': 'actions:read',
  'actions/get-workflow-run': 'actions:read',
  'actions/get-workflow-run-attempt': 'actions:read',
  'actions/list-jobs-for-workflow-run': 'actions:read',
  'actions/list-jobs-for-workflow-run-attempt': 'actions:read',
  'actions/get-job-for-workflow-run': 'actions:read',
  'actions/list-artifacts-for-repo': 'actions:read',
  'actions/list-workflow-run-artifacts': 'actions:read',
  'actions/get-artifact': 'actions:read',
  'actions/download-artifact': 'actions:read',
  'actions/delete-artifact': 'actions:write',
  'actions/create-workflow-dispatch': 'actions:write',
  'actions/cancel-workflow-run': 'actions:write',
  'actions/force-cancel-workflow-run': 'actions:write',
  'actions/re-run-workflow': 'actions:write',
  'actions/re-run-workflow-failed-jobs': 'actions:write',
}

/** What an app needs to be told of an event. GitHub offers `issue_comment` to apps that may read either. */
const EVENT_NEEDS: Readonly<Record<string, string>> = {
  push: 'contents:read',
  create: 'contents:read',
  delete: 'contents:read',
  release: 'contents:read',
  pull_request: 'pull_requests:read',
  issue_comment: ISSUE_OR_PULL('read'),
  issues: 'issues:read',
  check_run: 'checks:read',
  check_suite: 'checks:read',
  merge_group: 'merge_queues:read',
  workflow_run: 'actions:read',
  workflow_job: 'actions:read',
  workflow_dispatch: 'contents:read',
  repository: 'metadata:read',
  member: 'members:read',
}

function parse(text: string | undefined): readonly Need[] | undefined {
  return text
    ?.split(' ')
    .filter((part) => part !== '')
    .map((part) => ({ permission: part.split(':')[0] ?? '', level: part.split(':')[1] as Level }))
}

/** What an operation needs: one of these; undefined: the stand-in does not know. */
export function needsOf(operation: string): readonly Need[] | undefined {
  return parse(NEEDS[operation])
}

/** Whether these permissions are enough for one of the needs. */
export function allows(permissions: Permissions, needs: readonly Need[]): boolean {
  return needs.length === 0 || needs.some(({ permission, level }) => reaches(permission === 'metadata' ? 'read' : permissions[permission], level))
}

/** Whether an installation with these permissions is told of an event. */
export function hearsOf(permissions: Permissions, event: string): boolean {
  return allows(permissions, parse(EVENT_NEEDS[event]) ?? [])
}

/** The role that a person needs in a repository for the same: whoever reads may speak. */
export function roleFor(needs: readonly Need[]): Level {
  const levels = needs.map(({ permission, level }) => (permission === 'issues' || permission === 'pull_requests' ? 'read' : level))
  return levels.includes('read') || levels.length === 0 ? 'read' : (levels[0] ?? 'read')
}
