import test from 'ava'
import { bothDatabases } from '../../test-kit/database.ts'
import type { Database, WriteStatement } from '../database.ts'
import { COUNTER, FollowedStreams } from '../followed-streams.ts'
import { roomReaders, roomWriters } from './index.ts'
import { TimelineReader } from './timeline-reader.ts'

const ROOM = 1

const run = (db: Database, sql: string): Promise<unknown> =>
  db.commit({ statements: [{ prepared: db.prepare(sql), rows: [[]] }] })

/** Events of a room's timeline, by their positions. */
const place = (db: Database, ...positions: readonly number[]): Promise<unknown> => {
  const rows = positions.map(at => `(${at}, '$${at}', ${ROOM}, ${at}, 'm', '@s', ${at}, 1, 0, 0)`)
  return run(
    db,
    `INSERT INTO events (event_nid, event_id, room_nid, position, type, sender, depth, origin_server_ts, soft_failed, generation)
     VALUES ${rows.join(', ')}`,
  )
}

bothDatabases(test, 'a gap is there until nothing is missing in it, and pages tell of it', async (t, db) => {
  const read = roomReaders(db)
  const write = roomWriters(db)
  const commit = async (...statements: WriteStatement[]) => t.true((await db.commit({ statements })).ok)
  await run(
    db,
    `INSERT INTO rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
     VALUES (${ROOM}, '!r', '12', 0, 0, '@s', 0)`,
  )
  await place(db, 10, 11, 3_000, 3_001, 9_000)
  const missing = (by: number, ...ids: string[]) =>
    write.rooms.missing(ROOM, { add: ids.map(eventId => ({ eventId, by })), remove: [] })
  await commit(write.gaps.open(ROOM, { base: 12, at: 3_000, openedTs: 5 }), ...missing(3_000, '$a', '$b'))
  await commit(write.gaps.open(ROOM, { base: 3_002, at: 9_000, openedTs: 9 }), ...missing(9_000, '$c'))
  const [upper, lower] = await read.gaps.ofRoom(ROOM)
  t.deepEqual(upper, { base: 3_002, floor: 9_000, top: 9_000, openedTs: 9 })
  t.deepEqual(lower, { base: 12, floor: 3_000, top: 3_000, openedTs: 5 })
  if (upper === undefined || lower === undefined) throw new Error('there are two')
  await commit(write.gaps.widen(ROOM, lower, 3_001), ...missing(3_001, '$d', '$b'))
  t.deepEqual(await read.gaps.missing(ROOM, { ...lower, top: 3_001 }), ['$b', '$d', '$a'])
  t.deepEqual(await read.gaps.missing(ROOM, upper), ['$c'])

  const pages = new TimelineReader(db, read.events)
  const gaps = async (direction: 'b' | 'f', after: number, upTo: number) =>
    (await pages.page(direction, { roomNid: ROOM, after, upTo, limit: 10 })).map(row => row.gap)
  t.deepEqual(await gaps('b', 0, 9_500), Array(5).fill(9_000))
  t.deepEqual(await gaps('b', 0, 8_999), Array(4).fill(9_000), 'it begins right above')
  t.deepEqual(await gaps('b', 0, 3_002), Array(4).fill(3_000))
  t.deepEqual(await gaps('f', 0, 9_500), Array(5).fill(3_000))
  t.deepEqual(await gaps('f', 2_999, 9_500), Array(3).fill(9_000))
  t.deepEqual(await gaps('b', 2_000, 3_002), [undefined, undefined], 'what is wanted ends before')

  await commit(...write.gaps.fill(ROOM, lower, 2_900), write.gaps.close(ROOM))
  t.deepEqual((await read.gaps.ofRoom(ROOM))[1], { base: 12, floor: 2_900, top: 3_001, openedTs: 5 })
  const come = (...remove: string[]) => [
    ...write.rooms.missing(ROOM, { add: [], remove }),
    write.gaps.close(ROOM),
  ]
  await commit(...come('$a', '$b'))
  t.is((await read.gaps.ofRoom(ROOM)).length, 2)
  await commit(...come('$d'))
  t.deepEqual(await read.gaps.ofRoom(ROOM), [upper])

  const followed = new FollowedStreams(db)
  t.false(await read.gaps.isNews(upper), 'nobody counts anything here')
  await commit(followed.reached(COUNTER, 8_999), followed.reached('another', 1))
  t.true(await read.gaps.isNews(upper))
  await commit(followed.reached(COUNTER, 9_000), write.gaps.widen(ROOM, upper, 9_005))
  const [widened] = await read.gaps.ofRoom(ROOM)
  t.deepEqual(widened, { ...upper, top: 9_005 })
  t.false(await read.gaps.isNews({ ...upper, top: 9_005 }), 'what is filled in will stand before where he is')
})
