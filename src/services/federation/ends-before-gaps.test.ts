import test, { type ExecutionContext } from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, type Pair, pair } from '../../test-kit/federated-pair.ts'
import { say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import {
  assertSameStates,
  assertSameTimeline,
  lose,
  pages,
  scene,
  silence,
} from '../../test-kit/missed-history.ts'

const endsOf = async ({ core }: WorldServer, roomId: string): Promise<string[]> => {
  const [head, room] = [await core.writer.head(roomId), await core.context.read.rooms.byId(roomId)]
  const ids = (head?.extremities ?? []).map(({ eventId }) => eventId).sort()
  const stored = await core.context.read.rooms.extremities(room?.nid ?? 0)
  return stored.length === ids.length ? ids : ['not as they are stored']
}

/** Holds what b takes the room for now against what it is on a. */
const assertSameRoom = async (t: ExecutionContext, { a, b }: Pair, roomId: string): Promise<void> => {
  t.deepEqual(await endsOf(b, roomId), await endsOf(a, roomId))
  const stateOf = async ({ core }: WorldServer) =>
    [...((await core.writer.head(roomId))?.state.values() ?? [])].map(({ eventId }) => eventId).sort()
  t.deepEqual(await stateOf(b), await stateOf(a))
}

testDatabases(test, 'what held before a gap has no say once the gap is filled', async (t, database) => {
  const p = await pair(t, database)
  const { a, b, world } = p
  const topicOf = async () => (await stateAt(b, roomId, 'm.room.topic'))?.content['topic']
  const setTopic = (id: string, topic: string) =>
    setState(a, ALICE, id, { type: 'm.room.topic', content: { topic } })
  // The clock was put right meanwhile: where both stand side by side, the later one counts.
  const { roomId } = await scene(p, 12, async id => {
    await world.send(a, b, [await setTopic(id, 'old')])
    await a.clock.advance(-60_000)
  })
  t.is((await endsOf(b, roomId)).length, 2)
  t.is(await topicOf(), 'old')
  silence(p, undefined)
  await pages(b, roomId, { direction: 'b' })
  await assertSameRoom(t, p, roomId)
  t.is(await topicOf(), 'lost 11')
  await assertSameTimeline(t, p, roomId)
  await assertSameStates(t, p, roomId)
  await world.send(a, b, [await say(a, ALICE, roomId, 'on')])
  await assertSameRoom(t, p, roomId)
})

test('what came late from within a gap is no end once what refers to it is here', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const { roomId, tell } = await scene(p, 3)
  await lose(p, roomId, 2, 'more')
  const late = await say(a, ALICE, roomId, 'late')
  await lose(p, roomId, 2, 'rest')
  await tell('end')
  await world.send(a, b, [late])
  const ends = await endsOf(b, roomId)
  t.true(ends.includes(late.eventId))
  silence(p, undefined)
  await pages(b, roomId, { direction: 'b' })
  await assertSameRoom(t, p, roomId)
  await assertSameStates(t, p, roomId)
})
