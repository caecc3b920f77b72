import test from 'ava'
import { Connection, serialOf } from './connection.ts'

const answer = (connection: Connection, base: number, events: number): number =>
  serialOf(connection.answer(base, { events }, new Map()))

test('a client goes on from any answer to its newest token, and then from none of the others', t => {
  const connection = new Connection(7)
  const [first, second] = [answer(connection, 7, 1), answer(connection, 7, 2)]
  t.true(connection.has(7))
  t.true(Connection.from(connection.snapshot()).resume(second), 'also in another process')
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
