import test from 'ava'
import type { Database } from '../../storage/database.ts'
import { alice, CHEAP_PASSWORDS, PASSWORD, SERVER_NAME, testAccounts } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { Accounts } from './index.ts'
import { DEFAULT_PASSWORD_OPTIONS, Passwords } from './passwords.ts'

const DAY = 86_400_000

const logIn = (accounts: Accounts, more: object = {}) =>
  accounts.login.login({ type: 'm.login.password', user: 'alice', password: PASSWORD, ...more })

const withAlice = async (database: Database, options = {}) => {
  const parts = testAccounts(database, options)
  await parts.accounts.createUser({ username: 'alice', password: PASSWORD })
  return parts
}

testDatabases(test, 'flags of an account count from the next request on', async (t, database) => {
  const { accounts } = await withAlice(database)
  const { access_token } = await logIn(accounts)
  t.like(await accounts.authenticate(access_token), { isLocked: false, isAdmin: false })
  t.true(await accounts.setFlag(alice, 'is_locked', true))
  t.true(await accounts.setFlag(alice, 'is_admin', true))
  t.false(await accounts.setFlag('@nobody:tessera.test', 'is_locked', true))
  t.like(await accounts.authenticate(access_token), { isLocked: true, isAdmin: true })
  const locked = await t.throwsAsync(logIn(accounts))
  t.like(locked, { errcode: 'M_USER_LOCKED', status: 401, fields: { soft_logout: true } })
})

testDatabases(
  test,
  'a new password ends the other sessions, and logins that were under way',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const mine = await logIn(accounts, { device_id: 'MINE' })
    const other = await logIn(accounts, { device_id: 'OTHER' })
    for (const { access_token } of [mine, other]) await accounts.authenticate(access_token)
    const [, late] = await Promise.all([
      accounts.management.setPassword(alice, 'a new one entirely', {
        logoutDevices: true,
        keepDevice: 'MINE',
      }),
      logIn(accounts, { device_id: 'LATE' }).catch(() => undefined),
    ])
    t.like(await accounts.authenticate(mine.access_token), { deviceId: 'MINE' })
    await t.throwsAsync(accounts.authenticate(other.access_token), { message: /not known/ })
    if (late !== undefined)
      await t.throwsAsync(accounts.authenticate(late.access_token), { message: /not known/ })
    t.deepEqual(
      (await accounts.devices.list(alice)).map(device => device.device_id),
      ['MINE'],
    )
    await t.throwsAsync(logIn(accounts), { message: /not right/ })
    t.is((await logIn(accounts, { password: 'a new one entirely' })).user_id, alice)
  },
)

testDatabases(
  test,
  'a deactivated account is gone for good, and its rooms are left in the end',
  async (t, database) => {
    const { accounts, errors } = await withAlice(database)
    const { access_token } = await logIn(accounts)
    await accounts.authenticate(access_token)
    await accounts.accountData.set(alice, undefined, 'a.b', {})
    const failure = new Error('a room does not answer')
    accounts.hooks.onDeactivate = () => Promise.reject(failure)
    await accounts.management.deactivate(alice, { erase: true })
    t.deepEqual(errors, [failure], 'the account is gone all the same')

    const { accounts: restarted } = testAccounts(database)
    const left: unknown[] = []
    restarted.hooks.onDeactivate = async (userId, options) => void left.push([userId, options])
    await restarted.management.resume()
    await restarted.management.resume()
    t.deepEqual(left, [[alice, { erase: true }]])
    await t.throwsAsync(accounts.authenticate(access_token), { message: /not known/ })
    await t.throwsAsync(logIn(accounts), { message: /not right/ })
    await t.throwsAsync(accounts.createUser({ username: 'alice', password: PASSWORD }), { message: /taken/ })
    await t.throwsAsync(accounts.accountData.get(alice, undefined, 'a.b'), { message: /no account data/ })
    t.deepEqual(await accounts.profiles.get(alice), {})
    await t.throwsAsync(accounts.management.deactivate(alice, { erase: false }), {
      message: /no such account/,
    })
  },
)

testDatabases(
  test,
  'a password may be any text, in any normal form, and its cost may change',
  async (t, database) => {
    const { accounts } = testAccounts(database)
    await accounts.createUser({ username: 'zoë'.replace('ë', 'e'), password: 'pa\u0308sswörd 🔑\u0000' })
    const login = (more: object, from = accounts) =>
      from.login.login({
        type: 'm.login.password',
        user: 'zoe',
        password: 'p\u00e4sswo\u0308rd 🔑\u0000',
        ...more,
      })
    t.is((await login({})).user_id, `@zoe:${SERVER_NAME}`)
    await t.throwsAsync(login({ password: 'p\u00e4sswo\u0308rd 🔑' }), { message: /not right/ })
    await t.throwsAsync(login({ password: '\ud800' }), { message: /not right/ })
    const hashOf = async () =>
      (await database.get<{ password_hash: string }>(database.prepare('SELECT password_hash FROM users')))
        ?.password_hash
    t.regex((await hashOf()) ?? '', /^\$argon2id\$v=19\$m=8,t=1,p=1\$/)
    const { accounts: dearer } = testAccounts(database, { passwords: { iterations: 2 } })
    await login({}, dearer)
    t.regex((await hashOf()) ?? '', /^\$argon2id\$v=19\$m=8,t=2,p=1\$/)
    t.is((await login({}, accounts)).user_id, `@zoe:${SERVER_NAME}`)
    for (const password of ['short', '\ud800 lone surrogate']) {
      await t.throwsAsync(accounts.createUser({ username: 'other', password }), { message: /password/ })
    }
  },
)

