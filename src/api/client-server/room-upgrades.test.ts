import test from 'ava'
import { roomVersions } from '../../core/room-versions.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

const stateOf = async (person: Person, roomId: string): Promise<Map<string, Json>> => {
  const { body } = await person.request('GET', `/rooms/${roomId}/state`)
  return new Map(
    (body as unknown as Json[]).map(event => [
      `${String(event['type'])} ${String(event['state_key'])}`,
      event,
    ]),
  )
}
const contentOf = (state: Map<string, Json>, key: string): Json => (state.get(key)?.['content'] ?? {}) as Json

testDatabases(test, 'a room is replaced, with all that belongs to it', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const carol = await registerPerson(server, 'carol')
  const roomId = await alice.createOpenRoom({
    room_version: '11',
    visibility: 'public',
    name: 'Town hall',
    topic: 'All welcome',
    room_alias_name: 'hall',
    creation_content: { type: 'm.space', 'm.federate': false, 'org.example.own': 1 },
    initial_state: [
      { type: 'm.room.server_acl', content: { allow: ['*'] } },
      { type: 'org.example.custom', content: { a: 1 } },
      { type: 'm.space.child', state_key: '!child:localhost', content: { via: ['localhost'] } },
    ],
  })
  await bob.join(roomId)
  const levels = contentOf(await stateOf(alice, roomId), 'm.room.power_levels ')
  await alice.setState(roomId, 'm.room.power_levels', {
    ...levels,
    users: { [alice.userId]: 100, [bob.userId]: 60, [carol.userId]: 50 },
    events: { 'm.room.tombstone': 60, 'm.room.server_acl': 100 },
  })
  await alice.post(`/rooms/${roomId}/ban`, { user_id: carol.userId, reason: 'noise' })
  await alice.put(`/user/${alice.userId}/account_data/m.direct`, { [bob.userId]: [roomId], x: 7 })
  const tags = { tags: { 'm.favourite': { order: 0.1 } } }
  for (const person of [alice, bob]) {
    await person.put(`/user/${person.userId}/rooms/${roomId}/account_data/m.tag`, tags)
  }
  const upgrade = (person: Person, body: Json, room = roomId) =>
    person.request('POST', `/rooms/${room}/upgrade`, body)
  t.is(await carol.code('POST', `/rooms/${roomId}/upgrade`, { new_version: '12' }), '403 M_FORBIDDEN')
  t.is(
    await bob.code('POST', `/rooms/${roomId}/upgrade`, { new_version: 'nope' }),
    '400 M_UNSUPPORTED_ROOM_VERSION',
  )
  t.is(await bob.code('POST', '/rooms/!no:localhost/upgrade', { new_version: '12' }), '404 M_NOT_FOUND')
  t.is(
    await bob.code('POST', `/rooms/${roomId}/upgrade`, { new_version: '12', additional_creators: ['x'] }),
    '400 M_INVALID_PARAM',
  )
  // Bob may replace the room, though much that he sets in the new one is beyond him in the old one.
  const { body } = await upgrade(bob, { new_version: '12', additional_creators: [alice.userId] })
  const newId = String(body['replacement_room'])
  const again = await upgrade(bob, { new_version: '12', additional_creators: [alice.userId] })
  t.is(again.body['replacement_room'], newId, 'the answer may have been lost')
  const old = await stateOf(alice, roomId)
  t.like(contentOf(old, 'm.room.tombstone '), { replacement_room: newId })
  t.deepEqual(contentOf(old, 'm.room.canonical_alias '), {})
  t.like(
    contentOf(old, 'm.room.power_levels '),
    { users: { [alice.userId]: 100 } },
    'beyond bob: left as it was',
  )

  await alice.join(newId)
  const state = await stateOf(alice, newId)
  const create = contentOf(state, 'm.room.create ')
  t.like(create, {
    room_version: '12',
    type: 'm.space',
    'm.federate': false,
    additional_creators: [alice.userId],
  })
  t.is((create['predecessor'] as Json)['room_id'], roomId)
  t.is(create['org.example.own'], undefined)
  for (const [type, content] of [
    ['m.room.name ', { name: 'Town hall' }],
    ['m.room.server_acl ', { allow: ['*'] }],
    ['m.room.join_rules ', { join_rule: 'public' }],
    ['m.room.canonical_alias ', { alias: '#hall:localhost' }],
    ['m.space.child !child:localhost', { via: ['localhost'] }],
    [`m.room.member ${carol.userId}`, { membership: 'ban', reason: 'noise' }],
  ] as const) {
    t.like(contentOf(state, type), content, type)
  }
  t.false(state.has('org.example.custom '))
  const power = contentOf(state, 'm.room.power_levels ')
  t.deepEqual(power['users'], { [carol.userId]: 50 }, 'creators are not listed')
  t.true(((power['events'] as Json)['m.room.tombstone'] as number) > 50)
  t.is((await carol.get('/directory/room/%23hall%3Alocalhost'))['room_id'], newId)
  t.deepEqual(await carol.get(`/directory/list/room/${roomId}`), { visibility: 'private' })
  t.deepEqual(await carol.get(`/directory/list/room/${newId}`), { visibility: 'public' })
  for (const person of [alice, bob]) {
    t.deepEqual(await person.get(`/user/${person.userId}/rooms/${newId}/account_data/m.tag`), tags)
  }
  t.deepEqual(await alice.get(`/user/${alice.userId}/account_data/m.direct`), {
    [bob.userId]: [roomId, newId],
    x: 7,
  })
  t.is(await carol.code('POST', `/join/${newId}`), '403 M_FORBIDDEN')
})

