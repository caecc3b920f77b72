import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import type { Interceptor } from '../../test-kit/federation-transport.ts'
import { messagesOf, say, setState, stateAt } from '../../test-kit/federation-world.ts'

const ERIN = '@erin:a.test'
const FRANK = '@frank:a.test'
const OUT = { type: 'm.room.member', content: { membership: 'leave' } }

/** As Synapse does, which forgets a room's state when its last user leaves, and takes nobody for a member any more. */
const silent: Interceptor = ({ from, path }) =>
  from === 'b.test' && /\/v1\/(get_missing_events|state|state_ids|event|event_auth|backfill)\//.test(path)
    ? { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'Host not in room.' } }
    : undefined

testDatabases(
  test,
  'users of a server are out that tells nothing more of a room since its last one has left it',
  async (t, database) => {
    const p = await pair(t, database)
    const { a, b, world } = p
    const roomId = await sharedRoom(p)
    const joins: RoomEvent[] = []
    for (const userId of [ERIN, FRANK]) {
      await a.rooms.memberships.join({ userId, roomId })
      const join = await stateAt(a, roomId, 'm.room.member', userId)
      if (join !== undefined) joins.push(join)
    }
    await world.send(a, b, joins)
    // Who leaves does so later than they came: nothing else tells the two apart where they are resolved.
    await a.clock.advance(1_000)
    const left: RoomEvent[] = []
    for (const [sender, stateKey] of [
      [ERIN, ERIN],
      [ALICE, FRANK],
      [ALICE, ALICE],
    ] as const) {
      await say(a, ALICE, roomId, 'unheard')
      left.push(await setState(a, sender, roomId, { ...OUT, stateKey }))
    }
    world.intercept = silent
    for (const event of left) await world.send(a, b, [event])
    const head = await b.core.writer.head(roomId)
    for (const userId of [ERIN, FRANK, ALICE]) t.is(head?.memberships.get(userId), 'leave', userId)
    t.deepEqual(head?.joinedHosts(), ['b.test'])
    t.deepEqual(await messagesOf(b, roomId), [])
  },
)
