import assert from 'node:assert/strict'
import test from 'ava'
import { Connection, type Told } from './connection.ts'
import { readSnapshot } from './connection-snapshot.ts'
import { type ConnectionToken, parseConnectionToken } from './connection-token.ts'
import { requiredStateOfPairs } from './required-state.ts'
import type { SentRoom } from './sent-room.ts'

const ROOM: SentRoom = {
  ...{ kind: 'joined', upTo: 1, timelineLimit: 1, requiredState: undefined },
  ...{ isDirect: false, members: new Map() },
}
const rooms = new Map([['!a:x', ROOM]])
const TOLD: Told = { positions: {}, rooms, owed: {} }

const tokenOf = (pos: string): ConnectionToken => {
  const token = parseConnectionToken(pos)
  assert.ok(token)
  return token
}

const answer = (connection: Connection, base: number, events: number): number =>
  tokenOf(connection.answer(base, { ...TOLD, positions: { events } })).serial

test('a client goes on from any answer to its newest token, and then from none of the others', t => {
  const connection = new Connection({ serial: 7, openedAt: 1 })
  const [first, second] = [answer(connection, 7, 1), answer(connection, 7, 2)]
  t.true(connection.has(7))
  t.true(Connection.from(connection.snapshot(), 50).resume(second), 'also in another process')
  t.true(connection.resume(first))
  t.deepEqual(connection.positions, { events: 1 })
  t.false(connection.resume(second))
  t.false(connection.resume(7))
})

test('a request that was given up long ago takes nothing from those after it', t => {
  const connection = new Connection({ serial: 7, openedAt: 1 })
  const first = answer(connection, 7, 1)
  connection.resume(first)
  const second = answer(connection, first, 2)
  for (let late = 0; late < 9; late++) t.false(connection.resume(answer(connection, 7, 3)))
  t.true(connection.resume(second))
})

test('of many answers to one token the newest are remembered', t => {
  const connection = new Connection({ serial: 7, openedAt: 1 })
  const serials = Array.from({ length: 6 }, (_, index) => answer(connection, 7, index))
  t.deepEqual(
    serials.map(serial => connection.has(serial)),
    [false, false, true, true, true, true],
  )
})

test('what is answered after it was given up is no answer of the process that has it', t => {
  const given = new Connection({ serial: 7, openedAt: 1 })
  answer(given, 7, 1)
  const taken = Connection.from(given.snapshot(), 50)
  const own = answer(taken, 7, 2)
  t.false(taken.has(answer(given, 7, 3)))
  t.true(taken.resume(own))
  t.deepEqual(taken.positions, { events: 2 })
})

test('what many rooms were sent by is handed over once', t => {
  const connection = new Connection({ serial: 7, openedAt: 1 })
  const pairs = Array.from({ length: 15 }, (_, index): [string, string] => [`m.room.${index}`, ''])
  const sent = (index: number): SentRoom => ({
    ...{
      kind: 'joined',
      upTo: index,
      timelineLimit: 1,
      isDirect: false,
      members: new Map([['@me:x', index]]),
    },
    requiredState: requiredStateOfPairs(index < 1_500 ? pairs : pairs.slice(1), '@me:x'),
  })
  const rooms = new Map(Array.from({ length: 2_000 }, (_, index) => [`!room${index}:x`, sent(index)]))
  connection.resume(tokenOf(connection.answer(7, { ...TOLD, rooms })).serial)
  connection.answer(8, { ...TOLD, rooms: new Map([...rooms].slice(0, 10)) })
  const text = JSON.stringify(connection.snapshot())
  t.true(text.length < 500_000)
  const snapshot = readSnapshot(text)
  assert.ok(snapshot)
  const moved = Connection.from(snapshot, 50)
  for (const [roomId, { requiredState, ...room }] of rooms) {
    const { requiredState: state, ...rest } = moved.rooms.get(roomId) ?? sent(-1)
    if (state?.key !== requiredState?.key) t.fail(roomId)
    if (rest.upTo !== room.upTo || rest.members.get('@me:x') !== room.upTo) t.fail(roomId)
  }
  t.is(moved.rooms.size, 2_000)
})

