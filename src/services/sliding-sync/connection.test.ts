import test from 'ava'
import { Connection, serialOf, type Told } from './connection.ts'
import type { ConnectionSnapshot } from './connection-snapshot.ts'
import { requiredStateOfPairs } from './required-state.ts'
import type { SentRoom } from './sent-room.ts'

const NOTHING: Told = { positions: {}, rooms: new Map(), owed: {} }

const answer = (connection: Connection, base: number, events: number): number =>
  serialOf(connection.answer(base, { ...NOTHING, positions: { events } }))

test('a client goes on from any answer to its newest token, and then from none of the others', t => {
  const connection = new Connection(7)
  const [first, second] = [answer(connection, 7, 1), answer(connection, 7, 2)]
  t.true(connection.has(7))
  t.true(Connection.from(connection.snapshot(), 50).resume(second), 'also in another process')
  t.true(connection.resume(first))
  t.deepEqual(connection.positions, { events: 1 })
  t.false(connection.resume(second))
  t.false(connection.resume(7))
})

test('a request that was given up long ago takes nothing from those after it', t => {
  const connection = new Connection(7)
  const first = answer(connection, 7, 1)
  connection.resume(first)
  const second = answer(connection, first, 2)
  for (let late = 0; late < 9; late++) t.false(connection.resume(answer(connection, 7, 3)))
  t.true(connection.resume(second))
})

test('of many answers to one token the newest are remembered', t => {
  const connection = new Connection(7)
  const serials = Array.from({ length: 6 }, (_, index) => answer(connection, 7, index))
  t.deepEqual(
    serials.map(serial => connection.has(serial)),
    [false, false, true, true, true, true],
  )
})

test('what is answered after it was given up is no answer of the process that has it', t => {
  const given = new Connection(7)
  answer(given, 7, 1)
  const taken = Connection.from(given.snapshot(), 50)
  const own = answer(taken, 7, 2)
  t.false(taken.has(answer(given, 7, 3)))
  t.true(taken.resume(own))
  t.deepEqual(taken.positions, { events: 2 })
})

test('what many rooms were sent by is handed over once', t => {
  const connection = new Connection(7)
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
  connection.resume(serialOf(connection.answer(7, { ...NOTHING, rooms })))
  connection.answer(8, { ...NOTHING, rooms: new Map([...rooms].slice(0, 10)) })
  const text = JSON.stringify(connection.snapshot())
  t.true(text.length < 500_000)
  const moved = Connection.from(JSON.parse(text) as ConnectionSnapshot, 50)
  for (const [roomId, { requiredState, ...room }] of rooms) {
    const { requiredState: state, ...rest } = moved.rooms.get(roomId) ?? sent(-1)
    if (state?.key !== requiredState?.key) t.fail(roomId)
    if (rest.upTo !== room.upTo || rest.members.get('@me:x') !== room.upTo) t.fail(roomId)
  }
  t.is(moved.rooms.size, 2_000)
})
