import test from 'ava'
import type { Errcode, MatrixError } from '../../core/errors.ts'
import type { UserPage } from '../../storage/accounts/user-pages.ts'
import { alice, logIn, PASSWORD, SERVER_NAME, withAlice } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { Requester } from '../requester.ts'
import type { Accounts } from './index.ts'

const root: Requester = {
  userId: `@root:${SERVER_NAME}`,
  deviceId: 'D',
  tokenId: 't',
  isGuest: false,
  isAdmin: true,
}
const bob = `@bob:${SERVER_NAME}`

const pageOf = async (accounts: Accounts, wanted: Partial<UserPage>): Promise<string[]> => {
  const all = { order: 'name', isDescending: false, from: 0, limit: 100 } as const
  const { users } = await accounts.administered.page({ ...all, ...wanted })
  return users.map(({ userId }) => userId.slice(1, userId.indexOf(':')))
}

testDatabases(
  test,
  'accounts are found by what they are, in the wanted order, page by page',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database, { registration: { guests: true } as never })
    const { administered } = accounts
    await clock.advance(1000)
    await administered.put(root, bob, { displayname: 'Zoë %', admin: true, user_type: 'bot' })
    await clock.advance(1000)
    await administered.put(root, `@carol:${SERVER_NAME}`, { locked: true, password: PASSWORD })
    await administered.put(root, `@dan:${SERVER_NAME}`, { deactivated: true })
    await administered.set(alice, 'is_suspended', true)
    t.deepEqual(await pageOf(accounts, {}), ['alice', 'bob', 'carol', 'dan'])
    t.deepEqual(await pageOf(accounts, { isDescending: true, from: 1, limit: 2 }), ['carol', 'bob'])
    const wanted: [Partial<UserPage>, string[]][] = [
      [{ name: 'zoë %' }, ['bob']],
      [{ name: 'AL' }, ['alice']],
      [{ name: SERVER_NAME }, []],
      [{ userId: `l:${SERVER_NAME}` }, ['carol']],
      [{ isAdmin: true }, ['bob']],
      [{ isAdmin: false, isLocked: false }, ['alice', 'dan']],
      [{ isSuspended: true }, ['alice']],
      [{ isSuspended: false, isDeactivated: false }, ['bob', 'carol']],
      [{ isDeactivated: true }, ['dan']],
      [{ isGuest: true }, []],
      [{ notTypes: ['bot'] }, ['alice', 'carol', 'dan']],
      [{ notTypes: [''] }, ['bob']],
      [{ notTypes: ['', 'bot'] }, []],
      [{ order: 'displayname' }, ['bob', 'alice', 'carol', 'dan']],
      [{ order: 'creation_ts', isDescending: true }, ['carol', 'dan', 'bob', 'alice']],
      [{ order: 'user_type', isDescending: true }, ['bob', 'alice', 'carol', 'dan']],
    ]
    for (const [filter, found] of wanted)
      t.deepEqual(await pageOf(accounts, filter), found, JSON.stringify(filter))
    for (const order of ['is_guest', 'admin', 'locked', 'deactivated', 'avatar_url', 'last_seen_ts'] as const)
      t.is((await pageOf(accounts, { order })).length, 4, order)
  },
)

testDatabases(
  test,
  'an account is changed as a whole: what is wrong changes nothing',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const { administered } = accounts
    const elsewhere = { auth_provider: 'sso', external_id: '1' }
    const own = { auth_provider: 'work', external_id: '1' }
    t.true(
      await administered.put(root, bob, {
        threepids: [{ medium: 'email', address: 'Bob@Example.org' }],
        external_ids: [elsewhere],
      }),
    )
    t.is(await administered.ownerOf({ medium: 'email', address: 'bob@example.org' }), bob)
    t.is(await administered.ownerOfExternalId(elsewhere), bob)
    const session = await logIn(accounts)
    const refused: [object, Errcode][] = [
      [{ displayname: 'New', password: 'short' }, 'M_WEAK_PASSWORD'],
      [{ displayname: 'New', avatar_url: 'https://example.org/a.png' }, 'M_INVALID_PARAM'],
      [{ displayname: 'New', user_type: 'robot' }, 'M_INVALID_PARAM'],
      [{ displayname: 'New', locked: true, deactivated: true }, 'M_INVALID_PARAM'],
      [
        { displayname: 'New', threepids: [{ medium: 'email', address: 'bob@example.org' }] },
        'M_THREEPID_IN_USE',
      ],
      [{ displayname: 'New', threepids: [{ medium: 'pigeon', address: '1' }] }, 'M_INVALID_PARAM'],
      [{ displayname: 'New', external_ids: [{ auth_provider: 'a', external_id: '' }] }, 'M_INVALID_PARAM'],
      [{ displayname: 'New', external_ids: [elsewhere] }, 'M_UNKNOWN'],
      [{ displayname: 'New', external_ids: [own, { ...own, external_id: '2' }] }, 'M_INVALID_PARAM'],
    ]
    for (const [changes, errcode] of refused)
      t.is((await t.throwsAsync<MatrixError>(administered.put(root, alice, changes)))?.errcode, errcode)
    await t.throwsAsync(administered.put(root, root.userId, { admin: false }), { message: /demote/ })
    await t.throwsAsync(administered.put(root, `@Eve:${SERVER_NAME}`, {}), { message: /small letters/ })
    await t.throwsAsync(administered.put(root, '@eve:elsewhere.test', {}), {
      message: /no user of this server/,
    })
    t.like(await administered.one(alice), { displayName: 'alice', isLocked: false, userType: undefined })

    t.false(
      await administered.put(root, alice, {
        displayname: 'Alice',
        threepids: [{ medium: 'msisdn', address: '4712345' }],
        user_type: 'support',
        external_ids: [own],
        password: 'a better password',
        logout_devices: false,
      }),
    )
    t.is((await accounts.authenticate(session.access_token)).userId, alice)
    t.deepEqual(await administered.externalIds(alice), [own])
    await administered.put(root, alice, {
      displayname: null,
      user_type: null,
      threepids: [],
      external_ids: [],
    })
    t.deepEqual(await administered.externalIds(alice), [])
    t.like(await administered.one(alice), { displayName: undefined, userType: undefined })
    t.deepEqual(await accounts.threepids.list(alice), [])
    await administered.put(root, alice, { password: 'another password' })
    await t.throwsAsync(accounts.authenticate(session.access_token), { message: /not known/ })
  },
)

