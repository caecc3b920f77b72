import test from 'ava'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { testsOfTwo } from '../../test-kit/two-people.ts'

type Json = Record<string, unknown>
const path = encodeURIComponent
const withTwo = testsOfTwo(test)

withTwo('nobody is asked for a room whose ID is none', async (t, { ann }) => {
  for (const roomId of ['!', '!x:', '!x:bad server', `!${'x'.repeat(260)}:far.test`])
    t.is(await ann.code('POST', `/rooms/${path(roomId)}/join`, {}), '400 M_INVALID_PARAM', roomId)
})

withTwo('who is not in a room does not learn whether there is one', async (t, { ann, bob }) => {
  for (const room of ['!none:localhost', await ann.createRoom()]) {
    const act = (action: string) =>
      bob.code('POST', `/rooms/${path(room)}/${action}`, { user_id: '@cat:localhost' })
    for (const action of ['invite', 'kick', 'ban', 'unban'])
      t.is(await act(action), '403 M_FORBIDDEN', action)
    for (const place of ['send/m.room.message/1', 'state/m.room.topic']) {
      const content = { msgtype: 'm.text', body: 'hi', topic: 'hi' }
      t.is(await bob.code('PUT', `/rooms/${path(room)}/${place}`, content), '403 M_FORBIDDEN', place)
    }
  }
})

withTwo(
  'state that would be the end of a room is refused, and so are aliases that are no list',
  async (t, { ann }) => {
    const room = await ann.createRoom()
    const put = (type: string, content: Json) =>
      ann.code('PUT', `/rooms/${path(room)}/state/${type}`, content)
    for (const acl of [{}, { allow: ['elsewhere.test'] }, { allow: ['*'], deny: ['local*'] }]) {
      t.is(await put('m.room.server_acl', acl), '400 M_INVALID_PARAM', 'nobody here could mend it')
      const initial_state = [{ type: 'm.room.server_acl', content: acl }]
      t.is(await ann.code('POST', '/createRoom', { initial_state }), '400 M_INVALID_PARAM')
    }
    t.is(await put('m.room.server_acl', { allow: ['*'], deny: ['evil.test'] }), '200 -')
    for (const aliases of ['#tea:localhost', { a: '#tea:localhost' }, 1])
      t.is(await put('m.room.canonical_alias', { alt_aliases: aliases }), '400 M_INVALID_PARAM')
    t.is(await put('m.room.canonical_alias', { alias: null, alt_aliases: null }), '200 -')
  },
)

withTwo(
  'who may come into a restricted room is for the server to say, not for clients',
  async (t, { ann, bob }) => {
    const club = await ann.createRoom()
    const allow = [{ type: 'm.room_membership', room_id: club }]
    for (const version of ['7', '8', '12']) {
      const rule = version === '7' ? { join_rule: 'invite' } : { join_rule: 'restricted', allow }
      const initial_state = [{ type: 'm.room.join_rules', content: rule }]
      const room = await ann.createRoom({ room_version: version, initial_state })
      const put = (who: Person, user: Person, content: Json) =>
        who.code('PUT', `/rooms/${path(room)}/state/m.room.member/${user.userId}`, content)
      const forged = { membership: 'join', join_authorised_via_users_server: ann.userId }
      t.is(await put(bob, bob, forged), '403 M_FORBIDDEN', version)
      t.is(await put(ann, ann, { ...forged, displayname: 'A' }), '200 -')
      const own = `/rooms/${path(room)}/state/m.room.member/`
      t.deepEqual(await ann.get(own + ann.userId), { membership: 'join', displayname: 'A' })
      t.is(await put(ann, bob, { ...forged, membership: 'invite' }), '200 -')
      t.deepEqual(await ann.get(own + bob.userId), { membership: 'invite', displayname: 'bob' })
    }
    const restricted = { type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }
    const room = await ann.createRoom({ initial_state: [restricted] })
    const member = `/rooms/${path(room)}/state/m.room.member/${bob.userId}`
    await ann.invite(club, bob.userId)
    await bob.join(club)
    t.is(await bob.code('PUT', member, { membership: 'join', displayname: null }), '200 -')
    const joined = { membership: 'join', displayname: null, join_authorised_via_users_server: ann.userId }
    t.deepEqual(await bob.get(member), joined)
  },
)

