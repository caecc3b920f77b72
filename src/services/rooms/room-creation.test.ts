import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, refusal, THERE, world } from '../../test-kit/remote-room.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'

test('a room begins with as much state as its maker wants, within reason', async t => {
  const { rooms, core } = await testRooms(await testDatabase(t))
  const make = (length: number) => {
    const initialState = Array.from({ length }, (_, index) => ({
      ...{ type: 'm.space.child', stateKey: `!${index}`, content: {} },
    }))
    return rooms.roomCreation.create(newRoom(rooms, '@alice:here.test', { initialState }), {
      isDirect: false,
    })
  }
  const head = await core.writer.head(await make(2_000))
  t.is(head?.state.size, 2_006)
  await t.throwsAsync(make(5_001), { message: /at most 5000 state events/ })
})

test('whoever makes a room does not wait for the servers of those invited to it', async t => {
  const w = await world(t, await testDatabase(t))
  const { here, client } = w
  const silent: (() => void)[] = []
  const { invite } = client
  Object.assign(client, {
    invite: (...call: Parameters<typeof invite>) =>
      call[0] === THERE
        ? invite(...call)
        : new Promise((_, reject) => silent.push(() => reject(refusal(403, 'M_INVITE_BLOCKED')))),
  })
  const cat = '@cat:here.test'
  const gone = ['@x:x.test', '@y:y.test', '@z:z.test']
  const room = newRoom(here.rooms, BOB, { invite: [...gone, '@w:x.test', cat, ALICE] })
  let made: string | undefined
  const making = here.rooms.roomCreation.create(room, { isDirect: false }).then(roomId => {
    made = roomId
  })
  await eventually('all of these servers are asked', () => silent.length === 3)
  t.is(made, undefined)
  await here.clock.advance(8_000)
  await making
  const membership = async (userId: string) =>
    (await here.core.writer.head(made ?? ''))?.memberships.get(userId)
  t.is(await membership(cat), 'invite')
  await eventually('who was asked in time is invited', async () => (await membership(ALICE)) === 'invite')
  for (const end of silent.splice(0)) end()
  await eventually('what one refuses late keeps nobody else from being asked', () => silent.length === 1)
})

test('whom nobody could be asked about in time is left to whoever keeps them', async t => {
  const { rooms, clock } = await testRooms(await testDatabase(t))
  const [bob, cat] = ['@bob:slow.test', '@cat:slow.test']
  const asked: string[] = []
  const unsent: string[] = []
  const answered = Promise.withResolvers<void>()
  const making = rooms.roomCreation.create(newRoom(rooms, '@alice:here.test', { invite: [bob, cat] }), {
    isDirect: false,
    invite: async ({ userId }) => {
      asked.push(userId)
      await answered.promise
    },
    unsent: async ({ userId }) => {
      unsent.push(userId)
    },
  })
  await eventually('the server is asked', () => asked.length === 1)
  await clock.advance(8_000)
  await making
  answered.resolve()
  // What goes on by itself then has nothing to wait for.
  await setImmediate()
  t.deepEqual([asked, unsent.toSorted()], [[bob], [bob, cat]])
})

test('nobody is left invited to a room that another server has something against', async t => {
  const w = await world(t, await testDatabase(t))
  const { here, client } = w
  const { invite } = client
  const answered = Promise.withResolvers<void>()
  const asked: string[] = []
  Object.assign(client, {
    invite: async (...call: Parameters<typeof invite>) => {
      asked.push(call[1].roomId)
      if (call[0] !== THERE) throw refusal(403, 'M_INVITE_BLOCKED')
      await answered.promise
      return invite(...call)
    },
  })
  const room = newRoom(here.rooms, BOB, { invite: [ALICE, '@x:x.test'] })
  const refused = t.throwsAsync(here.rooms.roomCreation.create(room, { isDirect: false }))
  await eventually('both are asked', () => asked.length === 2)
  await here.clock.advance(8_000)
  answered.resolve()
  t.like(await refused, { errcode: 'M_INVITE_BLOCKED' })
  const [roomId = ''] = asked
  t.is((await here.core.writer.head(roomId))?.memberships.get(ALICE), 'leave')
})
