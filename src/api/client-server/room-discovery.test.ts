import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>
const idsOf = (page: Json): unknown[] => (page['chunk'] as Json[]).map(room => room['room_id'])
const path = encodeURIComponent

testDatabases(test, 'rooms are published, found, paged through and taken out again', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = await Promise.all([registerPerson(server, 'alice'), registerPerson(server, 'bob')])
  const tea = await alice.createOpenRoom({
    visibility: 'public',
    name: 'Tea room',
    topic: 'Leaves & ＷＡＴＥＲ',
  })
  const space = await alice.createOpenRoom({
    visibility: 'public',
    name: 'Kitchen',
    room_alias_name: 'kitchen',
    creation_content: { type: 'm.space' },
  })
  const attic = await alice.createOpenRoom({ name: '100%_attic' })
  await bob.join(tea)

  t.deepEqual(idsOf(await bob.get('/publicRooms')), [tea, space])
  t.deepEqual(await bob.get(`/directory/list/room/${attic}`), { visibility: 'private' })
  t.is(await bob.code('PUT', `/directory/list/room/${attic}`, { visibility: 'public' }), '403 M_FORBIDDEN')
  await alice.put(`/directory/list/room/${attic}`, { visibility: 'public' })
  t.deepEqual(await bob.get(`/directory/list/room/${attic}`), { visibility: 'public' })
  t.is(await alice.code('PUT', '/directory/list/room/!nowhere:localhost', {}), '404 M_NOT_FOUND')
  t.is(await alice.code('GET', '/directory/list/room/!nowhere:localhost'), '404 M_NOT_FOUND')

  // Most members first; among equals the newest first. Back and forth, one by one.
  const all = [tea, attic, space]
  const seen: unknown[] = []
  let page: Json = await bob.get('/publicRooms?limit=1')
  t.is(page['prev_batch'], undefined)
  t.is(page['total_room_count_estimate'], 3)
  for (;;) {
    seen.push(...idsOf(page))
    if (page['next_batch'] === undefined) break
    page = await bob.get(`/publicRooms?limit=1&since=${String(page['next_batch'])}`)
  }
  t.deepEqual(seen, all)
  page = await bob.get(`/publicRooms?limit=2&since=${String(page['prev_batch'])}`)
  t.deepEqual(idsOf(page), [tea, attic])
  t.is(page['prev_batch'], undefined)
  t.deepEqual(idsOf(await bob.get(`/publicRooms?since=${String(page['next_batch'])}`)), [space])
  t.is(await bob.code('GET', '/publicRooms?since=nonsense'), '400 M_INVALID_PARAM')

  const search = async (filter: Json) => idsOf(await bob.post('/publicRooms', { filter }))
  t.deepEqual(await search({ generic_search_term: 'TEA' }), [tea])
  t.deepEqual(await search({ generic_search_term: 'water leaves' }), [tea])
  t.deepEqual(await search({ generic_search_term: '#kitchen' }), [space])
  t.deepEqual(await search({ generic_search_term: '%_a' }), [attic], 'no wildcards')
  t.deepEqual(await search({ generic_search_term: 'o_m' }), [])
  t.deepEqual(await search({ room_types: ['m.space'] }), [space])
  t.deepEqual(await search({ room_types: [null] }), [tea, attic])
  t.deepEqual(await search({ room_types: [null, 'm.space'] }), all)
  t.deepEqual(await search({ room_types: [] }), [])
  t.deepEqual(idsOf(await bob.post('/publicRooms', { third_party_instance_id: 'irc' })), [])

  const [first] = (await bob.post('/publicRooms', { limit: 1 }))['chunk'] as Json[]
  t.like(first, {
    name: 'Tea room',
    num_joined_members: 2,
    join_rule: 'public',
    world_readable: false,
    guest_can_join: false,
  })

  // What changes shows at once.
  await alice.setState(tea, 'm.room.name', { name: 'Coffee room' })
  t.deepEqual(await search({ generic_search_term: 'tea' }), [])
  await alice.redact(tea, await alice.setState(tea, 'm.room.name', { name: 'Secret' }))
  t.deepEqual(await search({ generic_search_term: 'secret' }), [])
  await bob.leave(tea)
  t.deepEqual(idsOf(await bob.get('/publicRooms')), [attic, space, tea])
  await alice.leave(attic)
  t.deepEqual(idsOf(await bob.get('/publicRooms')), [space, tea], 'nobody could let anybody in')
  await alice.put(`/directory/list/room/${space}`, { visibility: 'private' })
  t.deepEqual(idsOf(await bob.get('/publicRooms')), [tea])

  const anonymous = await server.request('GET', '/_matrix/client/v3/publicRooms')
  t.deepEqual(idsOf(anonymous.body as Json), [tea])
  t.is((await server.request('GET', '/_matrix/client/v3/publicRooms?server=else.test')).status, 401)
})

