import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { EventReader } from './events.ts'

testDatabases(test, 'more events than the cache holds are read without gaps', async (t, database) => {
  const { core, rooms } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, '@alice:here.test'), { isDirect: false })
  const head = await core.writer.head(roomId)
  const nids = [...(head?.state.values() ?? [])].map(entry => entry.nid)
  t.true(nids.length > 3)
  const reader = new EventReader(database, { cacheSize: 3 })
  for (let round = 0; round < 3; round++) {
    const found = await reader.byNids(nids)
    t.deepEqual(
      found.map(stored => stored.nid),
      nids,
    )
  }
})