test('responses that tell of no room change nothing but where the streams stand', t => {
  const connection = new Connection({ serial: 7, openedAt: 1 })
  connection.resume(answer(connection, 7, 1))
  const { change, serial } = connection
  const idle = { ...TOLD, rooms: new Map(), owed: connection.owed }
  const tokens = [2, 3].map(events => tokenOf(connection.answer(serial, { ...idle, positions: { events } })))
  t.is(connection.change, change)
  for (const token of tokens.toReversed()) {
    t.true(connection.resume(token.serial, token.positions))
    t.deepEqual(connection.positions, token.positions)
  }
  const owing = { ...idle, owed: { receipts: new Set(['!a:x']) } }
  t.false(connection.has(7))
  t.true(connection.resume(tokenOf(connection.answer(serial, owing)).serial))
  t.deepEqual(connection.owed, owing.owed)
})

test('from what was stored clients go on that were told more since, and nobody from before', t => {
  const before = new Connection({ serial: 7, openedAt: 1 })
  const tokens: ConnectionToken[] = []
  const tell = (upTo: number): ConnectionToken => {
    const sent = new Map([['!a:x', { ...ROOM, upTo }]])
    const token = tokenOf(before.answer(before.serial, { ...TOLD, rooms: sent, positions: { events: upTo } }))
    tokens.push(token)
    return token
  }
  for (const upTo of [10, 20]) before.resume(tell(upTo).serial)
  const unconfirmed = tell(30)
  const snapshot = before.snapshot()
  before.resume(unconfirmed.serial)
  const later = tell(40)
  const [first, second] = tokens
  assert.ok(first && second)
  const load = (token: ConnectionToken) => Connection.fromStored(snapshot, token, 1_000)
  t.is(load(first), undefined)
  for (const [token, upTo] of [
    [second, 20],
    [unconfirmed, 30],
  ] as const) {
    const loaded = load(token)
    t.like(loaded?.rooms.get('!a:x'), { upTo, isDoubtful: undefined })
    t.true(loaded?.resume(token.serial, { events: 99 }))
    t.deepEqual(loaded?.positions, { events: upTo }, 'the database may not have come as far as the token')
  }
  const loaded = load(later)
  assert.ok(loaded)
  t.true(loaded.resume(later.serial, later.positions))
  t.like(loaded.rooms.get('!a:x'), { upTo: 20, isDoubtful: true })
  t.is(loaded.positions.events, 20)
  const quiet = load(later)
  quiet?.settle([{ roomId: '!a:x', touched: 20 }])
  t.is(quiet?.rooms.get('!a:x')?.isDoubtful, false)
  loaded.settle([{ roomId: '!a:x', touched: 25 }])
  t.is(loaded.rooms.get('!a:x')?.isDoubtful, true)
  const next = tokenOf(loaded.answer(later.serial, { ...TOLD, rooms: new Map(), positions: { events: 50 } }))
  t.not(next.serial, later.serial, 'though it told of no room')
  t.true(loaded.resume(next.serial, { events: 60 }))
  t.is(loaded.positions.events, 60, 'from then on tokens are of this process')
})

test('what was stored is followed from there, too, where another process goes on with it before the client was answered', t => {
  const before = new Connection({ serial: 7, openedAt: 1 })
  before.resume(answer(before, 7, 5))
  const later = { positions: { events: 50 }, openedAt: 1, generation: 2, serial: 99 }
  const stored = Connection.fromStored(before.snapshot(), later, 1_000)
  assert.ok(stored)
  const moved = Connection.from(stored.snapshot(), 2_000)
  t.true(moved.resume(99, { events: 50 }))
  t.deepEqual(moved.positions, { events: 5 })
  t.true(moved.resume(answer(moved, 99, 60), { events: 70 }))
  t.deepEqual(moved.positions, { events: 70 })
})

test('a client that had taken nothing before its connection was stored begins anew, unless an answer with rooms is stored', t => {
  const before = new Connection({ serial: 7, openedAt: 1 })
  const positions = { events: 10, device_lists: 3 }
  const nothing = { positions, rooms: new Map(), owed: before.owed }
  const token = tokenOf(before.answer(7, nothing))
  t.is(token.serial, 7)
  t.is(Connection.fromStored(before.snapshot(), token, 1_000), undefined)
  const other = tokenOf(before.answer(7, { ...TOLD, positions }))
  t.is(Connection.fromStored(before.snapshot(), token, 1_000), undefined)
  t.deepEqual(Connection.fromStored(before.snapshot(), other, 1_000)?.positions, positions)
  before.resume(token.serial, token.positions)
  const taken = Connection.fromStored(before.snapshot(), token, 1_000)
  t.deepEqual(taken?.positions, positions)
})
