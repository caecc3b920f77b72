import test from 'ava'
import fc from 'fast-check'
import type { RoomEvent } from '../../core/event/event.ts'
import { type EventTime, EventTimeReader } from '../../storage/rooms/event-times.ts'
import { EventWriter } from '../../storage/rooms/event-writer.ts'
import { RoomWriteStatements } from '../../storage/rooms/rooms.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { TimeOrder } from './time-order.ts'

const NOW = 20

/** When an event says that it was sent, and whether others stand before it that are of another room. */
const anySaid = fc.record({ ts: fc.integer({ min: 1, max: NOW + 3 }), isHere: fc.boolean() })

const byTime = (a: EventTime, b: EventTime): number => a.timestamp - b.timestamp || a.position - b.position

testDatabases(test, 'events are found by their time, in whichever order they have come', async (t, db) => {
  const [events, rooms] = [new EventWriter(db), new RoomWriteStatements(db)]
  const times = new EventTimeReader(db)
  let nid = 0
  const room = async (): Promise<number> => {
    const row = {
      nid: ++nid,
      roomId: `!${nid}`,
      version: '12',
      isPublic: false,
      creator: '@a:x',
      createdTs: 0,
    }
    await db.commit({ statements: [rooms.insert(row)] })
    return row.nid
  }
  await fc.assert(
    fc.asyncProperty(fc.array(anySaid, { minLength: 1, maxLength: 30 }), async said => {
      const [here, elsewhere] = [await room(), await room()]
      const order = new TimeOrder(0)
      const all: EventTime[] = []
      let version = 0
      for (const { ts, isHere } of said) {
        const event = {
          ...{ eventId: `$${++nid}`, type: 'm.room.message', sender: '@a:x', depth: 1, originServerTs: ts },
        } as RoomEvent
        const position = { stream: 'events', offset: 0 } as const
        const inOrder = isHere && order.admits(event, NOW)
        if (inOrder) order.add(event, position)
        const roomNid = isHere ? here : elsewhere
        const row = { nid, roomNid, position, inOrder, event, json: '{}', authNids: [], generation: 0 }
        const bump = isHere ? [rooms.bump(here, version, ++version, order.take())] : []
        const stored = await db.commit({ statements: [...events.insert([row]), ...bump] })
        if (isHere && stored.ok) all.push({ nid, timestamp: ts, position: stored.positions.events ?? 0 })
      }
      const sorted = all.toSorted(byTime)
      const edges = [-1, 1].map(sign => sign * Number.MAX_SAFE_INTEGER)
      const places = [
        ...all,
        ...Array.from({ length: NOW + 5 }, (_, timestamp) =>
          edges.map(position => ({ timestamp, position })),
        ).flat(),
      ]
      for (const place of places) {
        const at = { nid: 0, ...place }
        const later = sorted.filter(event => byTime(event, at) > 0)
        const earlier = sorted.filter(event => byTime(event, at) < 0).reverse()
        t.deepEqual(await times.nearest(here, 'f', place, 4), later.slice(0, 4))
        t.deepEqual(await times.nearest(here, 'b', place, 4), earlier.slice(0, 4))
      }
    }),
    { numRuns: randomRuns(db.dialect.name === 'sqlite' ? 5 : 2) },
  )
})
