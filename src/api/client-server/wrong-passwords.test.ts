import test from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

test('a crowd cannot guess the password of one account, nor tell whether there is such an account', async t => {
  const clock = new FakeClock()
  const settings = {
    rate_limits: {
      enabled: true,
      buckets: {
        login: { enabled: false },
        'wrong-password': { per_second: 0.1, burst: 3 },
      },
    },
  }
  const server = await startTestServer({ clock, settings })
  t.teardown(server.close)
  await server.register('alice')
  await server.register('bob')
  const logIn = async (user: string, password: string) => {
    const json = { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password }
    const { status, body } = await server.request('POST', '/_matrix/client/v3/login', { json })
    return `${status} ${(body as Record<string, unknown>)['errcode'] ?? '-'}`
  }
  for (const user of ['alice', 'nobody']) {
    for (let n = 0; n < 3; n++) t.is(await logIn(user, 'wrong'), '403 M_FORBIDDEN', user)
    t.is(await logIn(user, 'wrong'), '429 M_LIMIT_EXCEEDED', user)
  }
  t.is(await logIn('@alice:localhost', TEST_PASSWORD), '429 M_LIMIT_EXCEEDED', 'by whatever name')
  t.is(await logIn('bob', TEST_PASSWORD), '200 -')
  for (const name of ['NOBODY', '@nobody:localhost'])
    t.is(await logIn(name, 'wrong'), '429 M_LIMIT_EXCEEDED', 'as if there were one')
  await clock.advance(10_000)
  for (let n = 0; n < 3; n++)
    t.is(await logIn('alice', TEST_PASSWORD), '200 -', 'what is right does not count')
})
