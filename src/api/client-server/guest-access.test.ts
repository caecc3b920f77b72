import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { newPerson, Person, serverTests } from '../../test-kit/people.ts'
import type { RunningTestServer } from '../../test-kit/server.ts'

const onServer = serverTests(test, { settings: { guests: { enabled: true } } })

const newGuest = async (server: RunningTestServer): Promise<Person> => {
  const { body } = await server.request('POST', '/_matrix/client/v3/register?kind=guest', { json: {} })
  const guest = body as { user_id: string; access_token: string; device_id: string }
  const { user_id: userId, access_token: accessToken, device_id: deviceId } = guest
  return new Person(server, { userId, accessToken, deviceId })
}

onServer('guests join rooms that let them in, and leave those that no longer do', async (t, server) => {
  const [ann, guest] = [await newPerson(server), await newGuest(server)]
  const closed = await ann.createRoom({ preset: 'public_chat' })
  const refused = { code: '403 M_GUEST_ACCESS_FORBIDDEN' }
  await t.throwsAsync(guest.change('join', closed), refused)
  const own = { membership: 'join' }
  await t.throwsAsync(guest.setState(closed, 'm.room.member', own, guest.userId), refused)
  await ann.change('invite', closed, guest)
  await t.throwsAsync(guest.change('join', closed), refused, 'an invitation makes no difference')
  await ann.setState(closed, 'm.room.guest_access', { guest_access: 'can_join' })
  await guest.change('join', closed)
  await guest.send(closed, 'hello')
  const bob = await newPerson(server)
  await bob.change('join', closed)
  await ann.setState(closed, 'm.room.guest_access', { guest_access: 'forbidden' })
  const membership = async (who: Person): Promise<unknown> =>
    (await ann.api('GET', `/rooms/${encodeURIComponent(closed)}/state/m.room.member/${who.userId}`))[
      'membership'
    ]
  await eventually('the guest is out', async () => (await membership(guest)) === 'leave')
  t.is(await membership(bob), 'join', 'nobody else has to go')
  await t.throwsAsync(guest.change('join', closed), refused)
  const again = await ann.setState(closed, 'm.room.guest_access', { guest_access: 'can_join' })
  await guest.change('join', closed)
  await ann.redact(closed, again)
  await eventually('the guest is out', async () => (await membership(guest)) === 'leave')
})

onServer('guests have access to what the specification names, and to nothing else', async (t, server) => {
  const [ann, guest] = [await newPerson(server), await newGuest(server)]
  const room = await ann.createRoom({ preset: 'public_chat' })
  await ann.setState(room, 'm.room.guest_access', { guest_access: 'can_join' })
  await guest.change('join', room)
  const event = encodeURIComponent(await guest.send(room, 'hello'))
  const rooms = `/rooms/${encodeURIComponent(room)}`
  const own = `/user/${encodeURIComponent(guest.userId)}`
  for (const target of [
    ...[`${rooms}/state`, `${rooms}/context/${event}`, `${rooms}/event/${event}`, `${rooms}/members`],
    ...[`${rooms}/state/m.room.create/`, `${rooms}/messages?dir=b`, `${rooms}/initialSync`],
    ...['/sync', '/devices', '/account/whoami', '/publicRooms'],
  ]) {
    await t.notThrowsAsync(guest.api('GET', target), target)
  }
  const someone = { user_id: ann.userId }
  for (const [method, target, json] of [
    ['POST', '/createRoom', {}],
    ['POST', `${rooms}/invite`, someone],
    ['POST', `${rooms}/kick`, someone],
    ['POST', `/knock/${encodeURIComponent(room)}`, {}],
    ['PUT', `${rooms}/redact/${event}/r1`, {}],
    ['PUT', `/directory/room/${encodeURIComponent('#g:localhost')}`, { room_id: room }],
    ['PUT', `${own}/account_data/x`, {}],
    ['GET', `${own}/account_data/x`, undefined],
    ['POST', '/user_directory/search', { search_term: 'x' }],
    ['POST', '/search', { search_categories: {} }],
    ['GET', '/joined_rooms', undefined],
    ['GET', '/notifications', undefined],
    ['GET', '/account/3pid', undefined],
  ] as const) {
    await t.throwsAsync(guest.api(method, target, json), { code: '403 M_GUEST_ACCESS_FORBIDDEN' }, target)
  }
})

onServer('guests write nothing about who is in a room but that they come and go', async (t, server) => {
  const [ann, bob, guest] = [await newPerson(server), await newPerson(server), await newGuest(server)]
  const room = await ann.createRoom({
    preset: 'public_chat',
    power_level_content_override: { invite: 0, kick: 0, ban: 0, state_default: 0 },
  })
  await ann.setState(room, 'm.room.guest_access', { guest_access: 'can_join' })
  await bob.change('join', room)
  const refused = { code: '403 M_GUEST_ACCESS_FORBIDDEN' }
  const write = (membership: string, who: Person) =>
    guest.setState(room, 'm.room.member', { membership }, who.userId)
  await t.throwsAsync(write('knock', guest), refused)
  await write('join', guest)
  const outsider = await newPerson(server)
  await t.throwsAsync(write('invite', outsider), refused)
  for (const membership of ['leave', 'ban']) await t.throwsAsync(write(membership, bob), refused, membership)
  const later = `/rooms/${encodeURIComponent(room)}/state/m.room.member`
  const delayed = (membership: string, who: Person) =>
    guest.api('PUT', `${later}/${who.userId}?org.matrix.msc4140.delay=60000`, { membership })
  await t.throwsAsync(delayed('invite', outsider), refused)
  await t.notThrowsAsync(delayed('leave', guest))
  await guest.setState(room, 'org.example', { is: 'what else they may send' })
  await write('leave', guest)
})
