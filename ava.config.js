import { availableParallelism } from 'node:os'
import { GROUPS, longestFirst, TESTS } from './scripts/test-groups.ts'

const byGroups = process.env.TESSERA_TEST_GROUPS !== undefined

export default {
  files: byGroups ? [`${GROUPS}/*.test.ts`] : TESTS,
  extensions: ['ts'],
  // Without any result for so long, something hangs; a busy machine may take a while over a whole scenario.
  timeout: '3m',
  // One more than can run, since now and then all tests of a group wait: for a database, or for another process.
  ...(byGroups ? { concurrency: availableParallelism() + 1, sortTestFiles: longestFirst } : {}),
}
