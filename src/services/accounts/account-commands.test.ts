/** What the command line does to accounts, and what the server makes of it afterwards. */
import test from 'ava'
import { DeviceReader } from '../../storage/accounts/devices.ts'
import { UserLister } from '../../storage/accounts/user-list.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import { alice, logIn, PASSWORD, testAccounts, withAlice } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'

testDatabases(
  test,
  'who is logged out by a command is, also when the clock was set back',
  async (t, database) => {
    const clock = new FakeClock()
    const { accounts } = testAccounts(database, {}, clock)
    await accounts.createUser({ username: 'alice', password: PASSWORD })
    await clock.advance(3_600_000)
    const { access_token: token } = await logIn(accounts)
    t.is((await accounts.authenticate(token)).userId, alice)
    await testAccounts(database).accounts.commands.endSessions(alice)
    await clock.leap(-3_000_000)
    await t.throwsAsync(accounts.authenticate(token), { message: /not known/ })
  },
)

testDatabases(test, 'an administrator whom a command logs out acts as nobody else', async (t, database) => {
  const { accounts, clock } = await withAlice(database)
  const bob = await accounts.createUser({ username: 'bob', password: PASSWORD, isAdmin: true })
  const { access_token } = await accounts.login.login({
    type: 'm.login.password',
    user: 'bob',
    password: PASSWORD,
  })
  const requester = await accounts.authenticate(access_token)
  const acting = await accounts.administered.actAs(requester, alice, undefined)
  t.is((await accounts.authenticate(acting)).userId, alice)
  await testAccounts(database).accounts.commands.endSessions(bob)
  await clock.advance(30_001)
  await t.throwsAsync(accounts.authenticate(acting), { message: /not known/ })
})

testDatabases(
  test,
  'an administrator whose account a command deactivates acts as nobody else, nor when it is given back',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database)
    const bob = await accounts.createUser({ username: 'bob', password: PASSWORD, isAdmin: true })
    const { access_token } = await accounts.login.login({
      type: 'm.login.password',
      user: 'bob',
      password: PASSWORD,
    })
    const requester = await accounts.authenticate(access_token)
    const acting = await accounts.administered.actAs(requester, alice, undefined)
    await testAccounts(database).accounts.commands.deactivate(bob, { erase: false })
    await clock.advance(30_001)
    await t.throwsAsync(accounts.authenticate(acting), { message: /not known/ })
    accounts.hooks.onDeactivate = async () => {}
    await accounts.tidy()
    await accounts.administered.put({ ...requester, userId: '@root:tessera.test' }, bob, {
      deactivated: false,
    })
    t.true((await accounts.find(bob))?.isAdmin)
    await t.throwsAsync(accounts.authenticate(acting), { message: /not known/ })
  },
)

testDatabases(
  test,
  'a command logs out everywhere; the server removes those devices, and none that came later',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database)
    const { commands } = (await testAccounts(database)).accounts
    const old = await logIn(accounts, { device_id: 'OLD' })
    await accounts.authenticate(old.access_token)
    await commands.setPassword(alice, 'another long secret', { endSessions: true })
    const told: unknown[] = []
    accounts.hooks.onDevicesChange = (userId, change) => {
      told.push([userId, change])
      return []
    }
    await clock.advance(30_001)
    await t.throwsAsync(accounts.authenticate(old.access_token), { message: /not known/ })
    await t.throwsAsync(logIn(accounts), { message: /.+/ }, 'the old password')
    const later = await logIn(accounts, { device_id: 'NEW', password: 'another long secret' })
    await accounts.tidy()
    t.deepEqual(told, [
      [alice, { added: ['NEW'] }],
      [alice, { removed: ['OLD'] }],
    ])
    t.deepEqual(await new DeviceReader(database).ids(alice), ['NEW'])
    await accounts.tidy()
    t.is(told.length, 2)
    await accounts.authenticate(later.access_token)
    await commands.setPassword(alice, 'a third long secret', { endSessions: false })
    await accounts.tidy()
    t.deepEqual(await new DeviceReader(database).ids(alice), ['NEW'])
    await t.throwsAsync(commands.setPassword(alice, 'short', { endSessions: true }), { message: /.+/ })
    await t.throwsAsync(commands.endSessions('@nobody:example.org'), { message: /no such account/ })
  },
)

testDatabases(
  test,
  'a command deactivates; the server removes devices and leaves rooms',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const { commands } = (await testAccounts(database)).accounts
    await logIn(accounts, { device_id: 'A' })
    const left: unknown[] = []
    accounts.hooks.onDevicesChange = (userId, change) => {
      left.push([userId, change])
      return []
    }
    accounts.hooks.onDeactivate = async (...who) => void left.push(who)
    await commands.deactivate(alice, { erase: true })
    await t.throwsAsync(commands.deactivate(alice, { erase: true }), { message: /no such account/ })
    await accounts.tidy()
    t.deepEqual(left, [
      [alice, { removed: ['A'] }],
      [alice, { erase: true }],
    ])
    t.deepEqual(await new DeviceReader(database).ids(alice), [])
    t.deepEqual(await new UserReader(database).pendingCleanups('', 10), [])
  },
)

testDatabases(test, 'accounts are listed by their names, or by a part of them', async (t, database) => {
  const { accounts, clock } = await withAlice(database)
  const { commands } = accounts
  await accounts.createUser({ username: 'b_b', password: 'correct horse battery', isAdmin: false })
  await accounts.createUser({ username: 'bob', password: 'correct horse battery', isAdmin: true })
  await commands.setFlag(alice, 'is_locked', true)
  const lister = new UserLister(database)
  const names = async (match: string | undefined, from = '', limit = 9) =>
    (await lister.after({ from, match, limit })).map(user => user.userId.replace(/:.*/, ''))
  t.deepEqual(await names(undefined), ['@alice', '@b_b', '@bob'])
  t.deepEqual(await names(undefined, alice, 1), ['@b_b'])
  t.deepEqual(await names('B_'), ['@b_b'], 'no wildcard')
  t.deepEqual(await names('%'), [])
  t.like(await lister.one(alice), { isLocked: true, isAdmin: false, devices: 0, createdTs: clock.now() })
  t.is(await lister.one('@nobody:example.org'), undefined)
})
