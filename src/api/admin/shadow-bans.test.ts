import test from 'ava'
import { type AdminAnswer, startAdministered } from '../../test-kit/administrator.ts'
import { invitesOf, pathOf } from '../../test-kit/direct-rooms.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { registerPerson } from '../../test-kit/person.ts'

const CLIENT = '/_matrix/client/v3'

test('what a shadow-banned user does seems to be done, and reaches nobody', async t => {
  const { ask, server } = await startAdministered()
  t.teardown(server.close)
  const { userId, accessToken: token } = await server.register('mallory')
  const { userId: other, accessToken: theirs } = await server.register('alice')
  const call = async (method: string, path: string, json?: object, by = token): Promise<AdminAnswer> => {
    const body = json === undefined ? {} : { json }
    return (await server.request(method, `${CLIENT}${path}`, { token: by, ...body })).body as AdminAnswer
  }
  const made = await call('POST', '/createRoom', { preset: 'public_chat' })
  const room = `/rooms/${String(made['room_id'])}`
  await call('POST', `/join/${String(made['room_id'])}`, {}, theirs)
  const eventsSeen = async (): Promise<number> =>
    ((await call('GET', `${room}/messages?dir=b&limit=100`, undefined, theirs))['chunk'] as unknown[]).length
  const before = await eventsSeen()

  t.is(await ask('POST', '/v1/users/@nobody:localhost/shadow_ban'), '404 M_NOT_FOUND')
  t.deepEqual(await ask('POST', `/v1/users/${userId}/shadow_ban`), {})
  t.like(await ask('GET', `/v2/users/${userId}`), { shadow_banned: true })
  const send = () => call('PUT', `${room}/send/m.room.message/1`, { msgtype: 'm.text', body: 'Spam' })
  const sent = await send()
  t.regex(String(sent['event_id']), /^\$[\w-]{43}$/)
  t.deepEqual(await send(), sent, 'the same request once more')
  t.regex(String((await call('PUT', `${room}/state/m.room.topic/`, { topic: 'Spam' }))['event_id']), /^\$/)
  t.regex(String((await call('PUT', `${room}/redact/${String(sent['event_id'])}/2`, {}))['event_id']), /^\$/)
  t.regex(String((await call('POST', `${room}/upgrade`, { new_version: '11' }))['replacement_room']), /^!/)
  t.deepEqual(await call('POST', `${room}/invite`, { user_id: '@root:localhost' }), {})
  await call('PUT', `${room}/state/m.room.member/@root:localhost`, { membership: 'invite' })
  await call('PUT', `/profile/${userId}/displayname`, { displayname: 'Spammer' })
  t.deepEqual(await call('PUT', `${room}/typing/${userId}`, { typing: true }), {})
  const self = { membership: 'join', displayname: 'Spammer' }
  t.regex(String((await call('PUT', `${room}/state/m.room.member/${userId}`, self))['event_id']), /^\$/)
  await call('PUT', `/presence/${userId}/status`, { presence: 'online', status_msg: 'Spam' })
  t.is((await call('GET', `/presence/${userId}/status`, undefined, theirs))['status_msg'], undefined)
  const toAll = { [other]: { '*': { body: 'Spam' } }, [userId]: { '*': { body: 'To myself' } } }
  t.deepEqual(await call('PUT', '/sendToDevice/org.example/1', { messages: toAll }), {})
  const messagesOf = async (by: string): Promise<unknown[]> => {
    const { to_device: box = {} } = await call('GET', '/sync', undefined, by)
    return (box as { events?: unknown[] }).events ?? []
  }
  t.deepEqual([(await messagesOf(theirs)).length, (await messagesOf(token)).length], [0, 1])
  const list = `/directory/list/room/${String(made['room_id'])}`
  t.deepEqual(await call('PUT', list, { visibility: 'public' }), {})
  const alone = await call('POST', '/createRoom', { invite: [other], visibility: 'public' })
  t.deepEqual((await call('GET', '/publicRooms', undefined, theirs))['chunk'], [])
  const members = await call('GET', `/rooms/${String(alone['room_id'])}/joined_members`)
  t.deepEqual(Object.keys(members['joined'] as object), [userId])
  t.deepEqual(await ask('GET', `/v1/users/${other}/memberships`), {
    memberships: { [String(made['room_id'])]: 'join' },
  })
  t.is(await eventsSeen(), before, 'nothing came of it')
  t.like(await ask('GET', '/v2/users?order_by=shadow_banned&dir=b&limit=1'), { users: [{ name: userId }] })

  await call('POST', `${room}/leave`, { reason: 'Spam' })
  await call('POST', `${room}/join`, { reason: 'Spam' })
  await call('PUT', `${room}/state/m.room.member/${userId}`, { membership: 'leave', reason: 'Spam' })
  await call('PUT', `${room}/state/m.room.member/${userId}`, { membership: 'join', reason: 'Spam' })
  const { chunk } = await call('GET', `${room}/messages?dir=b&limit=4`, undefined, theirs)
  const comings = (chunk as { content: Record<string, unknown> }[]).map(({ content }) => content)
  t.deepEqual(
    comings.map(({ membership, reason }) => [membership, reason]),
    ['join', 'leave', 'join', 'leave'].map(membership => [membership, undefined]),
    'they come and go without a word',
  )

  await ask('DELETE', `/v1/users/${userId}/shadow_ban`)
  await call('PUT', `${room}/send/m.room.message/3`, { msgtype: 'm.text', body: 'Sorry' })
  t.is(await eventsSeen(), before + 5)
  await call('POST', `${room}/leave`, {})
  t.is(await eventsSeen(), before + 6)
})

