import test, { type ExecutionContext } from 'ava'
import { MatrixError } from '../../core/errors.ts'
import type { Database } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../test-kit/rooms.ts'
import { RoomWriter } from './room-writer.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'
const CAROL = '@carol:here.test'

/** A database that fails one commit of rooms from now on: before it is done, or only in saying so. */
const failing = (database: Database, which: number, when: 'before' | 'after'): Database => {
  let count = 0
  return new Proxy(database, {
    get: (target, property) => {
      if (property === 'commit') {
        return async (set: Parameters<Database['commit']>[0]) => {
          // The reservation of nids is a commit, too.
          if (set.statements.length <= 3 || ++count !== which) return target.commit(set)
          if (when === 'after') await target.commit(set)
          throw new Error('the disk is full')
        }
      }
      const value = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const timeline = async ({ core }: TestRooms, roomId: string) => {
  const { read } = core.context
  const roomNid = (await read.rooms.byId(roomId))?.nid ?? 0
  const page = await read.events.forwards({ roomNid, after: 0, upTo: 1e9, limit: 500 })
  return { events: page.map(stored => stored.event), ends: await read.rooms.extremities(roomNid) }
}

const isChain = async (t: ExecutionContext, server: TestRooms, roomId: string): Promise<void> => {
  const { events, ends } = await timeline(server, roomId)
  for (const [index, event] of events.entries()) {
    const before = events[index - 1]
    t.deepEqual(event.prevEvents, before === undefined ? [] : [before.eventId])
  }
  t.deepEqual(
    ends.map(end => end.eventId),
    [events.at(-1)?.eventId ?? ''],
  )
}

for (const when of ['before', 'after'] as const) {
  testDatabases(
    test,
    `a commit that fails in the middle of a chain, ${when} it is done`,
    async (t, database) => {
      const good = await testRooms(database)
      const roomId = await good.rooms.roomCreation.create(newRoom(good.rooms, ALICE), { isDirect: false })
      for (const which of [1, 3, 8]) {
        const server = await testRooms(failing(database, which, when))
        const send = (i: number) =>
          server.core.sender.send(
            roomId,
            { type: 'm.room.message', sender: ALICE, content: { body: `${which}-${i}` } },
            { transaction: { userId: ALICE, deviceId: 'D', scope: roomId, txnId: `${which}-${i}` } },
          )
        const sends = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => send(i)))
        const failed = sends.flatMap((one, i) => (one.status === 'rejected' ? i : []))
        t.is(failed.length, 1, `only the one whose commit failed is told so (${which})`)
        // The client sends it again, and it is there once.
        for (const i of failed) await send(i)
        const bodies = (await timeline(server, roomId)).events.flatMap(event => String(event.content['body']))
        t.deepEqual(
          bodies.filter(body => body.startsWith(`${which}-`)).sort(),
          Array.from({ length: 8 }, (_, i) => `${which}-${i}`),
        )
      }
      await isChain(t, await testRooms(database), roomId)
    },
  )
}

test('whoever waits for what is in flight waits for all of it, in whatever order it is answered', async t => {
  const database = await testDatabase(t)
  const good = await testRooms(database)
  const roomId = await good.rooms.roomCreation.create(newRoom(good.rooms, ALICE), { isDirect: false })
  let answer: () => void = () => undefined
  const isAnswered = new Promise<void>(resolve => {
    answer = resolve
  })
  let count = 0
  const commit: Database['commit'] = async set => {
    const isFirst = set.statements.length > 3 && ++count === 1
    const committed = await database.commit(set)
    if (isFirst) await isAnswered
    return committed
  }
  const { core } = await testRooms({ ...delegate(database), commit })
  const head = await core.writer.head(roomId)
  const send = () => core.sender.send(roomId, { type: 'm.room.message', sender: ALICE, content: {} })
  const first = send()
  await send()
  t.is(head?.inFlight, 1)
  const isSettled = head?.lastCommit.then(() => true)
  t.false(await Promise.race([isSettled, new Promise(resolve => setImmediate(resolve, false))]))
  answer()
  t.true(await isSettled)
  t.is(head?.inFlight, 0)
  await first
})

testDatabases(test, 'nobody is refused for what never comes to pass', async (t, database) => {
  const good = await testRooms(database)
  const roomId = await good.rooms.roomCreation.create(newRoom(good.rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  await good.rooms.memberships.join({ userId: BOB, roomId })
  const { core } = await testRooms(failing(database, 1, 'before'))
  await core.writer.head(roomId)
  const message = (sender: string) => ({ type: 'm.room.message', sender, content: {} })
  const ban = { type: 'm.room.member', sender: ALICE, stateKey: BOB, content: { membership: 'ban' } }
  const [banned, said, refused] = await Promise.allSettled([
    core.sender.send(roomId, ban),
    core.sender.send(roomId, message(BOB)),
    core.sender.send(roomId, message(CAROL)),
  ])
  t.like(banned, { status: 'rejected', reason: { message: 'the disk is full' } })
  t.is(said.status, 'fulfilled')
  t.true(refused.status === 'rejected' && refused.reason instanceof MatrixError)
})

test('a room is made once, however many try', async t => {
  const { core, rooms } = await testRooms(await testDatabase(t))
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const head = await core.writer.head(roomId)
  await t.throwsAsync(
    core.writer.create(roomId, async () => {
      throw new Error('nothing is drafted')
    }),
    { instanceOf: MatrixError, message: /exists already/ },
  )
  t.is(await core.writer.head(roomId), head)
})

test('heads are kept by their size, the newest first; what is too big to be kept works as well', async t => {
  const { core, rooms } = await testRooms(await testDatabase(t))
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    ids.push(await rooms.roomCreation.create(newRoom(rooms, ALICE, { name: `${i}` }), { isDirect: false }))
  }
  const writer = new RoomWriter(core.context, { maxHeadEntries: 60 })
  const heads = []
  for (const id of ids) heads.push(await writer.head(id))
  t.true(heads.every(head => head !== undefined))
  t.is(await writer.head(ids.at(-1) ?? ''), heads.at(-1))
  t.not(await writer.head(ids[0] ?? ''), heads[0])
  const tiny = new RoomWriter(core.context, { maxHeadEntries: 5 })
  t.is((await tiny.head(ids[0] ?? ''))?.room.roomId, ids[0])
})

testDatabases(test, 'a follower finds events as they are where it is told to look', async (t, database) => {
  const { core, rooms } = await testRooms(database)
  const { events } = core.context.read
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const send = { roomId, type: 'm.room.message', txnId: 'm', content: { body: 'x' } }
  const { eventId } = await rooms.sending.message(requesterOf(ALICE), send)
  const before = await events.byId(eventId)
  const found: ReturnType<typeof events.byId>[] = []
  const stop = database.onCommit(moved => {
    if (moved.has('events')) found.push(events.byId(eventId))
  })
  const redaction = { roomId, redacts: eventId, txnId: 'r', reason: undefined }
  await rooms.sending.redaction(requesterOf(ALICE), redaction)
  stop()
  const [after] = await Promise.all(found)
  t.is(before?.redactedBy, undefined)
  t.not(after?.redactedBy, undefined)
})

test('a message is on its way at once where all is known that it builds on', async t => {
  const { core, rooms } = await testRooms(await testDatabase(t))
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const send = (body: string) =>
    core.sender.send(roomId, { type: 'm.room.message', sender: ALICE, content: { body } })
  await send('the first of its sender')
  const head = await core.writer.head(roomId)
  const sending = ['a', 'b'].map(send)
  t.is(head?.inFlight, 2)
  await Promise.all(sending)
  t.is(head?.inFlight, 0)
})

testDatabases(
  test,
  'whoever sends when others have just taken all IDs waits for some',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
    const send = () => core.sender.send(roomId, { type: 'm.room.message', sender: ALICE, content: {} })
    await send()
    const { nids } = core.context
    t.throws(() => {
      for (;;) nids.next()
    })
    await t.notThrowsAsync(send())
  },
)
