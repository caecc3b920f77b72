import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { gatewayWorld, NOTIFY, pusher, TAKEN } from '../../test-kit/push-gateway.ts'
import { syncAs } from '../../test-kit/syncing.ts'

type Json = Record<string, unknown>

const path = encodeURIComponent

testDatabases(test, 'a gateway is told everything about what notifies', async (t, _, database) => {
  const { clock, gateway, alice, bob } = await gatewayWorld(t, database)
  const room = await alice.createRoom({ name: 'Tea room', room_alias_name: 'tea', preset: 'public_chat' })
  await alice.setState(room, 'm.room.canonical_alias', { alias: '#tea:localhost' })
  const setAt = Math.floor(clock.now() / 1_000)
  await bob.post('/pushers/set', pusher(gateway.url))
  const device = {
    app_id: 'test.app',
    pushkey: 'KEY',
    pushkey_ts: setAt,
    data: { brand: 'x', deep: { er: 1 } },
  }
  const sound = { sound: 'default' }

  await alice.invite(room, bob.userId)
  const invitation = await gateway.nth(0)
  t.like(invitation, {
    room_id: room,
    type: 'm.room.member',
    sender: alice.userId,
    sender_display_name: 'alice',
    room_name: 'Tea room',
    room_alias: '#tea:localhost',
    user_is_target: true,
    prio: 'high',
    counts: { unread: 0 },
    devices: [{ ...device, tweaks: sound }],
  })
  t.is((invitation['content'] as Json)['membership'], 'invite')

  await bob.join(room)
  const content = { msgtype: 'm.text', body: 'Hello', 'm.mentions': { user_ids: [bob.userId] } }
  const event = await alice.send(room, 'm.room.message', content)
  t.deepEqual(await gateway.nth(1), {
    event_id: event,
    room_id: room,
    type: 'm.room.message',
    sender: alice.userId,
    sender_display_name: 'alice',
    room_name: 'Tea room',
    room_alias: '#tea:localhost',
    prio: 'high',
    content,
    counts: { unread: 1 },
    devices: [{ ...device, tweaks: { ...sound, highlight: true } }],
  })
  t.like(gateway.peer.requests[1], { method: 'POST', url: NOTIFY })
  t.is(gateway.peer.requests[1]?.headers['content-type'], 'application/json')

  await bob.post(`/rooms/${path(room)}/receipt/m.read/${path(event)}`)
  t.deepEqual(
    await gateway.nth(2),
    { counts: { unread: 0 }, prio: 'low', devices: [device] },
    'the badge goes down',
  )

  await bob.post('/pushers/set', pusher(gateway.url, { data: { url: gateway.url, format: 'event_id_only' } }))
  const second = await alice.say(room, 'once more')
  t.deepEqual(await gateway.nth(3), {
    event_id: second,
    room_id: room,
    prio: 'high',
    counts: { unread: 1 },
    devices: [{ ...device, data: { format: 'event_id_only' } }],
  })
  await bob.put(`/pushrules/global/room/${path(room)}`, { actions: [] })
  const muted = await alice.say(room, 'muted')
  // Rules are those of the moment in which an event is counted: let that be over before they change again.
  await syncAs(bob)
  await bob.request('DELETE', `/pushrules/global/room/${path(room)}`)
  const third = await alice.say(room, 'heard')
  // Rules are account data, which may have the badge told beside.
  await gateway.of(third)
  t.false(
    gateway.told.some(one => one['event_id'] === muted),
    'not the one before',
  )

  const missed = async (eventId: string) => ((await gateway.of(eventId))['counts'] as Json)['missed_calls']
  const call = { call_id: '1', party_id: 'p', version: '1' }
  const offer = { type: 'offer', sdp: 'v=0' }
  const ringing = await alice.send(room, 'm.call.invite', { ...call, lifetime: 60_000, offer })
  t.is(await missed(ringing), undefined, 'it rings')
  await clock.advance(61_000)
  t.is(await missed(await alice.say(room, 'I called')), 1)
  await bob.send(room, 'm.call.answer', { ...call, answer: { type: 'answer', sdp: 'v=0' } })
  t.is(await missed(await alice.say(room, 'There you are')), undefined)

  // MSC4076: a client that counts by itself is told of no counts, and woken by none.
  const flag = { 'org.matrix.msc4076.disable_badge_count': true }
  const withFlag = [
    pusher(gateway.url, flag),
    pusher(gateway.url, { data: { url: gateway.url, format: 'event_id_only', ...flag } }),
  ]
  await gateway.of(await alice.say(room, 'the last one before'))
  const before = gateway.told.length
  for (const given of withFlag) {
    await bob.post('/pushers/set', given)
    const uncounted = await alice.say(room, 'uncounted')
    t.false('counts' in (await gateway.of(uncounted)))
    await bob.post(`/rooms/${path(room)}/receipt/m.read/${path(uncounted)}`)
  }
  await gateway.of(await alice.say(room, 'one more'))
  t.is(gateway.told.length, before + 3)
  const events = gateway.told.flatMap(one => one['event_id'] ?? [])
  t.is(new Set(events).size, events.length, 'each is told once')
  t.deepEqual(gateway.peer.problems(), [])
})

