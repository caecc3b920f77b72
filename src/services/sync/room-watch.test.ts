import test from 'ava'
import type { Reader } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { PartialSpans } from './partial-spans.ts'
import type { RoomSummaries } from './room-summaries.ts'
import { RoomWatch } from './room-watch.ts'

interface Row {
  readonly userId: string
  readonly roomNid: number
  readonly position: number
  readonly membership: string
}

/** Memberships and events as a database would tell of them; `gate` holds the reading of a user's rooms back. */
const world = (options: { maxIdleRooms?: number } = {}) => {
  const rows = new Map<string, Row>()
  const events: { roomNid: number; position: number; member?: string }[] = []
  const state = { now: 0, reads: 0, gate: Promise.resolve() }
  const set = (userId: string, roomNid: number, membership: string): void => {
    state.now += 1
    rows.set(`${userId} ${roomNid}`, { userId, roomNid, position: state.now, membership })
    events.push({ roomNid, position: state.now, member: userId })
  }
  const say = (roomNid: number): void => {
    state.now += 1
    events.push({ roomNid, position: state.now })
  }
  const between = (after: number, upTo: number) =>
    events.filter(({ position }) => position > after && position <= upTo)
  const read = {
    memberships: {
      ofUser: async (userId: string) => {
        state.reads += 1
        const found = [...rows.values()].filter(row => row.userId === userId && row.membership === 'join')
        await state.gate
        return found
      },
      one: async (userId: string, roomNid: number) => rows.get(`${userId} ${roomNid}`),
    },
  }
  const sync = {
    touchedRooms: async (after: number, upTo: number) =>
      [...Map.groupBy(between(after, upTo), event => event.roomNid)].map(([roomNid, all]) => ({
        roomNid,
        position: Math.max(...all.map(({ position }) => position)),
        redacts: false,
      })),
    touchedPoints: async (roomNids: readonly number[], after: number, upTo: number) =>
      between(after, upTo)
        .filter(({ roomNid }) => roomNids.includes(roomNid))
        .flatMap(({ roomNid, member }) =>
          member === undefined ? [] : [{ roomNid, type: 'm.room.member', stateKey: member }],
        ),
  }
  const watch = new RoomWatch(
    {
      db: { position: () => state.now } as unknown as Reader,
      read: read as unknown as RoomReaders,
      sync: sync as unknown as SyncReader,
      summaries: { forget: () => undefined } as unknown as RoomSummaries,
      partial: { load: async () => undefined, follow: async () => [] } as unknown as PartialSpans,
    },
    options,
  )
  return { watch, set, say, state, follow: () => watch.follow(state.now) }
}

const roomsOf = (watch: RoomWatch, userId: string) => [...watch.look(userId, 0, true).rooms.keys()].sort()

test('whoever is watched is concerned by events in their rooms, also in those they join or leave', async t => {
  const { watch, set, say, follow } = world()
  set('@a:x', 1, 'join')
  await follow()
  const leave = await watch.enter('@a:x')
  say(1)
  t.deepEqual([...(await follow())], ['@a:x'])
  say(2)
  t.deepEqual([...(await follow())], [])
  set('@a:x', 2, 'join')
  t.deepEqual([...(await follow())], ['@a:x'])
  t.deepEqual(roomsOf(watch, '@a:x'), [1, 2])
  set('@a:x', 1, 'leave')
  t.deepEqual([...(await follow())], ['@a:x'])
  say(1)
  t.deepEqual([...(await follow())], [])
  leave()
})

