import test from 'ava'
import {
  accountServer,
  alice,
  bodyOf,
  openAccounts as open,
  PASSWORD,
  SERVER_NAME,
} from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { codeOf } from '../../test-kit/http.ts'

const DUMMY = { type: 'm.login.dummy' }

test('registering takes a session: asked, answered, and the same again when the answer was lost', async t => {
  const { post, send } = await open(t)
  const probe = await post('/register', {})
  t.is(codeOf(probe), '401 -', 'a first challenge is no error')
  t.is(codeOf(await post('/register', { auth: {} })), '401 -', 'nor is one that submits nothing')
  t.like(bodyOf(probe), { flows: [{ stages: ['m.login.dummy'] }], params: {} })
  const { session } = bodyOf(probe)
  const request = { username: 'Alice', password: PASSWORD, device_id: 'D', auth: { ...DUMMY, session } }
  const made = await post('/register', request)
  t.is(made.status, 200)
  t.like(bodyOf(made), { user_id: alice, device_id: 'D', home_server: SERVER_NAME })
  const again = await post('/register', request)
  t.is(again.status, 200)
  t.is(bodyOf(again).user_id, alice)
  t.is(codeOf(await post('/register', { ...request, password: 'another password' })), '403 M_FORBIDDEN')
  const whoami = await send('GET', '/account/whoami', bodyOf(again).access_token)
  t.deepEqual(whoami.body, { user_id: alice, device_id: 'D', is_guest: false })
})

test('what the first request of a session asks for need not be said again, as Element for Android and iOS does not', async t => {
  const { post, send } = await open(t)
  const wish = { username: 'alice', password: PASSWORD, device_id: 'D', initial_device_display_name: 'Phone' }
  const { session } = bodyOf(await post('/register', wish))
  t.is(codeOf(await post('/register', { auth: DUMMY })), '400 M_MISSING_PARAM', 'of another session')
  const made = await post('/register', { auth: { ...DUMMY, session } })
  t.like(made.body, { user_id: alice, device_id: 'D' })
  const { body } = await send('GET', '/devices/D', bodyOf(made).access_token)
  t.like(body, { display_name: 'Phone' })
  const identifier = { type: 'm.id.user', user: 'alice' }
  t.is((await post('/login', { type: 'm.login.password', identifier, password: PASSWORD })).status, 200)
})

test('what a registration keeps of a password is no member that a client sends', async t => {
  const { post } = await open(t)
  // Whoever chose the cost of a hash would have every log-in take minutes, and gigabytes.
  const passwordHash =
    '$argon2id$v=19$m=4194304,t=1000,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
  const { session } = bodyOf(await post('/register', { username: 'mallory' }))
  for (const auth of [{ type: 'm.login.dummy' }, { type: 'm.login.dummy', session }]) {
    const made = await post('/register', { username: 'mallory', passwordHash, auth })
    t.is(codeOf(made), '400 M_MISSING_PARAM')
  }
})

test('of a wish no more is kept than can come of it', async t => {
  const database = await testDatabase(t)
  const { server } = await accountServer(t, database, { registration: { mode: 'open' } })
  const json = { username: 'alice', password: PASSWORD, initial_device_display_name: 'x'.repeat(50_000) }
  t.is((await server.request('POST', '/_matrix/client/v3/register', { json })).status, 401)
  const sessions = database.prepare('SELECT LENGTH(wish) AS size FROM uia_sessions')
  const row = await database.get<{ size: number }>(sessions)
  t.true(row !== undefined && row.size > 0 && row.size < 1_000)
})

test('of requests of one session at the same time each is answered as if it had come alone', async t => {
  const { post } = await open(t)
  const { session } = bodyOf(await post('/register', {}))
  const request = { username: 'alice', password: PASSWORD, auth: { ...DUMMY, session } }
  const answers = await Promise.all([1, 2, 3].map(() => post('/register', request)))
  t.deepEqual(
    answers.map(answer => bodyOf(answer).user_id),
    [alice, alice, alice],
  )
})

test('a user name is judged before any authentication', async t => {
  const { post, send, register } = await open(t)
  await register('alice')
  for (const [username, code] of [
    ['alice', '400 M_USER_IN_USE'],
    ['ALICE', '400 M_USER_IN_USE'],
    ['älice', '400 M_INVALID_USERNAME'],
    ['', '400 M_INVALID_USERNAME'],
    ['a:b', '400 M_INVALID_USERNAME'],
    ['a'.repeat(250), '400 M_INVALID_USERNAME'],
  ] as const) {
    t.is(codeOf(await post('/register', { username, password: PASSWORD })), code, username)
    const available = await send('GET', `/register/available?username=${encodeURIComponent(username)}`)
    t.is(codeOf(available), code, username)
  }
  t.deepEqual((await send('GET', '/register/available?username=bob')).body, { available: true })
  t.is(codeOf(await send('GET', '/register/available')), '400 M_MISSING_PARAM')
})

