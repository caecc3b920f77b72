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

test('nobody is kept from their account by wrong passwords that others try', async t => {
  const settings = {
    listeners: [{ port: 0, host: '127.0.0.1', trusted_proxies: ['127.0.0.1'] }],
    rate_limits: {
      enabled: true,
      buckets: { login: { enabled: false }, 'wrong-password': { per_second: 0.001, burst: 2 } },
    },
  }
  const server = await startTestServer({ clock: new FakeClock(), settings })
  t.teardown(server.close)
  const [home, network, elsewhere] = ['2001:db8::1', '2001:db8::2', '192.0.2.1']
  const ask = async (ip: string, path: string, json: object, token = '') => {
    const headers = { 'x-forwarded-for': ip }
    const { status, body } = await server.request('POST', `/_matrix/client/v3/${path}`, {
      json,
      headers,
      token,
    })
    return { status, body: body as Record<string, unknown> }
  }
  const logIn = (ip: string, password: string) =>
    ask(ip, 'login', { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password })
  const device = { username: 'alice', password: TEST_PASSWORD, auth: { type: 'm.login.dummy' } }
  const { body: session } = await ask(home, 'register', device)
  const statuses = async (ip: string, ...passwords: string[]) => {
    const found: number[] = []
    for (const password of passwords) found.push((await logIn(ip, password)).status)
    return found
  }
  t.deepEqual(await statuses(elsewhere, 'a', 'b', TEST_PASSWORD), [403, 403, 429])
  t.deepEqual(await statuses('192.0.2.2', TEST_PASSWORD), [429], 'from all other places together')
  t.deepEqual(await statuses(network, 'c', TEST_PASSWORD, 'd', TEST_PASSWORD), [403, 200, 403, 429])

  const token = String(session['access_token'])
  const removal = { devices: [session['device_id']] }
  const { body: challenge } = await ask(elsewhere, 'delete_devices', removal, token)
  const auth = { type: 'm.login.password', session: challenge['session'], password: 'wrong' }
  t.is((await ask(elsewhere, 'delete_devices', { ...removal, auth }, token)).status, 401)
  const right = { ...auth, password: TEST_PASSWORD }
  t.is((await ask(elsewhere, 'delete_devices', { ...removal, auth: right }, token)).status, 200)
})
