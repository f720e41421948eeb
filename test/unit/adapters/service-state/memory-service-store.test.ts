import { describeInboxContract } from '../../../contract/inbox.ts'
import { describeRecordsContract } from '../../../contract/records.ts'
import { describeServiceStateContract } from '../../../contract/service-state.ts'
import { memoryServiceStore } from '../../../support/memory-service-store.ts'

describeServiceStateContract('the state in memory', async () => memoryServiceStore().state)
describeRecordsContract('the state in memory', async () => memoryServiceStore().state.records(1, 'trusted'))
describeInboxContract('the inbox in memory', async ({ attempts, backoffSeconds = 0 }) =>
  memoryServiceStore({ backoffMs: backoffSeconds * 1000, ...(attempts !== undefined && { attempts }) }),
)
