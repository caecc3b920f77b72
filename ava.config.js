import { GROUPS, TESTS } from './scripts/test-groups.ts'

export default {
  files: process.env.TESSERA_TEST_GROUPS === undefined ? TESTS : [`${GROUPS}/*.test.ts`],
  extensions: ['ts'],
  // Without any result for so long, something hangs; a busy machine may take a while over a whole scenario.
  timeout: '3m',
}
