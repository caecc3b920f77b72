import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

test('a page ends before it is too long to be put together, and nothing is lost by that', async t => {
  const { core, rooms } = await testRooms(await testDatabase(t))
  const userId = `@me:${core.context.serverName}`
  const roomId = await rooms.roomCreation.create(newRoom(rooms, userId, {}), { isDirect: false })
  for (let n = 0; n < 100; n++) {
    const content = { msgtype: 'm.text', body: `${n} ${'x'.repeat(60_000)}` }
    await core.sender.send(roomId, { type: 'm.room.message', sender: userId, content })
  }
  const filter = roomEventFilter({ types: ['m.room.message'] })
  const seen: string[] = []
  const lengths: number[] = []
  let from: string | undefined
  do {
    const asked = { direction: 'b', limit: 1_000, filter, ...(from === undefined ? {} : { from }) } as const
    const page = await rooms.roomHistory.messages(requesterOf(userId), roomId, asked)
    lengths.push(page.chunk.length)
    seen.push(...page.chunk.map(text => JSON.parse(text).content.body.split(' ')[0]))
    from = page.end
  } while (from !== undefined)
  t.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, n) => String(99 - n)),
  )
  t.deepEqual(lengths.slice(0, 1), [70])
})
