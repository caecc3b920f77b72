import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { testRooms } from '../../test-kit/rooms.ts'

const INVITES = { stream: 'invites', offset: 0 } as const

testDatabases(
  test,
  'many or large invitations come with one response after the other',
  async (t, database) => {
    const testedRooms = await testRooms(database)
    const { write, db } = testedRooms.core.context
    const { ask, close } = testSync(testedRooms, database)
    t.teardown(close)
    const userId = `@me:${testedRooms.core.context.serverName}`
    const invitation = (index: number, topic: string) => {
      const event = {
        type: 'm.room.member',
        state_key: userId,
        sender: '@a:far.test',
        content: { membership: 'invite' },
      }
      const row = {
        ...{
          userId,
          roomId: `!${index}:far.test`,
          kind: 'invite' as const,
          sender: '@a:far.test',
          updatedTs: 1,
        },
        ...{ event, eventId: `$${index}`, roomVersion: '10' },
        strippedState: [{ type: 'm.room.topic', state_key: '', sender: '@a:far.test', content: { topic } }],
      } as const
      return write.invitations.put(row, INVITES)
    }
    let { next_batch: since } = await ask(userId)
    const told = async (): Promise<string[]> => {
      const body = await ask(userId, { since })
      since = body.next_batch
      return Object.keys(body.rooms?.invite ?? {})
    }
    const all = async (): Promise<{ pages: number[]; rooms: string[] }> => {
      const pages: number[] = []
      const rooms: string[] = []
      for (let page = await told(); page.length > 0; page = await told()) {
        pages.push(page.length)
        rooms.push(...page)
      }
      return { pages, rooms }
    }
    const names = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, index) => `!${from + index}:far.test`)

    for (let n = 0; n < 190; n++) await db.commit({ statements: [invitation(n, 'small')] })
    // Those of one moment are not torn apart.
    await db.commit({ statements: Array.from({ length: 20 }, (_, n) => invitation(190 + n, 'small')) })
    await db.commit({ statements: [invitation(210, 'small')] })
    t.deepEqual(await all(), { pages: [210, 1], rooms: names(0, 211) })

    for (let n = 300; n < 480; n++) await db.commit({ statements: [invitation(n, 'x'.repeat(60_000))] })
    t.deepEqual(await all(), { pages: [140, 40], rooms: names(300, 480) })
    // Those that the client does not want to know of are passed over at once.
    for (let n = 500; n < 950; n++) await db.commit({ statements: [invitation(n, 'small')] })
    const filter = '{"room":{"rooms":["!949:far.test"]}}'
    t.deepEqual(Object.keys((await ask(userId, { since, filter })).rooms?.invite ?? {}), ['!949:far.test'])
    const wanted = '{"room":{"rooms":["!500:far.test","!949:far.test"]}}'
    const first = await ask(userId, { since, filter: wanted })
    t.deepEqual(Object.keys(first.rooms?.invite ?? {}), ['!500:far.test'])
    const second = await ask(userId, { since: first.next_batch, filter: wanted })
    t.deepEqual(Object.keys(second.rooms?.invite ?? {}), ['!949:far.test'])
    const initial = Object.keys((await ask(userId)).rooms?.invite ?? {})
    t.deepEqual([initial.length, initial[0]], [500, '!949:far.test'], 'the newest')
  },
)
