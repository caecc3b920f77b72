import test from 'ava'
import type { CallOptions } from '../../network/federation/requester.ts'
import { type FederationClient, FederationError } from '../../network/federation-client.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, CAROL, forge, makeRoom, pair } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, stateAt } from '../../test-kit/federation-world.ts'

const SLOW_MS = 5_000
const DAVE = '@dave:d.test'
const NOWHERE = `$${'n'.repeat(43)}`

test('a server that does not answer what it is asked keeps nobody else in the room waiting', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const d = await world.add('d.test')
  const roomId = await makeRoom(a)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  for (const [server, userId] of [
    [c, CAROL],
    [d, DAVE],
  ] as const) {
    await server.rooms.memberships.join({ userId, roomId, via: ['a.test'] })
    await world.send(a, b, [(await stateAt(a, roomId, 'm.room.member', userId)) ?? {}])
  }
  const { promise: silence, resolve: end } = Promise.withResolvers<void>()
  t.teardown(end)
  const asked: string[] = []
  world.transport = async ({ to, path }, deliver) => {
    if (path.includes('get_missing_events')) asked.push(to)
    if (to === 'c.test') await silence
    return deliver()
  }
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  const gaps = [1, 2, 3].map(index =>
    forge(c, roomId, { sender: CAROL, prevEvents: [NOWHERE], content: { body: `lost ${index}` } }),
  )
  t.is((await world.send(c, b, await Promise.all(gaps))).size, 0)

  // What lacks nothing is there at once.
  t.is((await world.send(a, b, [await say(a, ALICE, roomId, 'at once')])).size, 0)
  t.deepEqual(await messagesOf(b, roomId), ['at once'])

  // What lacks something itself is asked for beside it, before the other's time is over.
  await say(d, DAVE, roomId, 'unheard')
  t.is((await world.send(d, b, [await say(d, DAVE, roomId, 'last')])).size, 0)
  t.deepEqual(asked, ['c.test'])
  await b.clock.advance(SLOW_MS)
  await eventually('the others are heard', async () => (await messagesOf(b, roomId)).length === 3)
  t.deepEqual(await messagesOf(b, roomId), ['at once', 'unheard', 'last'])
  t.deepEqual(asked, ['c.test', 'd.test'], 'of one server one after another')
  end()
  await idle()
})

test('where a server is silent that has sent an event, others are asked for what it needs', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const roomId = await makeRoom(a)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(a, b, [(await stateAt(a, roomId, 'm.room.member', CAROL)) ?? {}])
  const [unheard, last] = [await say(c, CAROL, roomId, 'unheard'), await say(c, CAROL, roomId, 'last')]
  await world.send(c, a, [unheard, last])
  const asked: string[] = []
  const silent = async (what: string, { timeoutMs = 0 }: CallOptions = {}): Promise<never> => {
    asked.push(what)
    await b.clock.sleep(timeoutMs)
    throw new FederationError('timeout', 'c.test', 'silent')
  }
  const { getMissingEvents, getStateIds } = b.client
  const patient: Pick<FederationClient, 'getMissingEvents' | 'getStateIds'> = {
    getMissingEvents: (server, ask, options) =>
      server === 'c.test' ? silent('missing', options) : getMissingEvents(server, ask, options),
    getStateIds: (server, ask, options) =>
      server === 'c.test' ? silent('state', options) : getStateIds(server, ask, options),
  }
  Object.assign(b.client, patient)
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  t.is((await world.send(c, b, [last])).size, 0)
  await eventually('it is asked', () => asked.includes('missing'))
  await b.clock.advance(30_000)
  await eventually('it is asked for the state', () => asked.includes('state'))
  await b.clock.advance(15_000)
  await idle()
  t.deepEqual(await messagesOf(b, roomId), ['unheard', 'last'])
})
