import test from 'ava'
import { toldAt } from './told-at.ts'

/** In the room from 2 to 19 and again from 22 on, which was learnt at 24. */
const sight = {
  joins: [
    { from: 2, to: 19, value: 'join' },
    { from: 22, to: undefined, value: 'join' },
  ],
  membershipAt: (position: number) =>
    position < 2 ? undefined : position >= 19 && position < 22 ? 'leave' : 'join',
} as const

test('of a stay that was learnt late clients were told nothing before that, and of earlier ones in their time', t => {
  const row = { toldFrom: 24 }
  t.deepEqual(
    [1, 9, 20, 22, 23, 24, 30].map(position => toldAt(row, sight, position)),
    [undefined, 'join', 'leave', undefined, undefined, 'join', 'join'],
  )
  t.is(toldAt({ toldFrom: undefined }, sight, 23), 'join', 'where it was known at once')
})