test('a shadow-banned user reaches nobody by direct rooms and the answers of calendars', async t => {
  const { ask, server } = await startAdministered()
  t.teardown(server.close)
  const [mallory, alice] = [await registerPerson(server, 'mallory'), await registerPerson(server, 'alice')]
  const { room_id: direct } = await mallory.put(pathOf(alice))
  await alice.put(pathOf(mallory))
  const { room_id: left } = await alice.put(pathOf(mallory))
  t.is(left, direct)
  const party = await alice.createRoom({ invite: [mallory.userId] })
  await ask('POST', `/v1/users/${mallory.userId}/shadow_ban`)

  t.like(await mallory.put(pathOf(alice), { request: true }), { membership: 'join', requested: true })
  await alice.leave(String(direct))
  t.like(await mallory.put(pathOf(alice), { request: true }), {
    ...{ room_id: direct, created: false, membership: 'invite', requested: false },
  })
  t.deepEqual(await invitesOf(alice), [])
  const tessera = '/_matrix/client/v1/chat.tessera'
  const text = await server.request('GET', `${tessera}/invitations/${party}/invite.ics`, {
    token: mallory.accessToken,
  })
  const [, uid = ''] = /^UID:(.*)$/m.exec(String(text.body)) ?? []
  const lines = [
    ...['BEGIN:VCALENDAR', 'METHOD:REPLY', 'BEGIN:VEVENT', `UID:${uid}`, 'COMMENT:Spam'],
    ...[`ATTENDEE;PARTSTAT=DECLINED:matrix:u/${mallory.userId.slice(1)}`, 'END:VEVENT', 'END:VCALENDAR'],
  ]
  const reply = await server.request('POST', `${tessera}/invitations/${party}/reply`, {
    token: mallory.accessToken,
    ...{ body: lines.join('\r\n'), headers: { 'content-type': 'text/calendar' } },
  })
  t.is(reply.status, 200)
  const { items } = await alice.get(`${tessera}/notifications`)
  t.deepEqual(
    (items as { kind: string; comment?: string }[]).map(({ kind, comment }) => [kind, comment]),
    [['invitation_declined', undefined]],
  )
})

test('delayed events from before a shadow ban seem to be sent, too', async t => {
  const clock = new FakeClock()
  const { ask, server } = await startAdministered({ clock })
  t.teardown(server.close)
  const [mallory, alice] = [await registerPerson(server, 'mallory'), await registerPerson(server, 'alice')]
  const room = await mallory.createOpenRoom()
  await alice.join(room)
  const delayed = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'
  let sent = 0
  const schedule = async (delay: number): Promise<string> => {
    const target = `/rooms/${room}/send/m.room.message/${sent++}?org.matrix.msc4140.delay=${delay}`
    return String((await mallory.put(target, { msgtype: 'm.text', body: 'Spam' }))['delay_id'])
  }
  const [due, byHand, byHandAsOnce] = [await schedule(10_000), await schedule(80_000), await schedule(90_000)]
  await ask('POST', `/v1/users/${mallory.userId}/shadow_ban`)

  await mallory.post(`${delayed}/${byHand}/send`)
  await mallory.post(`${delayed}/${byHandAsOnce}`, { action: 'send' })
  await mallory.post(`${delayed}/${byHand}/send`)
  await clock.advance(10_000)
  const outcomeOf = async (delayId: string) => (await mallory.get(`${delayed}/${delayId}`))['finalised']
  await eventually('the time has come', async () => (await outcomeOf(due)) !== undefined)
  for (const delayId of [due, byHand, byHandAsOnce]) {
    const { event_id: eventId, error } = (await outcomeOf(delayId)) as Record<string, unknown>
    t.regex(String(eventId), /^\$[\w-]{43}$/)
    t.is(error, undefined)
  }
  const { chunk } = await alice.get(`/rooms/${room}/messages?dir=b&limit=100`)
  t.deepEqual(
    (chunk as { type: string }[]).filter(({ type }) => type === 'm.room.message'),
    [],
  )
})
