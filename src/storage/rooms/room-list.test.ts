import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { RoomLister } from './room-list.ts'

testDatabases(test, 'whoever is only invited to a room is no member of it', async (t, database) => {
  const room = database.prepare(
    `INSERT INTO rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
        VALUES (1, '!tea', '12', 1, 0, '@a:here', 5)`,
  )
  const member = database.prepare(
    `INSERT INTO memberships (user_id, room_nid, host, membership, event_nid, position, forgotten)
        VALUES (?, 1, ?, ?, 1, 1, 0)`,
  )
  const rows = [
    ['@a:here', 'here', 'join'],
    ['@b:here', 'here', 'invite'],
    ['@c:here', 'here', 'knock'],
    ['@d:here', 'here', 'leave'],
    ['@e:there', 'there', 'join'],
  ]
  await database.commit({
    statements: [
      { prepared: room, rows: [[]] },
      { prepared: member, rows },
    ],
  })
  const lister = new RoomLister(database)
  const expected = { roomId: '!tea', localMembers: 1, localUsers: 3 }
  t.like(await lister.one('here', '!tea'), expected)
  t.like((await lister.largest('here', 5))[0], expected)
})