testDatabases(
  test,
  'a deactivated account is given back, once it has left its rooms',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const { administered } = accounts
    const leave = Promise.withResolvers<void>()
    accounts.hooks.onDeactivate = () => leave.promise
    const deactivated = administered.put(root, alice, { deactivated: true })
    while (!(await administered.one(alice)).deactivatedTs) await Promise.resolve()
    await t.throwsAsync(administered.put(root, alice, { deactivated: false }), { message: /still leaving/ })
    leave.resolve()
    await deactivated
    await administered.put(root, alice, { deactivated: false, password: PASSWORD })
    t.is((await logIn(accounts)).user_id, alice)
  },
)

testDatabases(
  test,
  'administrators act as others while they are in office, and until they log out',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database)
    const { administered } = accounts
    await administered.put(root, bob, { admin: true, password: PASSWORD })
    const administrator = { ...root, userId: bob }
    const act = (expiresTs?: number): Promise<string> => administered.actAs(administrator, alice, expiresTs)
    await t.throwsAsync(administered.actAs({ ...root, userId: alice }, alice, undefined), {
      message: /are that/,
    })
    await t.throwsAsync(act(clock.now()), { message: /expired already/ })
    const forever = await act()
    const requester = await accounts.authenticate(forever)
    t.like(requester, { userId: alice, deviceId: undefined, isAdmin: false })
    t.deepEqual(await accounts.devices.list(alice), [])
    const short = await act(clock.now() + 1000)
    await clock.advance(1000)
    await t.throwsAsync(accounts.authenticate(short))
    await accounts.devices.removeAll(alice)
    await accounts.authenticate(forever)
    await accounts.management.logout(requester)
    await t.throwsAsync(accounts.authenticate(forever), { message: /not known/ })

    const next = await act()
    await accounts.authenticate(next)
    await accounts.devices.removeAll(bob)
    await t.throwsAsync(accounts.authenticate(next), { message: /not known/ })
    const last = await act()
    await administered.setAdmin(root, bob, false)
    await t.throwsAsync(accounts.authenticate(last), { message: /not known/ })
  },
)

testDatabases(test, 'an administrator says how much a user may send', async (t, database) => {
  const { accounts } = await withAlice(database)
  const { administered } = accounts
  const { access_token: token } = await logIn(accounts)
  t.is((await accounts.authenticate(token)).messageLimit, undefined)
  await administered.limitMessages(alice, { perSecond: 3, burst: 7 })
  t.like(await accounts.authenticate(token), { messageLimit: { perSecond: 3, burst: 7 } })
  await administered.limitMessages(alice, { perSecond: 0, burst: 0 })
  t.like(await accounts.authenticate(token), { messageLimit: undefined, isExemptFromRateLimits: true })
  t.deepEqual(await administered.messageLimit(alice), { perSecond: 0, burst: 0 })
  await administered.limitMessages(alice, undefined)
  t.is((await accounts.authenticate(token)).isExemptFromRateLimits, undefined)
})

testDatabases(
  test,
  'who is no administrator any more acts as nobody else from then on',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const { administered } = accounts
    await accounts.createUser({ username: 'bob', password: PASSWORD, isAdmin: true })
    const { access_token } = await accounts.login.login({
      type: 'm.login.password',
      user: 'bob',
      password: PASSWORD,
    })
    const requester = await accounts.authenticate(access_token)
    const act = async () => {
      const token = await administered.actAs(requester, alice, undefined)
      t.is((await accounts.authenticate(token)).userId, alice)
      return token
    }
    const refused = { message: /not known/ }
    const first = await act()
    await administered.setAdmin(root, bob, false)
    await t.throwsAsync(accounts.authenticate(first), refused)
    await administered.put(root, bob, { admin: true })
    const second = await act()
    await administered.put(root, bob, { locked: true })
    await t.throwsAsync(accounts.authenticate(second), refused)
    await administered.put(root, bob, { locked: false })
    const third = await act()
    await accounts.management.deactivate(bob, { erase: false })
    await t.throwsAsync(accounts.authenticate(third), refused)
    accounts.hooks.onDeactivate = async () => {}
    await accounts.tidy()
    await administered.put(root, bob, { deactivated: false })
    await t.throwsAsync(accounts.authenticate(third), refused, 'nor when the account is given back')
  },
)
