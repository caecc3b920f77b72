import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

test('the state of a large room is loaded while it is sent', async t => {
  const database = await testDatabase(t)
  const { core, rooms, clock } = await testRooms(database)
  const { sync, ask, close } = testSync({ core, clock }, database)
  t.teardown(close)
  const userId = `@me:${core.context.serverName}`
  const roomId = await rooms.roomCreation.create(newRoom(rooms, userId, {}), { isDirect: false })
  for (let n = 0; n < 1_100; n++) {
    const content = { text: 'x'.repeat(1_000) }
    await core.sender.send(roomId, { type: 'x', stateKey: String(n), sender: userId, content })
  }
  const { passing } = core.context.read
  const byNids = passing.byNids.bind(passing)
  let loaded = 0
  passing.byNids = async nids => {
    loaded += nids.length
    return byNids(nids)
  }
  const query = { fullState: false, timeoutMs: 0, stateAfter: false } as const
  const body = await sync.sync(requesterOf(userId), query, new AbortController().signal)
  if (typeof body === 'string') return t.fail('in one piece')
  t.true(loaded <= 500, 'not all of it before anything is sent')
  let text = ''
  for await (const piece of body) text += piece
  t.true(loaded > 1_000)
  const { state, timeline } = JSON.parse(text).rooms.join[roomId]
  const keys = [...state.events, ...timeline.events].filter(event => event.type === 'x')
  t.is(new Set(keys.map(event => event.state_key)).size, 1_100)

  // Beside other rooms, and where the client wants the state as it is after the timeline.
  const other = await rooms.roomCreation.create(newRoom(rooms, userId, {}), { isDirect: false })
  const both = await ask(userId, { stateAfter: 'state_after' })
  t.deepEqual(Object.keys(both.rooms?.join ?? {}).toSorted(), [roomId, other].toSorted())
  const after = both.rooms?.join?.[roomId] as unknown as { state_after: { events: { type: string }[] } }
  t.is(after.state_after.events.filter(({ type }) => type === 'x').length, 1_100)
})
