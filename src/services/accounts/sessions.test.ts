import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { alice, logIn, PASSWORD, SERVER_NAME, testAccounts, withAlice } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { holdable } from '../../test-kit/holdable-database.ts'

const MINUTE = 60_000
const DAY = 86_400_000

testDatabases(test, 'an access token leads to its owner until it is logged out', async (t, database) => {
  const { accounts } = await withAlice(database)
  const { access_token, device_id, user_id } = await logIn(accounts, { initial_device_display_name: 'Phone' })
  t.is(user_id, alice)
  t.regex(access_token, /^tsr_[\w-]{43}$/)
  const requester = await accounts.authenticate(access_token)
  t.like(requester, { userId: alice, deviceId: device_id, isGuest: false, isAdmin: false })
  t.is(await accounts.authenticate(access_token), requester, 'the second time it comes from memory')
  await accounts.management.logout(requester)
  const error = await t.throwsAsync(accounts.authenticate(access_token))
  t.like(error, { errcode: 'M_UNKNOWN_TOKEN', status: 401, fields: { soft_logout: false } })
  t.deepEqual(await accounts.devices.list(alice), [])
})

testDatabases(test, 'a service logs in nobody but its own, by whatever name', async (t, database) => {
  const { accounts } = await withAlice(database)
  const checked: string[] = []
  const login = (user: string) =>
    accounts.ofServices.login({ type: '', identifier: { type: 'm.id.user', user } }, userId => {
      checked.push(userId)
      if (!userId.startsWith('@A')) throw new MatrixError('M_EXCLUSIVE', 'outside of the namespace')
    })
  const refused = await t.throwsAsync(login('Alice'), undefined, 'it would be @alice, who is a person')
  t.like(refused, { errcode: 'M_EXCLUSIVE' })
  t.like(await t.throwsAsync(login('Anna')), { errcode: 'M_FORBIDDEN' })
  t.deepEqual(checked, [alice, `@Anna:${SERVER_NAME}`])
})

testDatabases(test, 'no secret is stored as it is', async (t, database) => {
  const { accounts } = await withAlice(database)
  const { access_token, refresh_token } = await logIn(accounts, { refresh_token: true })
  const { login_token } = await accounts.loginTokens.generate(alice)
  const link = await accounts.setup.issue()
  const secrets = [PASSWORD, access_token, refresh_token, login_token, link].map(String)
  for (const table of ['users', 'access_tokens', 'one_time_tokens']) {
    const rows = await database.all(database.prepare(`SELECT * FROM ${table}`))
    t.true(rows.length > 0)
    const text = JSON.stringify(rows)
    for (const secret of secrets) t.false(text.includes(secret), table)
  }
})

testDatabases(test, 'a refresh token can be used again until what it gave is used', async (t, database) => {
  const { accounts, clock } = await withAlice(database)
  const login = await logIn(accounts, { refresh_token: true, device_id: 'D' })
  t.is(login.expires_in_ms, 3_600_000)
  const refresh = (token: string | undefined) => accounts.login.refresh(token ?? '')
  // The first answer gets lost, the client asks again.
  const lost = await refresh(login.refresh_token)
  await clock.advance(2 * MINUTE)
  const repeated = await refresh(login.refresh_token)
  t.like(await accounts.authenticate(login.access_token), { deviceId: 'D' }, 'the old token still works')
  await t.throwsAsync(accounts.authenticate(lost.access_token), { message: /not known/ })
  t.like(await accounts.authenticate(repeated.access_token), { userId: alice, deviceId: 'D' })
  const used = await t.throwsAsync(refresh(login.refresh_token))
  t.like(used, { errcode: 'M_UNKNOWN_TOKEN', status: 401 })
  await t.throwsAsync(accounts.authenticate(login.access_token), { message: /not known/ })
  // To use a refresh token is to use the pair.
  const third = await refresh(repeated.refresh_token)
  const fourth = await refresh(third.refresh_token)
  await t.throwsAsync(refresh(repeated.refresh_token), { message: /not known/ })
  t.like(await accounts.authenticate(fourth.access_token), { deviceId: 'D' })
})

testDatabases(
  test,
  'an expired access token asks for a refresh, an expired refresh token for a login',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database)
    const login = await logIn(accounts, { refresh_token: true })
    await accounts.authenticate(login.access_token)
    await clock.advance(3_600_000)
    const expired = await t.throwsAsync(accounts.authenticate(login.access_token))
    t.like(expired, { errcode: 'M_UNKNOWN_TOKEN', fields: { soft_logout: true } })
    const refreshed = await accounts.login.refresh(login.refresh_token ?? '')
    t.like(await accounts.authenticate(refreshed.access_token), { userId: alice })
    await clock.advance(90 * DAY)
    const dead = await t.throwsAsync(accounts.login.refresh(refreshed.refresh_token ?? ''))
    t.like(dead, { errcode: 'M_UNKNOWN_TOKEN', fields: { soft_logout: true } })
    await clock.advance(31 * DAY)
    await accounts.tidy()
    const [row] = await database.all<{ n: number }>(
      database.prepare('SELECT count(*) AS n FROM access_tokens'),
    )
    t.is(row?.n, 0)
    t.is((await accounts.devices.list(alice)).length, 1, 'the device stays')
  },
)