test('a body that is not right registers nobody', async t => {
  const { post, accounts } = await open(t)
  const attempt = async (json: object) => codeOf(await post('/register', { auth: DUMMY, ...json }))
  t.is(await attempt({ username: 'bob' }), '400 M_MISSING_PARAM')
  t.is(await attempt({ username: 'bob', password: 'short' }), '400 M_WEAK_PASSWORD')
  t.is(await attempt({ username: 'bob', password: 7 }), '400 M_BAD_JSON')
  t.is(await attempt({ username: 'bob', password: PASSWORD, device_id: '' }), '400 M_INVALID_PARAM')
  t.is(
    await attempt({ username: 'bob', password: PASSWORD, auth: { type: 'm.login.sso' } }),
    '401 M_FORBIDDEN',
  )
  t.is(
    await attempt({ username: 'bob', password: PASSWORD, auth: { ...DUMMY, session: 'none' } }),
    '401 M_FORBIDDEN',
  )
  t.false(await accounts.exists(`@bob:${SERVER_NAME}`))
})

test('without a wish the server chooses, and inhibit_login starts no session', async t => {
  const { accounts, post, register } = await open(t)
  const chosen = bodyOf(await post('/register', { password: PASSWORD, auth: DUMMY }))
  t.regex(chosen.user_id, /^@[a-z0-9]{12}:tessera\.test$/)
  t.regex(chosen.device_id, /^[A-Z]{10}$/)
  const quiet = await register('quiet', { inhibit_login: true })
  t.deepEqual(Object.keys(quiet).sort(), ['home_server', 'user_id'])
  t.deepEqual(await accounts.devices.list(quiet.user_id), [])
})

test('closed registration says so, at once and clearly', async t => {
  const { post, send, server } = await open(t, {})
  const refused = await post('/register', {})
  t.is(codeOf(refused), '403 M_FORBIDDEN')
  t.regex(String(bodyOf(refused)['error']), /closed.*administrator/)
  t.is(codeOf(await post('/register?kind=guest', {})), '403 M_FORBIDDEN')
  t.is(codeOf(await send('GET', '/register/available?username=bob')), '403 M_FORBIDDEN', 'no list of users')
  const validity = '/_matrix/client/v1/register/m.login.registration_token/validity?token=x'
  t.is(codeOf(await server.request('GET', validity)), '403 M_FORBIDDEN')
  t.is(codeOf(await post('/register?kind=other', {})), '400 M_INVALID_PARAM')
  t.deepEqual((await send('GET', '/login')).body, {
    flows: [
      { type: 'm.login.password' },
      { type: 'm.login.token', get_login_token: true },
      {
        type: 'm.login.sso',
        oauth_aware_preferred: true,
        'org.matrix.msc3824.delegated_oidc_compatibility': true,
      },
    ],
  })
})

test('a registration token and terms are stages that come in order', async t => {
  const terms = {
    privacy: { version: '1', translations: { en: { name: 'Privacy', url: 'https://x.test/p' } } },
  }
  const { accounts, post, server } = await open(t, { registration: { mode: 'token', terms } })
  const { token } = await accounts.registrationTokens.create({ token: 'come-in', usesAllowed: 1 })
  const valid = async (value: string) =>
    bodyOf(
      await server.request(
        'GET',
        `/_matrix/client/v1/register/m.login.registration_token/validity?token=${value}`,
      ),
    )['valid']
  t.true(await valid(token))
  t.false(await valid('come-out'))

  const request = { username: 'alice', password: PASSWORD }
  const first = await post('/register', request)
  const stages = ['m.login.registration_token', 'm.login.terms']
  t.like(bodyOf(first), {
    flows: [{ stages }],
    params: { 'm.login.terms': { policies: { privacy: { version: '1', en: { name: 'Privacy' } } } } },
  })
  const { session } = bodyOf(first)
  const submit = (auth: object) => post('/register', { ...request, auth: { session, ...auth } })
  t.is(codeOf(await submit({ type: 'm.login.terms' })), '401 M_FORBIDDEN', 'out of order')
  t.is(codeOf(await submit({ type: stages[0] })), '401 M_MISSING_PARAM')
  const wrong = await submit({ type: stages[0], token: 'come-out' })
  t.is(codeOf(wrong), '401 M_FORBIDDEN')
  t.like(bodyOf(wrong), { session, completed: [] }, 'the client may try again')
  const half = await submit({ type: stages[0], token })
  t.is(codeOf(half), '401 -')
  t.deepEqual(bodyOf(half)['completed'], [stages[0]])
  t.false(await valid(token), 'its only use is reserved')
  t.is(
    codeOf(await submit({ type: stages[0], token: 'other' })),
    '401 -',
    'a completed stage is not tried again',
  )
  t.is((await submit({ type: 'm.login.terms' })).status, 200)
  t.like((await accounts.registrationTokens.list())[0], { pending: 0, completed: 1 })
})

test('a use of a registration token comes back when its session expires', async t => {
  const { accounts, clock, post } = await open(t, {
    registration: { mode: 'token', terms: { p: { version: '1', translations: {} } } },
  })
  const { token } = await accounts.registrationTokens.create({ usesAllowed: 1 })
  const auth = { type: 'm.login.registration_token', token }
  const attempt = (username: string) => post('/register', { username, password: PASSWORD, auth })
  t.is(codeOf(await attempt('one')), '401 -')
  t.is(codeOf(await attempt('two')), '401 M_FORBIDDEN')
  await clock.advance(86_400_000)
  t.is(codeOf(await attempt('three')), '401 -')
})
