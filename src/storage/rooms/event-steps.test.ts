import test from 'ava'
import { bothDatabases } from '../../test-kit/database.ts'
import { EventSteps } from './event-steps.ts'

bothDatabases(test, 'a step has so many events, however far apart they stand', async (t, db) => {
  const rows = [1, 2, 3, 200_000, 200_001].map(at => `(${at}, '$${at}', 1, ${at}, 'm', '@s', 1, 1, 0, 0)`)
  const insert = db.prepare(
    `INSERT INTO events (event_nid, event_id, room_nid, position, type, sender, depth, origin_server_ts, soft_failed, generation)
     VALUES ${rows.join(', ')}`,
  )
  await db.commit({ statements: [{ prepared: insert, rows: [[]] }] })
  const steps = new EventSteps(db, 2)
  const ends: number[] = []
  for (let after = 0; after < 300_000; ) {
    after = await steps.end(after, 300_000)
    ends.push(after)
  }
  t.deepEqual(ends, [2, 200_000, 300_000])
  t.is(await steps.end(200_000, 200_001), 200_001)
})
