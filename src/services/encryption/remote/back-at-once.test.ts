import test, { type ExecutionContext } from 'ava'
import type { Database } from '../../../storage/database.ts'
import { delegate } from '../../../storage/delegate.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { addDevice, addUser, EncryptionWorld, plainKeys } from '../../../test-kit/encryption-world.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import { newRoom } from '../../../test-kit/rooms.ts'

const [ALICE, BOB] = ['@alice:a.test', '@bob:b.test']

/** Alice's server, which can be kept from following events, and Bob's, who shares a room with her. */
const late = async (t: ExecutionContext) => {
  const world = new EncryptionWorld(t)
  const own = await testDatabase(t)
  let isFree = Promise.resolve()
  // The followers are the last to hear of anything.
  const database: Database = {
    ...delegate(own),
    commit: async set => {
      if (set.statements.some(({ guard }) => guard?.name === 'followed')) await isFree
      return own.commit(set)
    },
  }
  const [a, b] = [await world.start('a.test', { database }), await world.start('b.test')]
  for (const [server, userId] of [
    [a, ALICE],
    [b, BOB],
  ] as const) {
    await addUser(server, userId)
    await addDevice(server, userId, 'ONE')
    await server.encryption.deviceKeys.upload(userId, 'ONE', { device_keys: plainKeys(userId, 'ONE', 'ONE') })
  }
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  const comes = () => b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const asks = async () =>
    Object.keys((await a.encryption.keyQueries.query(ALICE, { [BOB]: [] }, undefined)).device_keys[BOB] ?? {})
  await comes()
  await world.settle()
  t.deepEqual(await asks(), ['ONE'])
  /** Nothing is followed from now on; Bob leaves. */
  const leaves = async (): Promise<() => void> => {
    const { promise, resolve: free } = Promise.withResolvers<void>()
    isFree = promise
    await b.rooms.memberships.leave({ userId: BOB, roomId })
    const { companions } = a.encryption.context.read
    await eventually('he is gone', async () => !(await companions.sharesRoomWithHost(BOB, 'a.test')))
    return free
  }
  return { a, b, comes, asks, leaves }
}

test('who asks for the devices of somebody who has just come back gets none from before', async t => {
  const { a, b, comes, asks, leaves } = await late(t)
  // Not all servers say what has changed meanwhile to those that come to share a room.
  for (const type of ['m.device_list_update', 'm.signing_key_update'])
    a.federation.transactions.onEdu(type, async () => {})
  const free = await leaves()
  await addDevice(b, BOB, 'TWO')
  await b.encryption.deviceKeys.upload(BOB, 'TWO', { device_keys: plainKeys(BOB, 'TWO', 'TWO') })
  await comes()
  const asking = asks()
  free()
  t.deepEqual((await asking).toSorted(), ['ONE', 'TWO'])
})

test('where what has happened is not followed for long, keys are given all the same', async t => {
  const { a, asks, leaves } = await late(t)
  const free = await leaves()
  let given: readonly string[] | undefined
  const asking = asks().then(devices => {
    given = devices
  })
  await eventually('they are given', async () => {
    await a.clock.advance(1_000)
    return given !== undefined
  })
  await asking
  t.deepEqual(given, ['ONE'])
  free()
})
