import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, type Pair, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import type { Interceptor } from '../../test-kit/federation-transport.ts'
import { stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { NOT_NOW } from '../../test-kit/partial-join.ts'

/** The first server is not told who is in the room. */
const shut: Interceptor = ({ from, path }) =>
  from === 'a.test' && path.startsWith('/_matrix/federation/v1/state') ? NOT_NOW : undefined

/** One server tells another of a membership. */
const tell = async ({ world }: Pair, from: WorldServer, to: WorldServer, roomId: string, userId: string) => {
  const event = await stateAt(from, roomId, 'm.room.member', userId)
  if (event === undefined) throw new Error(`${userId} is not known`)
  const refused = await world.send(from, to, [event])
  if (refused.size > 0) throw new Error([...refused.values()].join())
}

test('a room of ours that was left while its members were not known is entered through those who are in it', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p, { preset: 'public_chat', name: 'Named' })
  await a.rooms.memberships.leave({ userId: ALICE, roomId })
  await tell(p, a, b, roomId, ALICE)
  world.intercept = shut
  const join = async (): Promise<void> => {
    let isIn = false
    void a.rooms.memberships.join({ userId: ALICE, roomId, via: ['b.test'] }).then(() => {
      isIn = true
    })
    await eventually('Alice is in', async () => {
      await a.clock.advance(500)
      return isIn
    })
  }
  await join()
  t.truthy((await a.core.writer.head(roomId))?.partial)
  await a.rooms.memberships.leave({ userId: ALICE, roomId })
  await tell(p, a, b, roomId, ALICE)
  await eventually('nobody asks for members', async () => {
    await a.clock.advance(60_000)
    return (await a.core.writer.head(roomId))?.partial === undefined
  })
  await join()
  t.is((await b.core.writer.head(roomId))?.memberships.get(ALICE), 'join')
  t.is((await b.core.writer.head(roomId))?.memberships.get(BOB), 'join')
})