testDatabases(
  test,
  'a token that was revoked while it was read is not kept in memory',
  async (t, database) => {
    const { held, hold } = holdable(database)
    const { accounts } = await withAlice(held)
    const { access_token, device_id } = await logIn(accounts)
    const { read, release } = hold()
    const authenticating = accounts.authenticate(access_token)
    await read
    await accounts.devices.remove(alice, [device_id])
    release()
    t.is((await authenticating).userId, alice, 'it was good when it was read')
    await t.throwsAsync(accounts.authenticate(access_token), { message: /not known/ })
  },
)

testDatabases(
  test,
  'a login that was verified before the password changed comes too late',
  async (t, database) => {
    const { held, hold } = holdable(database)
    const { accounts } = await withAlice(held)
    const { login_token } = await accounts.loginTokens.generate(alice)
    const { read, release } = hold()
    const loggingIn = logIn(accounts, { device_id: 'LATE' })
    await read
    await accounts.management.setPassword(alice, 'a new one entirely', { logoutDevices: true })
    release()
    t.like(await t.throwsAsync(loggingIn), { errcode: 'M_FORBIDDEN', status: 403 })
    t.like(await t.throwsAsync(accounts.login.login({ type: 'm.login.token', token: login_token })), {
      errcode: 'M_FORBIDDEN',
    })
    t.deepEqual(await accounts.devices.list(alice), [])
  },
)

testDatabases(test, 'what another process revokes is seen within half a minute', async (t, database) => {
  const { accounts, clock } = await withAlice(database)
  const { accounts: other } = testAccounts(database, {}, clock)
  const { access_token, device_id } = await logIn(accounts)
  await accounts.authenticate(access_token)
  await other.devices.remove(alice, [device_id])
  await clock.advance(30_000)
  await t.throwsAsync(accounts.authenticate(access_token), { message: /not known/ })
})

testDatabases(
  test,
  'last seen is told at once, and written in batches, at the latest when closing',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database)
    const { accounts: other } = testAccounts(database, {}, clock)
    const { access_token, device_id } = await logIn(accounts)
    accounts.start()
    const from = clock.now()
    await accounts.authenticate(access_token, { ip: '192.0.2.1', userAgent: 'Test' })
    t.like(await accounts.devices.get(alice, device_id), { last_seen_ip: '192.0.2.1', last_seen_ts: from })
    t.is((await other.devices.get(alice, device_id)).last_seen_ts, undefined)
    await clock.advance(2 * MINUTE)
    await accounts.authenticate(access_token, { ip: '192.0.2.2' })
    await accounts.close()
    t.like(await other.devices.get(alice, device_id), {
      last_seen_ip: '192.0.2.2',
      last_seen_ts: from + 2 * MINUTE,
    })
  },
)

testDatabases(test, 'a login token works once, for two minutes', async (t, database) => {
  const { accounts, clock } = await withAlice(database)
  const byToken = (token: string) => accounts.login.login({ type: 'm.login.token', token })
  const { login_token, expires_in_ms } = await accounts.loginTokens.generate(alice)
  t.is(expires_in_ms, 120_000)
  const outcomes = await Promise.allSettled([byToken(login_token), byToken(login_token)])
  t.deepEqual(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected'])
  const { login_token: late } = await accounts.loginTokens.generate(alice)
  await clock.advance(120_000)
  t.like(await t.throwsAsync(byToken(late)), { errcode: 'M_FORBIDDEN', status: 403 })
})

testDatabases(
  test,
  'who logs out everywhere is signed in nowhere, and nothing becomes a session any more',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const { loginTokens, browsers, devices, management } = accounts
    const [token, later] = [await loginTokens.generate(alice), await loginTokens.generate(alice)]
    const secret = await browsers.signIn('alice', PASSWORD)
    const byToken = (login_token: string) =>
      accounts.login.login({ type: 'm.login.token', token: login_token })
    await byToken(token.login_token)
    t.is((await browsers.user(secret))?.userId, alice)
    await devices.removeAll(alice)
    t.is(await browsers.user(secret), undefined)
    await t.throwsAsync(byToken(later.login_token), { message: /ended just now/ })

    const last = await loginTokens.generate(alice)
    await management.setPassword(alice, 'a new one entirely', { logoutDevices: true })
    await t.throwsAsync(byToken(last.login_token), { message: /ended just now/ })
    t.deepEqual(await devices.list(alice), [])
  },
)

testDatabases(
  test,
  'passwords that are tried at once are as few as one after another',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    let left = 2
    const check = () => {
      if (left <= 0) throw new Error('too many')
    }
    accounts.hooks.guesses = { check, wrong: () => void left-- }
    const attempt = (password: string): Promise<string> =>
      logIn(accounts, { password }).then(
        () => 'let in',
        error => error.message.slice(-9),
      )
    // In whatever order it is found out whose they are.
    const outcomes = await Promise.all(['wrong', 'wrong', 'wrong', 'wrong'].map(attempt))
    t.deepEqual(outcomes.toSorted(), ['ot right.', 'ot right.', 'too many', 'too many'])
    t.is(await attempt(PASSWORD), 'too many')
  },
)