testDatabases(
  test,
  'the set-up link works once, for a day, and only until there is an administrator',
  async (t, database) => {
    const { accounts, clock } = testAccounts(database)
    const make = (token: string | undefined, username: string) =>
      accounts.setup.createAdministrator(token ?? '', { username, password: PASSWORD })
    const expired = await accounts.setup.issue()
    await clock.advance(DAY)
    await t.throwsAsync(make(expired, 'admin'), { message: /expired/ })
    const replaced = await accounts.setup.issue()
    const link = await accounts.setup.issue()
    t.false(await accounts.setup.isOpen(replaced ?? ''))
    await t.throwsAsync(make(replaced, 'admin'), { message: /expired/ })
    await t.throwsAsync(make(link, 'Not allowed!'), { message: /User names/ })
    t.true(await accounts.setup.isOpen(link ?? ''), 'a refused name does not use it up')
    const outcomes = await Promise.allSettled([make(link, 'first'), make(link, 'second')])
    t.deepEqual(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected'])
    t.true(await accounts.hasAdmin())
    t.is(await accounts.count(), 1)
    t.is(await accounts.setup.issue(), undefined)
  },
)

testDatabases(test, 'the link is dead once an administrator was made otherwise', async (t, database) => {
  const { accounts } = testAccounts(database)
  const link = (await accounts.setup.issue()) ?? ''
  await accounts.createUser({ username: 'root', password: PASSWORD, isAdmin: true })
  t.false(await accounts.setup.isOpen(link))
  await t.throwsAsync(accounts.setup.createAdministrator(link, { username: 'admin', password: PASSWORD }))
})

testDatabases(
  test,
  'profile fields that are set at the same time do not undo one another',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const owner = { userId: alice, isGuest: false }
    const changes: unknown[] = []
    accounts.hooks.onProfileChange = async (userId, profile) => void changes.push([userId, profile])
    await Promise.all(
      ['org.a.x', 'org.a.y', 'org.a.z'].map(key =>
        accounts.profiles.setField(owner, key, { [key]: [key, null] }),
      ),
    )
    await accounts.profiles.setField(owner, 'displayname', { displayname: 'Alice' })
    await accounts.profiles.setField(owner, 'displayname', { displayname: 'Alice' })
    t.deepEqual(await accounts.profiles.get(alice), {
      displayname: 'Alice',
      'org.a.x': ['org.a.x', null],
      'org.a.y': ['org.a.y', null],
      'org.a.z': ['org.a.z', null],
    })
    t.deepEqual(changes, [[alice, { displayname: 'Alice' }]], 'no news, no propagation')
  },
)

testDatabases(test, 'account data moves its stream only when it changes', async (t, database) => {
  const { accounts } = await withAlice(database)
  await accounts.accountData.set(alice, undefined, 'm.direct', { a: 1 })
  const position = database.position('account_data')
  await accounts.accountData.set(alice, undefined, 'm.direct', { a: 1 })
  t.is(database.position('account_data'), position)
  await accounts.accountData.set(alice, '!room:x', 'm.direct', { b: 1 })
  t.is(database.position('account_data'), position + 1)
  t.deepEqual(await accounts.accountData.get(alice, undefined, 'm.direct'), { a: 1 })
  t.deepEqual(await accounts.accountData.get(alice, '!room:x', 'm.direct'), { b: 1 })
})

test('whoever does not exist costs a hash like whoever does, and only so many hashes wait', async t => {
  const options = { ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS, concurrency: 1, maxWaiting: 1 }
  const passwords = new Passwords(options)
  t.false(await passwords.verify(PASSWORD, undefined))
  t.false(await passwords.verify('decoy', undefined), 'nobody has the decoy’s password')
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => passwords.verify(PASSWORD, undefined)))
  t.deepEqual(
    outcomes.map(outcome => outcome.status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
  const [, , refused] = outcomes
  t.like(refused?.status === 'rejected' ? refused.reason : {}, { errcode: 'M_LIMIT_EXCEEDED', status: 429 })
  t.true(await passwords.verify(PASSWORD, await passwords.hash(PASSWORD)), 'the place is free again')
})
