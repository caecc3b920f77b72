/** Devices as sessions make, keep and lose them. */
import test from 'ava'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import { DeviceReader } from '../../storage/accounts/devices.ts'
import { DehydratedDeviceWriter } from '../../storage/encryption/dehydrated-devices.ts'
import { alice, logIn, testAccounts, withAlice } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'

const DAY = 86_400_000

testDatabases(
  test,
  'a login with a known device ID replaces its tokens and keeps its name',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const first = await logIn(accounts, { device_id: 'D', initial_device_display_name: 'Phone' })
    await accounts.authenticate(first.access_token)
    const second = await logIn(accounts, { device_id: 'D', initial_device_display_name: 'Other' })
    t.is(second.device_id, 'D')
    await t.throwsAsync(accounts.authenticate(first.access_token), { message: /not known/ })
    t.like(await accounts.authenticate(second.access_token), { deviceId: 'D' })
    t.is((await accounts.devices.get(alice, 'D')).display_name, 'Phone')
  },
)

testDatabases(
  test,
  'the devices of one user are bounded: the longest unheard of goes',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database, { sessions: { maxDevices: 2 } })
    const a = await logIn(accounts, { device_id: 'A' })
    await clock.advance(1000)
    await logIn(accounts, { device_id: 'B' })
    await clock.advance(1000)
    await accounts.authenticate(a.access_token)
    await accounts.tidy()
    await clock.advance(1000)
    const removed: unknown[] = []
    accounts.hooks.onDevicesChange = (userId, change) => {
      if (change.removed !== undefined) removed.push([userId, change])
      return []
    }
    await logIn(accounts, { device_id: 'C' })
    t.deepEqual(
      (await accounts.devices.list(alice)).map(device => device.device_id),
      ['A', 'C'],
    )
    t.deepEqual(removed, [[alice, { removed: ['B'] }]])
    // What waits for a later login is never heard of, and stays.
    const dehydrated = { deviceId: 'A', deviceData: '{}' }
    await database.commit({ statements: [new DehydratedDeviceWriter(database).add(alice, dehydrated)] })
    await logIn(accounts, { device_id: 'D' })
    t.deepEqual(await new DeviceReader(database).ids(alice), ['A', 'C', 'D'])
  },
)

testDatabases(
  test,
  'devices that nobody uses are removed, where the settings say so',
  async (t, database) => {
    const { accounts, clock } = await withAlice(database, { sessions: { deviceLifetimeMs: 30 * DAY } })
    const removed: unknown[] = []
    accounts.hooks.onDevicesChange = (_, change) => {
      removed.push(...(change.removed ?? []))
      return []
    }
    const { device_id: old } = await logIn(accounts)
    const { access_token: token, device_id: used } = await logIn(accounts)
    await clock.advance(20 * DAY)
    await accounts.authenticate(token, { ip: '127.0.0.1', userAgent: 'test' })
    await accounts.tidy()
    t.deepEqual(removed, [])
    await clock.advance(11 * DAY)
    await accounts.tidy()
    t.deepEqual(removed, [old])
    t.deepEqual(
      (await accounts.devices.list(alice)).map(device => device.device_id),
      [used],
    )
    const lasting = testAccounts(database, {}, clock).accounts
    await clock.advance(1000 * DAY)
    await lasting.tidy()
    t.is((await lasting.devices.list(alice)).length, 1, 'without the setting they stay')
  },
)

testDatabases(test, 'what a device has set for itself goes with it (MSC3890)', async (t, database) => {
  const { accounts } = await withAlice(database)
  const [phone, laptop] = [await logIn(accounts), await logIn(accounts)]
  const unstable = 'org.matrix.msc3890.local_notification_settings'
  const types = [phone, laptop].flatMap(({ device_id }) =>
    ['m.local_notification_settings', unstable].map(prefix => `${prefix}.${device_id}`),
  )
  for (const type of types) await accounts.accountData.set(alice, undefined, type, { is_silenced: true })
  const before = database.position('account_data')
  await accounts.devices.remove(alice, [phone.device_id])
  const found = types.map(type =>
    accounts.accountData.get(alice, undefined, type).catch(error => error.errcode),
  )
  t.deepEqual(await Promise.all(found), [
    ...['M_NOT_FOUND', 'M_NOT_FOUND'],
    ...[{ is_silenced: true }, { is_silenced: true }],
  ])
  const changed = await new AccountDataReader(database).changed(
    alice,
    before,
    database.position('account_data'),
  )
  t.deepEqual(changed.map(({ type, content }) => [type, content]).toSorted(), [
    [types[0], '{}'],
    [types[1], '{}'],
  ])
})

testDatabases(
  test,
  'a list of devices to remove costs no more than the devices that there are',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    for (const device_id of ['A', 'B']) await logIn(accounts, { device_id })
    const removed: unknown[] = []
    accounts.hooks.onDevicesChange = (_userId, change) => {
      removed.push(change.removed)
      return []
    }
    await accounts.devices.removeNamed(alice, ['A', ...Array.from({ length: 10_000 }, () => 'A'), 'C', ''])
    await accounts.devices.removeNamed(alice, ['C'])
    t.deepEqual(removed, [['A']])
    t.deepEqual(
      (await accounts.devices.list(alice)).map(device => device.device_id),
      ['B'],
    )
  },
)