testDatabases(test, 'summaries and records are for whoever may preview the room', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob, carol] = await Promise.all(
    ['alice', 'bob', 'carol'].map(name => registerPerson(server, name)) as [
      Promise<Person>,
      Promise<Person>,
      Promise<Person>,
    ],
  )
  const roomId = await alice.createRoom({
    name: 'Garden',
    topic: 'What grows',
    room_alias_name: 'garden',
    invite: [bob.userId],
    'chat.tessera.media': ['text', 'audio'],
    'chat.tessera.encryption': 'm.megolm.v1.aes-sha2',
    'chat.tessera.avatar_url': 'mxc://localhost/rose',
  })
  const summary = (id: string) => `/_matrix/client/v1/room_summary/${path(id)}`
  const record = (id: string) => `/_matrix/client/v1/chat.tessera/rooms/${path(id)}/record`
  t.deepEqual(await alice.get(record('#garden:localhost')), {
    room_id: roomId,
    creator: alice.userId,
    created_ts: (await alice.get(record(roomId)))['created_ts'],
    is_public: false,
    alias: '#garden:localhost',
    alt_aliases: [],
    name: 'Garden',
    topic: 'What grows',
    avatar_url: 'mxc://localhost/rose',
    encryption: 'm.megolm.v1.aes-sha2',
    media: ['text', 'audio'],
    room_version: '12',
    join_rule: 'invite',
    world_readable: false,
    guest_can_join: true,
    joined_members: 1,
    invited_members: 1,
    membership: 'join',
  })
  await alice.put(`/directory/list/room/${roomId}`, { visibility: 'public' })
  const { creator, created_ts, ...entry } = await alice.get(record(roomId))
  t.like(await carol.get('/publicRooms'), {
    chunk: [
      {
        ...{ room_id: roomId, name: entry['name'], topic: entry['topic'], avatar_url: entry['avatar_url'] },
        ...{ canonical_alias: entry['alias'], encryption: entry['encryption'], num_joined_members: 1 },
        room_version: '12',
        'chat.tessera.record': {
          ...{ creator, created_ts, is_public: true, alt_aliases: [], media: ['text', 'audio'] },
          invited_members: 1,
        },
      },
    ],
  })
  await alice.put(`/directory/list/room/${roomId}`, { visibility: 'private' })
  t.like(await bob.get(summary(roomId)), { membership: 'invite', name: 'Garden', room_version: '12' })
  t.like(await bob.get(record(roomId).replace('/v1/', '/unstable/')), { membership: 'invite' })
  for (const each of [summary(roomId), record(roomId), summary('!no:localhost'), summary('#no:localhost')]) {
    t.is(await carol.code('GET', each), '404 M_NOT_FOUND', each)
  }
  t.is(await carol.code('GET', summary('nonsense')), '400 M_INVALID_PARAM')
  t.is((await server.request('GET', summary(roomId))).status, 404)

  // Members of a room that a restricted room names may see what it is.
  const club = await alice.createOpenRoom()
  const unknown = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: '!no:x' }] }
  await alice.setState(roomId, 'm.room.join_rules', unknown)
  t.is(await carol.code('POST', `/join/${path(roomId)}`), '403 M_FORBIDDEN', 'nobody else could know better')
  await alice.setState(roomId, 'm.room.join_rules', {
    join_rule: 'restricted',
    allow: [{ type: 'm.room_membership', room_id: club }],
  })
  t.is(await carol.code('GET', summary(roomId)), '404 M_NOT_FOUND')
  await carol.join(club)
  t.like(await carol.get(summary(roomId)), { allowed_room_ids: [club], membership: 'leave' })

  await alice.setState(roomId, 'm.room.join_rules', { join_rule: 'knock' })
  await alice.setState(roomId, 'm.room.topic', {
    topic: 'old',
    'm.topic': { 'm.text': [{ body: '<b>new</b>', mimetype: 'text/html' }, { body: 'new' }] },
  })
  for (const spelling of [
    summary(roomId),
    `/_matrix/client/unstable/im.nheko.summary/summary/${path(roomId)}`,
    `/_matrix/client/unstable/im.nheko.summary/rooms/${path(roomId)}/summary`,
  ]) {
    const { status, body } = await server.request('GET', spelling)
    t.is(status, 200)
    t.like(body as Json, { topic: 'new', join_rule: 'knock', membership: undefined })
  }
  const bare = await alice.get(record(await alice.createRoom()))
  t.like(bare, {
    name: '',
    topic: '',
    encryption: 'cleartext',
    media: ['text', 'audio', 'video', 'screenshare'],
  })

  const { unstable_features: features } = await alice.get('/_matrix/client/versions')
  t.true((features as Json)['chat.tessera'])
  t.is(await alice.code('POST', `/rooms/${roomId}/invite`, { medium: 'email' }), '400 M_MISSING_PARAM')
  t.is(await alice.code('POST', `/rooms/${roomId}/invite`, { user_id: 'x' }), '400 M_INVALID_PARAM')
})
