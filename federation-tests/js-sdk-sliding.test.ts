import test, { registerCompletionHandler } from 'ava'
import { startSdkUser } from '../src/test-kit/js-sdk.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { password } from './js-sdk-people.ts'
import { talkEncrypted, talkInClear } from './js-sdk-scenario.ts'

// The SDK leaves timers behind: see src/test-kit/js-sdk.ts.
registerCompletionHandler(() => process.exit())

test('a client that follows by sliding sync talks with one that does not, in clear and encrypted', async t => {
  t.timeout(600_000)
  const server = await startTestServer()
  t.teardown(server.close)
  await server.register('alice', password)
  await server.register('bob', password)
  const alice = await startSdkUser(server.url, 'alice', password)
  t.teardown(() => alice.stop())
  const bob = await startSdkUser(server.url, 'bob', password, { sliding: true })
  t.teardown(() => bob.stop())
  await talkInClear(t, alice, bob)
  await talkEncrypted(t, alice, bob)
})
