import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { SpanMemo } from '../sync/span-memo.ts'
import { presentSight } from './room-sight.ts'
import { Timelines } from './timeline.ts'

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

test('what has just happened is known at once, as it would be read page by page', async t => {
  const { core, rooms } = await testRooms(await testDatabase(t))
  const { db, read, serverName } = core.context
  const userId = `@me:${serverName}`
  const other = `@other:${serverName}`
  const roomId = await rooms.roomCreation.create(newRoom(rooms, userId, { isPublic: true }), {
    isDirect: false,
  })
  await rooms.memberships.join({ userId: other, roomId })
  const from = db.position('events')
  await read.news.events(from, from)
  for (let n = 0; n < 6; n++) {
    const event = { type: n === 2 ? 'org.example' : 'm.room.message', sender: n % 2 === 0 ? userId : other }
    await core.sender.send(roomId, { ...event, content: { body: String(n) } })
  }
  const upTo = db.position('events')
  await read.news.events(from, upTo)
  const { pages, state, sights } = core.views
  const memo = new SpanMemo({ pages, state, news: read.news }, () => upTo)
  const [remembering, reading] = [new Timelines(memo, sights), new Timelines(pages, sights)]
  const roomNid = (await read.rooms.byId(roomId))?.nid ?? 0
  const sight = presentSight(from)
  const span = { direction: 'b', from: upTo, to: from } as const
  const filters = [{}, { types: ['m.room.message'] }, { senders: [other] }, { contains_url: true }]
  for (const filter of filters.map(roomEventFilter)) {
    for (const ignored of [new Set<string>(), new Set([other])]) {
      for (let limit = 1; limit < 9; limit++) {
        const wanted = { userId, sight, limit, filter, ignored }
        const known = remembering.collect(roomNid, span, wanted)
        if (limit > 6) t.false(known instanceof Promise)
        t.deepEqual(await known, await reading.collect(roomNid, span, wanted))
      }
    }
  }
})
