import test from 'ava'
import { PUBLIC_ROOM, RoomBuilder } from '../../test-kit/room-builder.ts'
import { RejudgedEnds } from './rejudged-ends.ts'

/** A conversation that Bob comes into. */
const room = new RoomBuilder('10', [
  ...PUBLIC_ROOM,
  'M1: alice say one',
  'M2: alice say two',
  'JB: bob join',
  'M3: alice say three',
])

const nids = new Map(room.events.map(({ eventId }, index) => [eventId, index + 1]))

/** The names of the ends after events that come in an order of their own, from Bob's join on. */
const endsAfter = (...names: readonly string[]): string[] => {
  const placed = (name: string) => {
    const event = room.event(name)
    return { event, nid: nids.get(event.eventId) ?? 0 }
  }
  const ends = new RejudgedEnds()
  ends.begin([placed('JB')])
  for (const name of names) ends.pass(placed(name), false)
  return ends.current.map(({ eventId }) => room.nameOf(eventId))
}

test('what goes on from the join is the end', t => {
  t.deepEqual(endsAfter('M3'), ['M3'])
})

test('what the join refers to is no end when it comes after it', t => {
  t.deepEqual(endsAfter('M2'), ['JB'])
  t.deepEqual(endsAfter('M1', 'M2'), ['JB'])
  t.deepEqual(endsAfter('M1', 'M2', 'M3'), ['M3'])
})
