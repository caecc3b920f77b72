import test from 'ava'
import { registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

test('a room that begins with thousands of state events counts as several', async t => {
  const buckets = { 'create-room': { per_second: 0.001, burst: 3 } }
  const server = await startTestServer({ settings: { rate_limits: { enabled: true, buckets } } })
  t.teardown(server.close)
  const make = async (length: number, name: string) => {
    const person = await registerPerson(server, name)
    const initial_state = Array.from({ length }, (_, index) => ({
      ...{ type: 'm.space.child', state_key: `!${index}`, content: {} },
    }))
    return [
      await person.code('POST', '/createRoom', { initial_state }),
      await person.code('POST', '/createRoom', {}),
    ]
  }
  t.deepEqual(await make(499, 'ann'), ['200 -', '200 -'])
  t.deepEqual(await make(1_000, 'bob'), ['200 -', '429 M_LIMIT_EXCEEDED'])
})