withTwo(
  'a transaction ID is no longer than other identifiers: no index takes any text',
  async (t, { ann }) => {
    const room = await ann.createRoom()
    const event = path(await ann.say(room, 'hello'))
    const [fits, tooLong] = ['é'.repeat(255), 'é'.repeat(256)].map(path)
    for (const [place, body] of [
      [`/rooms/${path(room)}/send/m.room.message/`, { msgtype: 'm.text', body: 'x' }],
      [`/rooms/${path(room)}/redact/${event}/`, {}],
      ['/sendToDevice/x.y/', { messages: {} }],
    ] as const) {
      t.is(await ann.code('PUT', `${place}${fits}`, body), '200 -', place)
      t.is(await ann.code('PUT', `${place}${tooLong}`, body), '400 M_INVALID_PARAM', place)
    }
  },
)

withTwo('only a ban can be lifted', async (t, { ann, bob }) => {
  const room = await ann.createOpenRoom()
  const unban = (by: Person) => by.code('POST', `/rooms/${path(room)}/unban`, { user_id: bob.userId })
  t.is(await unban(ann), '403 M_BAD_STATE')
  t.is(await unban(bob), '403 M_BAD_STATE', 'whoever is no member knows that much of themselves')
  t.is(await ann.code('POST', `/rooms/${path(room)}/invite`, { user_id: bob.userId }), '200 -')
  t.is(await unban(bob), '403 M_BAD_STATE', 'no way to decline an invitation')
  const cat = await bob.code('POST', `/rooms/${path(room)}/unban`, { user_id: '@cat:localhost' })
  t.is(cat, '403 M_FORBIDDEN', 'who is not in the room learns nothing of its bans')
  await ann.post(`/rooms/${path(room)}/ban`, { user_id: bob.userId })
  t.is(await unban(ann), '200 -')
})

withTwo('both ways to choose members together mean either', async (t, { ann, bob }) => {
  const room = await ann.createOpenRoom()
  await bob.join(room)
  await bob.leave(room)
  await ann.invite(room, '@cat:localhost')
  const members = async (query: string) => {
    const { chunk } = await ann.get(`/rooms/${path(room)}/members?${query}`)
    return (chunk as Json[]).map(event => String(event['state_key']).slice(1, 4)).sort()
  }
  t.deepEqual(await members(''), ['ann', 'bob', 'cat'])
  t.deepEqual(await members('membership=join'), ['ann'])
  t.deepEqual(await members('not_membership=join'), ['bob', 'cat'])
  t.deepEqual(await members('membership=join&not_membership=leave'), ['ann', 'cat'])
  t.deepEqual(await members('membership=join&not_membership=join'), ['ann', 'bob', 'cat'])
})

withTwo(
  'state that has no canonical form is refused, also where there is some already',
  async (t, { ann }) => {
    const room = await ann.createRoom({ name: 'Tea' })
    const name = `/rooms/${path(room)}/state/m.room.name`
    for (const value of ['\ud800', 1.5, 2 ** 53, { '\udfff': 1 }]) {
      t.is(await ann.code('PUT', name, { name: value }), '400 M_BAD_JSON')
    }
    t.is(await ann.code('POST', `/rooms/${path(room)}/leave`, { reason: '\ud800' }), '400 M_BAD_JSON')
  },
)

