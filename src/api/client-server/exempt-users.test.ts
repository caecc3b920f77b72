import test from 'ava'
import { registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

test('whom the operator exempts has no limits, all others have', async t => {
  const settings = {
    rate_limits: {
      enabled: true,
      exempt_users: ['@moderator:localhost'],
      buckets: { message: { per_second: 0.01, burst: 2 } },
    },
  }
  const server = await startTestServer({ settings })
  t.teardown(server.close)
  for (const [name, last] of [
    ['moderator', '200 -'],
    ['alice', '429 M_LIMIT_EXCEEDED'],
  ] as const) {
    const person = await registerPerson(server, name)
    const room = encodeURIComponent(await person.createRoom())
    const say = (txn: number) =>
      person.code('PUT', `/rooms/${room}/send/m.room.message/${txn}`, { msgtype: 'm.text', body: 'x' })
    t.deepEqual([await say(1), await say(2), await say(3)], ['200 -', '200 -', last], name)
  }
})
