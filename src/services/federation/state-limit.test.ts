import test from 'ava'
import { ALICE, BOB, sharedRoom } from '../../test-kit/federated-pair.ts'
import { FederationWorld, messagesOf, say } from '../../test-kit/federation-world.ts'

const LIMIT = { perSecond: 1, burst: 10 }

test('a server that asks for the state of rooms all the time is refused that, and nothing else', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test', { rateLimits: { 'federation-state': LIMIT } })
  const b = await world.add('b.test')
  const roomId = await sharedRoom({ world, a, b })
  const { eventId } = await say(a, ALICE, roomId, 'here')
  const ask = { roomId, eventId }
  const kinds = [
    () => b.client.getState('a.test', ask),
    () => b.client.getStateIds('a.test', ask),
    () => b.client.getEventAuth('a.test', ask),
  ]
  await t.notThrowsAsync(b.client.getState('a.test', ask))
  // What it has asked for when it joined counts as well.
  for (let asked = 1; asked < LIMIT.burst; asked++)
    await b.client.getStateIds('a.test', ask).catch(() => undefined)
  for (const kind of kinds) await t.throwsAsync(kind, { message: /Too many requests/ })
  const other = '@dave:b.test'
  const template = await b.client.makeJoin('a.test', { roomId, userId: other, versions: ['12'] })
  t.is(template.roomVersion, '12')
  const handedIn = { roomId, eventId: '$none', event: template.event, omitMembers: false }
  const join = () => b.client.sendJoin('a.test', handedIn)
  await t.throwsAsync(join, { message: /Too many requests/ }, 'nobody is let in before that')
  await world.send(b, a, [await say(b, BOB, roomId, 'still heard')])
  t.deepEqual(await messagesOf(a, roomId), ['here', 'still heard'])
  await a.clock.advance(1_000)
  await t.notThrowsAsync(b.client.getState('a.test', ask))
})
