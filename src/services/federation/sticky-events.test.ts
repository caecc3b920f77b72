import test from 'ava'
import { stickyDuration } from '../../core/event/stickiness.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FederationWorld, setState, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'

const [ALICE, BOB, CAROL] = ['@alice:a.test', '@bob:b.test', '@carol:c.test']
const HOUR = 3_600_000

let count = 0

const send = ({ rooms }: WorldServer, sender: string, roomId: string, body: string, stickyMs?: number) =>
  rooms.sending.message(requesterOf(sender), {
    ...{ roomId, stickyMs, type: 'org.example.rtc', txnId: `s${count++}`, content: { body } },
  })

/** What of a room is sticky on a server, by its texts; undefined where the text was withheld. */
const stickyOn = async ({ core, clock }: WorldServer, roomId: string): Promise<unknown[]> => {
  const { read } = core.context
  const room = await read.rooms.byId(roomId)
  const span = { after: 0, upTo: Number.MAX_SAFE_INTEGER, now: clock.now(), limit: 100 }
  const told = await read.sticky.told([room?.nid ?? 0], span)
  const events = await read.events.byNids(told.map(({ nid }) => nid))
  return events.map(({ event }) => (stickyDuration(event) === undefined ? 'plain' : event.content['body']))
}

testDatabases(
  test,
  'a server that comes late has all that is sticky, of every server, though it may not see what was before',
  async (t, database) => {
    const world = new FederationWorld(t)
    const [a, b, c] = [
      await world.add('a.test'),
      await world.add('b.test'),
      await world.add('c.test', { database }),
    ]
    for (const server of [a, b, c]) server.federation.start()
    const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'public_chat' }), {
      isDirect: false,
    })
    await setState(a, ALICE, roomId, {
      type: 'm.room.history_visibility',
      content: { history_visibility: 'joined' },
    })
    await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
    await send(a, ALICE, roomId, 'a1', HOUR)
    await send(a, ALICE, roomId, 'over', 60_000)
    await send(a, ALICE, roomId, 'plain')
    await eventually('b has what a says', async () => (await stickyOn(b, roomId)).length === 2)
    await send(b, BOB, roomId, 'b1', HOUR)
    await eventually('a has what b says', async () => (await stickyOn(a, roomId)).includes('b1'))
    for (let n = 0; n < 12; n++) await send(a, ALICE, roomId, `talk ${n}`)
    await send(a, ALICE, roomId, 'a2', HOUR)
    for (const { clock } of [a, b, c]) await clock.advance(120_000)
    await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
    await eventually('c has all that is sticky', async () => (await stickyOn(c, roomId)).length === 3)
    t.deepEqual((await stickyOn(c, roomId)).toSorted(), ['a1', 'a2', 'b1'])
    t.deepEqual(await stickyOn(a, roomId), ['a1', 'b1', 'a2'])
  },
)