test('every version can be replaced by every other', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const ids = [...roomVersions.keys()]
  // Each version once as the old and once as the new one, in both directions.
  for (const [index, id] of ids.entries()) {
    for (const next of [ids.at(index - 1) ?? '1', '12', '6']) {
      const roomId = await alice.createRoom({
        room_version: id,
        invite: [bob.userId],
      })
      await bob.join(roomId)
      await alice.setState(roomId, 'm.room.join_rules', { join_rule: 'knock_restricted', allow: [] })
      const { status, body } = await alice.request('POST', `/rooms/${roomId}/upgrade`, { new_version: next })
      t.is(status, 200, `${id} → ${next}: ${JSON.stringify(body)}`)
      const newId = String(body['replacement_room'])
      const state = await stateOf(alice, newId)
      t.is(contentOf(state, 'm.room.create ')['room_version'], next)
      const rule = contentOf(state, 'm.room.join_rules ')['join_rule']
      t.is(rule, Number(next) >= 10 ? 'knock_restricted' : 'invite', `${id} → ${next}`)
      await alice.setState(newId, 'm.room.power_levels', {
        ...contentOf(state, 'm.room.power_levels '),
        ban: 60,
      })
      t.is(
        await bob.code('PUT', `/rooms/${roomId}/send/m.room.message/x`, { msgtype: 'm.text', body: 'x' }),
        '403 M_FORBIDDEN',
      )
    }
  }
})

testDatabases(test, 'people knock, are let in, turned away, or change their mind', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const roomId = await alice.createRoom({
    room_alias_name: 'door',
    initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
  })
  const closed = await alice.createRoom()
  const knock = (room: string) =>
    bob.code('POST', `/knock/${encodeURIComponent(room)}`, { reason: 'let me in' })
  t.is(await knock(closed), '403 M_FORBIDDEN')
  t.is(await knock('#door:localhost'), '200 -')
  const member = () => alice.get(`/rooms/${roomId}/state/m.room.member/${bob.userId}`)
  t.like(await member(), { membership: 'knock', reason: 'let me in' })
  const sync = await bob.get('/sync')
  t.truthy(((sync['rooms'] as Json)['knock'] as Json)[roomId])
  t.is(await bob.code('POST', `/join/${roomId}`), '403 M_FORBIDDEN')
  await bob.leave(roomId)
  t.like(await member(), { membership: 'leave' })
  t.is(await knock(roomId), '200 -')
  await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })
  t.like(await member(), { membership: 'leave' })
  t.is(await knock(roomId), '200 -')
  await alice.invite(roomId, bob.userId)
  await bob.join(roomId)
  t.is(await knock(roomId), '403 M_FORBIDDEN', 'who is in does not knock')
  await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
  t.is(await knock(roomId), '403 M_FORBIDDEN')
})