test('a look tells the rooms with news since, and whether memberships have changed', async t => {
  const { watch, set, say, state, follow } = world()
  set('@a:x', 1, 'join')
  set('@a:x', 2, 'join')
  await follow()
  await watch.enter('@a:x')
  const then = state.now
  t.deepEqual(watch.look('@a:x', then, false), {
    upTo: then,
    rooms: new Map(),
    joined: new Map([
      [1, 1],
      [2, 2],
    ]),
    isExact: true,
    hasMoved: false,
  })
  say(2)
  say(3)
  await follow()
  t.deepEqual([...watch.look('@a:x', then, false).rooms], [[2, 2]])
  t.false(watch.look('@a:x', then, false).hasMoved)
  t.false(watch.mayHaveMoved('@a:x', then, state.now))
  set('@b:x', 3, 'join')
  await follow()
  t.false(watch.look('@a:x', then, false).hasMoved)
  t.false(watch.mayHaveMoved('@a:x', then, state.now), 'in a room that is none of theirs')
  set('@b:x', 2, 'join')
  await follow()
  t.false(watch.look('@a:x', then, false).hasMoved)
  t.true(watch.mayHaveMoved('@a:x', then, state.now), 'anybody')
  t.false(watch.mayHaveMoved('@a:x', state.now, state.now))
  t.true(watch.mayHaveMoved('@a:x', -1, then), 'from before it watched it is not sure')
  t.true(watch.mayHaveMoved('@c:x', then, state.now), 'nor of those who are not watched')
  set('@a:x', 3, 'join')
  await follow()
  t.true(watch.look('@a:x', then, false).hasMoved)
  t.false(watch.look('@a:x', state.now, false).hasMoved)
  const before = watch.look('@a:x', -1, false)
  t.true(before.hasMoved && !before.isExact, 'from before it watched it is not sure')
})

test('what changes while rooms are being read is not lost', async t => {
  const { watch, set, state, follow } = world()
  set('@a:x', 1, 'join')
  set('@a:x', 2, 'join')
  await follow()
  let release = (): void => undefined
  state.gate = new Promise(resolve => {
    release = resolve
  })
  const entering = watch.enter('@a:x')
  await Promise.resolve()
  await Promise.resolve()
  set('@a:x', 2, 'leave')
  set('@a:x', 3, 'join')
  await follow()
  release()
  await entering
  t.deepEqual(roomsOf(watch, '@a:x'), [1, 3])
})

test('a user is read once, however many clients come at a time', async t => {
  const { watch, set, state, follow } = world()
  set('@a:x', 1, 'join')
  await follow()
  await Promise.all([watch.enter('@a:x'), watch.enter('@a:x'), watch.joinedRooms('@a:x')])
  t.is(state.reads, 1)
})

test('users for whom nobody waits are forgotten first, and those who wait never', async t => {
  const { watch, set, say, follow } = world({ maxIdleRooms: 4 })
  for (const userId of ['@a:x', '@b:x', '@c:x', '@d:x']) set(userId, 1, 'join')
  await follow()
  await watch.enter('@a:x')
  for (const userId of ['@b:x', '@c:x', '@d:x']) (await watch.enter(userId))()
  say(1)
  t.deepEqual([...(await follow())].sort(), ['@a:x', '@c:x', '@d:x'])
})

test('of rooms that somebody came into while nobody watched them it is known once they are back', async t => {
  const { watch, set, state, follow } = world({ maxIdleRooms: 4 })
  const told: string[] = []
  watch.onMember = (userId, roomNid, cameIn) => {
    if (cameIn !== undefined) told.push(`${userId} ${roomNid}`)
  }
  for (const userId of ['@a:x', '@b:x', '@c:x']) set(userId, 1, 'join')
  await follow()
  ;(await watch.enter('@a:x'))()
  const then = state.now
  set('@a:x', 2, 'join')
  await follow()
  t.deepEqual(told, ['@a:x 2'])
  t.deepEqual([...watch.cameUnseen('@a:x', then)], [], 'it was seen')
  for (const userId of ['@b:x', '@c:x']) (await watch.enter(userId))()
  set('@a:x', 3, 'join')
  await follow()
  t.deepEqual(told, ['@a:x 2'], 'they are forgotten')
  await watch.enter('@a:x')
  t.deepEqual([...watch.cameUnseen('@a:x', then)], [2, 3])
  t.deepEqual([...watch.cameUnseen('@a:x', state.now)], [])
})