withTwo(
  'memberships and power levels that cannot be read are malformed, not forbidden',
  async (t, { ann }) => {
    const room = await ann.createRoom()
    const state = (type: string, content: Json, key = '') =>
      ann.code('PUT', `/rooms/${path(room)}/state/${type}/${path(key)}`, content)
    t.is(await state('m.room.member', {}, ann.userId), '400 M_BAD_JSON')
    const calls = (called: Json) => state('m.room.member', { membership: 'join', ...called }, ann.userId)
    t.is(await calls({ displayname: ['Ann'] }), '400 M_BAD_JSON')
    t.is(await calls({ avatar_url: 5 }), '400 M_BAD_JSON')
    t.is(await calls({ displayname: 'n'.repeat(257) }), '400 M_INVALID_PARAM', 'no longer than in all rooms')
    t.is(await calls({ avatar_url: `mxc://a/${'b'.repeat(1_000)}` }), '400 M_INVALID_PARAM')
    t.is(await calls({ displayname: '😀'.repeat(256), avatar_url: null }), '200 -')
    for (const levels of [{ ban: '50' }, { events: { a: '1' } }, { users: { nobody: 1 } }, { users: [] }])
      t.is(await state('m.room.power_levels', levels), '400 M_BAD_JSON')
    t.is(await state('m.room.power_levels', { users: { [ann.userId]: 100 } }), '403 M_FORBIDDEN')
    const old = { room_version: '5' }
    const levels = `/rooms/${path(await ann.createRoom(old))}/state/m.room.power_levels`
    const users = { [ann.userId]: 100 }
    for (const odd of [
      { ban: '50' },
      { ban: 50.5 },
      { events: { a: '1' } },
      { users: { ...users, '@b:c': '1' } },
    ]) {
      t.is(
        await ann.code('PUT', levels, { users, ...odd }),
        '400 M_BAD_JSON',
        'old rooms put up with it, we do not',
      )
      const override = { power_level_content_override: { users, ...odd } }
      t.is(await ann.code('POST', '/createRoom', { ...old, ...override }), '400 M_BAD_JSON')
    }
    t.is(await ann.code('PUT', levels, { users, ban: 50, 'org.example.note': 'text' }), '200 -')
  },
)

withTwo('an odd limit of a context is used up', async (t, { ann }) => {
  const room = await ann.createRoom()
  const [, middle = ''] = [await ann.say(room, 'a'), await ann.say(room, 'b'), await ann.say(room, 'c')]
  for (const [limit, before, after] of [
    [0, 0, 0],
    [1, 0, 1],
    [2, 1, 1],
  ] as const) {
    const context = await ann.get(`/rooms/${path(room)}/context/${path(middle)}?limit=${limit}`)
    t.is((context['events_before'] as unknown[]).length, before)
    t.is((context['events_after'] as unknown[]).length, after)
  }
  const filter = path(JSON.stringify({ types: ['m.room.create'] }))
  const context = await ann.get(`/rooms/${path(room)}/context/${path(middle)}?filter=${filter}`)
  const [created, ...others] = context['state'] as { type: string }[]
  t.deepEqual([created?.type, others], ['m.room.create', []], 'the filter is one of the state, too')
  t.like(context['event'], { event_id: middle }, 'but not of the event itself')
})

withTwo('the aliases of a room are for those who are in it, or may look into it', async (t, { ann, bob }) => {
  const room = await ann.createOpenRoom()
  const shown = await ann.createOpenRoom({
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
  })
  const aliases = (of: string) => bob.code('GET', `/rooms/${path(of)}/aliases`)
  t.deepEqual([await aliases(room), await aliases(shown)], ['403 M_FORBIDDEN', '200 -'])
  await bob.join(room)
  t.is(await aliases(room), '200 -')
  await bob.leave(room)
  t.is(await aliases(room), '403 M_FORBIDDEN', 'who has left is not in it')
})

withTwo('who was last in a room may come back, if the room is open', async (t, { server, ann }) => {
  // Somebody whose other rooms no other test changes meanwhile.
  const cy = await registerPerson(server, 'cy')
  const [open, closed] = [await ann.createOpenRoom(), await ann.createRoom()]
  for (const room of [open, closed]) await ann.leave(room)
  t.is(await cy.code('POST', `/join/${path(closed)}`, {}), '403 M_FORBIDDEN')
  t.is(await ann.code('POST', `/join/${path(closed)}`, {}), '403 M_FORBIDDEN')
  await ann.join(open)
  await cy.join(open)
  await ann.leave(open)
  await cy.leave(open)
  const { next_batch: since } = await cy.get('/sync')
  await cy.setState(open, 'm.room.member', { membership: 'join' }, cy.userId)
  await cy.say(open, 'Nobody else?')
  const { rooms } = await cy.get(`/sync?since=${path(String(since))}`)
  t.deepEqual(Object.keys((rooms as Json)['join'] as Json), [open])
  t.deepEqual(Object.keys((await cy.get(`/rooms/${path(open)}/joined_members`))['joined'] as Json), [
    cy.userId,
  ])
})