testDatabases(
  test,
  'what a gateway does not take is tried again; a rejected key is dropped',
  async (t, _, database) => {
    const { clock, gateway, alice, bob } = await gatewayWorld(t, database)
    const room = await alice.createOpenRoom()
    await bob.join(room)
    await bob.post('/pushers/set', pusher(gateway.url))
    gateway.answer = { status: 502, text: 'away' }
    const first = await alice.say(room, 'one')
    const second = await alice.say(room, 'two')
    t.is((await gateway.nth(0))['event_id'], first)
    for (const attempts of [2, 3]) {
      await eventually('the next attempt', async () => {
        await clock.advance(1_000)
        return gateway.told.length >= attempts
      })
    }
    t.true(
      gateway.told.every(one => one['event_id'] === first),
      'in order',
    )
    gateway.answer = TAKEN
    await eventually('the second event', async () => {
      await clock.advance(1_000)
      return gateway.told.at(-1)?.['event_id'] === second
    })
    const soFar = gateway.told.length

    gateway.answer = { json: { rejected: ['other', 'KEY'] } }
    await alice.say(room, 'three')
    await gateway.nth(soFar)
    await eventually(
      'the pusher to go',
      async () => ((await bob.get('/pushers'))['pushers'] as []).length === 0,
    )
    await alice.say(room, 'four')
    gateway.answer = TAKEN
    await bob.post('/pushers/set', pusher(gateway.url, { pushkey: 'NEW' }))
    const last = await alice.say(room, 'five')
    t.is(
      (await gateway.nth(soFar + 1))['event_id'],
      last,
      'nothing is sent to a pusher from before it was there',
    )
  },
)

testDatabases(test, 'what is gone unread is told by the badge', async (t, _, database) => {
  const { gateway, alice, bob } = await gatewayWorld(t, database)
  const [first, second, third] = await Promise.all([
    alice.createOpenRoom(),
    alice.createOpenRoom(),
    alice.createOpenRoom(),
  ])
  for (const room of [first, second, third]) await bob.join(room)
  await bob.post('/pushers/set', pusher(gateway.url))
  const event = await alice.say(first, 'by mistake')
  await gateway.of(event)
  await gateway.of(await alice.say(second, 'you will go'))
  t.like(await gateway.of(await alice.say(third, 'and ignore me')), { counts: { unread: 3 } })

  await alice.redact(first, event)
  t.like(await gateway.nth(3), { counts: { unread: 2 }, prio: 'low' }, 'what was redacted')
  await bob.leave(second)
  t.like(await gateway.nth(4), { counts: { unread: 1 } }, 'of a room that was left')
  await bob.put(`/user/${path(bob.userId)}/account_data/m.ignored_user_list`, {
    ignored_users: { [alice.userId]: {} },
  })
  t.deepEqual((await gateway.nth(5))['counts'], { unread: 0 }, 'of who is ignored')
  t.deepEqual(gateway.peer.problems(), [])
})
