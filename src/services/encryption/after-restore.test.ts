import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { addDevice, addUser, EncryptionWorld, plainKeys } from '../../test-kit/encryption-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { repairAfterRestore } from './after-restore.ts'

const [ALICE, BOB] = ['@alice:a.test', '@bob:b.test']

testDatabases(test, 'after a restore peers ask anew, and keys are made anew', async (t, database) => {
  const world = new EncryptionWorld(t)
  const a = await world.start('a.test', { database })
  const b = await world.start('b.test')
  await addUser(a, ALICE)
  await addDevice(a, ALICE, 'D1')
  const key = { key: 'once', signatures: {} }
  await a.encryption.deviceKeys.upload(ALICE, 'D1', {
    device_keys: plainKeys(ALICE, 'D1', 'curve'),
    one_time_keys: { 'signed_curve25519:A': key, 'signed_curve25519:B': key },
    fallback_keys: { 'signed_curve25519:F': { ...key, fallback: true } },
  })
  const request = newRoom(b.rooms, BOB, { preset: 'public_chat' })
  const roomId = await b.rooms.roomCreation.create(request, { isDirect: false })
  await a.rooms.memberships.join({ userId: ALICE, roomId, via: ['b.test'] })
  await world.settle()
  const known = async () => {
    const { device_keys: keys } = await b.encryption.keyQueries.query(BOB, { [ALICE]: [] }, undefined)
    return Object.keys(keys[ALICE] ?? {})
  }
  t.deepEqual(await known(), ['D1'])

  // What b has seen after the backup that a goes back to: a further device, and the numbers of its changes.
  const run = (sql: string) =>
    b.database.commit({ statements: [{ prepared: b.database.prepare(sql), rows: [[]] }] })
  await run("INSERT INTO remote_devices (user_id, device_id, json) VALUES ('@alice:a.test', 'GONE', '{}')")
  await run('UPDATE remote_device_lists SET stream_id = 500')
  t.deepEqual(await known(), ['D1', 'GONE'])
  await a.stop()
  t.deepEqual(await repairAfterRestore(database, a.clock), { users: 1, oneTimeKeys: 2, remoteUsers: 0 })
  await world.restart('a.test')
  await world.settle()
  t.deepEqual(await known(), ['D1'])
  const { counts, unusedFallbackTypes } = await world
    .server('a.test')
    .encryption.keysLeft.read({ userId: ALICE, deviceId: 'D1' })
  t.deepEqual(counts, { signed_curve25519: 0 })
  t.deepEqual(unusedFallbackTypes, [], 'the device is to make another one')
  const { one_time_keys: claimed } = await b.encryption.keyClaims.claim(
    { [ALICE]: { D1: 'signed_curve25519' } },
    undefined,
  )
  t.deepEqual(claimed, {})
  const streams = database.prepare("SELECT position FROM streams WHERE name = 'events'")
  const row = await database.get<{ position: number }>(streams)
  t.true(Number(row?.position) > 1_000_000_000, 'no token of a client is from the future')
})
