import test from 'ava'
import { silentLog } from '../../core/log.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'
import { RoomLifetime } from '../rooms/room-lifetime.ts'
import { Connection } from './connection.ts'
import { parseConnectionToken } from './connection-token.ts'
import { endedRooms } from './ended-rooms.ts'
import type { EndedRoom } from './known-rooms.ts'
import { RoomList } from './room-list.ts'
import type { SentRoom } from './sent-room.ts'

testDatabases(test, 'a room that is removed while somebody is in it goes for them', async (t, database) => {
  const rooms = await testRooms(database)
  const { core, clock } = rooms
  const { ask, streams, close } = testSync(rooms, database)
  t.teardown(close)
  const sliding = testSlidingSync(rooms, streams, database)
  const userId = '@me:here.test'
  const roomId = await rooms.rooms.roomCreation.create(newRoom(rooms.rooms, userId), { isDirect: false })
  const { signal } = new AbortController()
  const look = async (pos?: string) => {
    const asked = { body: { lists: { all: { timeline_limit: 1 } } }, pos, timeoutMs: 0 }
    return JSON.parse(await sliding.simplified(requesterOf(userId), asked, signal))
  }
  const { next_batch: since } = await ask(userId)
  const { pos } = await look()
  const lifetime = new RoomLifetime({ writer: core.writer, clock, log: silentLog, grace: undefined })
  await lifetime.removeNow(roomId)
  const synced = await ask(userId, { since })
  t.like(synced.rooms?.leave?.[roomId]?.timeline.events[0]?.content, { membership: 'leave' })
  t.is((await ask(userId, { since: synced.next_batch })).rooms, undefined)
  t.is((await ask(userId)).rooms?.join?.[roomId], undefined)
  const told = await look(pos)
  t.is(told.rooms[roomId]?.membership, 'leave')
  const after = await look(told.pos)
  t.deepEqual(after.rooms, {}, 'once')
  t.is(after.lists.all.count, 0)
})

test('a room that has ended twice has one place', t => {
  const connection = new Connection({ serial: 7, openedAt: 1 })
  const ended: EndedRoom = {
    ...{ roomId: '!a:x', membership: 'leave', text: '{}', strippedState: [], order: 1 },
    after: [undefined],
  }
  connection.known.ended = [ended, { ...ended, order: 2 }]
  const now = { upTo: 9, rooms: new Map(), joined: new Map(), isExact: true, hasMoved: false }
  const nothing = {} as never
  const list = new RoomList({ read: nothing, sync: nothing, sights: nothing, partial: nothing })
  t.deepEqual(
    list.places(connection, now, () => false).map(({ order }) => order),
    [1],
  )
})

test('of a room that was left, an invitation may have been told since and be over', async t => {
  const left: SentRoom = {
    ...{ kind: 'left', upTo: 3, timelineLimit: 1, requiredState: undefined },
    ...{ isDirect: false, members: new Map() },
  }
  const before = new Connection({ serial: 7, openedAt: 1 })
  const rooms = new Map(['!a:x', '!other:x'].map(roomId => [roomId, left]))
  const pos = parseConnectionToken(
    before.answer(7, { positions: { events: 5, invites: 5 }, rooms, owed: {} }),
  )
  before.resume(pos?.serial ?? 0)
  const later = { positions: {}, openedAt: 1, generation: 2, serial: 99 }
  const connection = Connection.fromStored(before.snapshot(), later, 1_000)
  if (connection === undefined) return t.fail()
  const ending = { type: 'm.room.member', sender: '@b:x', content: { membership: 'leave' } }
  const row = {
    ...{ roomId: '!a:x', userId: '@me:x', eventId: '$a', event: {}, status: 'declined', ending },
    ...{ strippedState: [], eventPosition: 9, position: 9 },
  }
  const invitations = { changed: async () => [row], one: async () => row }
  const read = { invitations, removed: { ofUser: async () => [] } } as unknown as RoomReaders
  connection.known.ended = await endedRooms(read, connection, '@me:x')
  const now = { upTo: 9, rooms: new Map(), joined: new Map(), isExact: true, hasMoved: false }
  const nothing = {} as never
  const list = new RoomList({ read: nothing, sync: nothing, sights: nothing, partial: nothing })
  t.deepEqual(
    list.places(connection, now, () => false).map(({ roomId, kind }) => [roomId, kind]),
    [['!a:x', 'ended']],
  )
  connection.settle([])
  connection.doubtLeft('!other:x')
  t.is(connection.rooms.get('!other:x')?.kind, 'left', 'only what was doubtful then')
})
