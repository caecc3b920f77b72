import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { GROUPS, longestFirst, TESTS } from './scripts/test-groups.ts'

// MiB, for the threads that are begun from here. What a test makes is rubbish at its end: looked through less often, it costs a twelfth less of all.
setFlagsFromString('--max-semi-space-size=64')

const byGroups = process.env.TESSERA_TEST_GROUPS !== undefined

export default {
  files: byGroups ? [`${GROUPS}/*.test.ts`] : TESTS,
  extensions: ['ts'],
  // Without any result for so long, something hangs; a busy machine may take a while over a whole scenario.
  timeout: '3m',
  // One more than can run would fill the moments in which a group waits, and costs more than it gains: each has less of the caches.
  ...(byGroups ? { concurrency: availableParallelism(), sortTestFiles: longestFirst } : {}),
}
