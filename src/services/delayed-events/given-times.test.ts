import test from 'ava'
import { GHOST, type Json, registerGhost, startWorld } from '../../test-kit/app-service-world.ts'
import { testDatabases } from '../../test-kit/database.ts'

const path = encodeURIComponent
const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140'
const LATER = 60_000

testDatabases(test, 'services give what is sent later its time as well (MSC4140)', async (t, _, database) => {
  const world = await startWorld(t, { database })
  const { alice, act, clock } = world
  await registerGhost(world)
  const made = await act('POST', '/createRoom', { preset: 'public_chat' }, GHOST)
  const roomId = String(made.body['room_id'])
  await alice.join(roomId)
  const room = path(roomId)

  const asGhost = (method: string, target: string, body?: Json) => act(method, target, body, GHOST)
  const asAlice = (method: string, target: string, body?: Json) => alice.request(method, target, body)
  /** When an event says that it was sent, which is asked to be sent later, and sent early then. */
  const saysIt = async (
    request: typeof asGhost | typeof asAlice,
    target: string,
    body: Json,
  ): Promise<unknown> => {
    const delayId = String((await request('PUT', target, body)).body['delay_id'])
    const delayed = `${UNSTABLE}/delayed_events/${delayId}`
    await request('POST', `${delayed}/send`, {})
    const { event_id: eventId } = (await request('GET', delayed)).body
    return (await alice.get(`/rooms/${room}/event/${path(String(eventId))}`))['origin_server_ts']
  }
  const message = { delay_ms: LATER, content: { msgtype: 'm.text', body: 'hi' } }
  const state = { delay_ms: LATER, content: { joined: true }, state_key: 'a' }
  const scheduled = `${UNSTABLE}/rooms/${room}/delayed_event`
  t.is(await saysIt(asGhost, `${scheduled}/m.room.message/1?ts=5000`, message), 5_000)
  t.is(await saysIt(asGhost, `${scheduled}/org.example.call/2?ts=0`, state), 0)
  t.is(await saysIt(asGhost, `${scheduled}/m.room.message/3`, message), clock.now())
  t.is(
    await saysIt(asAlice, `${scheduled}/m.room.message/4?ts=5000`, message),
    clock.now(),
    'only services do',
  )

  const inRoom = `/rooms/${room}`
  const draft = `org.matrix.msc4140.delay=${LATER}&ts=6000`
  t.is(await saysIt(asGhost, `${inRoom}/send/m.room.message/5?${draft}`, message.content), 6_000)
  t.is(await saysIt(asGhost, `${inRoom}/state/org.example.call/b?${draft}`, state.content), 6_000)
  t.is((await asGhost('PUT', `${scheduled}/m.room.message/6?ts=-1`, message)).code, '400 M_INVALID_PARAM')
})
