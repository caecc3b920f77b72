import { createHmac } from 'node:crypto'
import test from 'ava'
import type { Log } from '../../core/log.ts'
import { silentLog } from '../../core/log.ts'
import { MutualRooms } from '../../services/rooms/mutual-rooms.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { registerPerson } from '../../test-kit/person.ts'
import { startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'
import { syncAs, syncUntil } from '../../test-kit/syncing.ts'

const path = encodeURIComponent

testDatabases(test, 'tags: set, changed at once, listed, synced, taken off', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const room = await alice.createRoom()
  const tags = `/user/${path(alice.userId)}/rooms/${path(room)}/tags`
  const data = `/user/${path(alice.userId)}/rooms/${path(room)}/account_data/m.tag`
  t.deepEqual(await alice.get(tags), { tags: {} })
  const { token } = await syncAs(alice)
  await alice.put(`${tags}/m.favourite`, { order: 0.25 })
  const told = await syncUntil(alice, token, view => view.roomData(room).length > 0)
  t.deepEqual(told.roomData(room), [{ type: 'm.tag', content: { tags: { 'm.favourite': { order: 0.25 } } } }])
  const names = Array.from({ length: 8 }, (_, index) => `u.${index}`)
  await Promise.all(names.map(name => alice.put(`${tags}/${name}`, { 'org.example': name })))
  const all = (await alice.get(tags))['tags'] as object
  t.deepEqual(Object.keys(all).toSorted(), ['m.favourite', ...names], 'none is lost to another')
  await alice.request('DELETE', `${tags}/m.favourite`)
  t.is(await alice.code('DELETE', `${tags}/m.favourite`), '200 -', 'again')
  t.false(Object.hasOwn((await alice.get(tags))['tags'] as object, 'm.favourite'))
  await alice.put(data, { tags: { ok: {}, broken: 7 }, other: true })
  t.deepEqual(await alice.get(tags), { tags: { ok: {} } }, 'clients may write the event as a whole')
  await alice.put(`${tags}/__proto__`, { order: 1 })
  t.like(await alice.get(data), { other: true })
  t.true(Object.hasOwn((await alice.get(tags))['tags'] as object, '__proto__'))

  t.is(await alice.code('PUT', `${tags}/${'x'.repeat(256)}`, {}), '400 M_INVALID_PARAM')
  t.is(await alice.code('PUT', `${tags}/x`, { order: 'first' }), '400 M_BAD_JSON')
  t.is(await alice.code('PUT', `${tags.replace(path(room), 'nope')}/x`, {}), '400 M_INVALID_PARAM')
  t.is(await bob.code('GET', tags), '403 M_FORBIDDEN')
  t.is(await bob.code('PUT', `${tags}/x`, {}), '403 M_FORBIDDEN')
  t.is(await bob.code('DELETE', `${tags}/x`), '403 M_FORBIDDEN')
})

testDatabases(test, 'mutual rooms: those that both have joined, page by page', async (t, db, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const shared: string[] = []
  for (let index = 0; index < 6; index++) shared.push(await alice.createOpenRoom())
  for (const room of shared) await bob.join(room)
  await alice.createOpenRoom()
  await alice.invite(await alice.createRoom(), bob.userId)
  await bob.leave(String(shared.pop()))
  const ask = (user: string, from = ''): string =>
    `/_matrix/client/v1/mutual_rooms?user_id=${path(user)}${from === '' ? '' : `&from=${from}`}`
  const all = await alice.get(ask(bob.userId))
  t.deepEqual([all['count'], all['next_batch']], [5, undefined])
  t.deepEqual((all['joined'] as string[]).toSorted(), shared.toSorted())
  const small = new MutualRooms(db, { pageSize: 2 })
  const paged: string[] = []
  let from: string | undefined
  do {
    const page = await small.page(bob.userId, alice.userId, from)
    t.is(page.count, 5)
    paged.push(...page.joined)
    from = page.next_batch
    if (from !== undefined) t.true(paged.length % 2 === 0)
  } while (from !== undefined)
  t.deepEqual(paged, all['joined'])
  t.deepEqual(await alice.get(ask('@nobody:localhost')), { joined: [], count: 0 })
  for (const [user, token] of [[alice.userId], ['@:localhost'], ['@b\u00e9:x'], [bob.userId, 'x']] as const) {
    t.is(await alice.code('GET', ask(user, token)), '400 M_INVALID_PARAM', user)
  }
  t.is(await alice.code('GET', '/_matrix/client/v1/mutual_rooms'), '400 M_MISSING_PARAM')
})

testDatabases(test, 'an OpenID token tells who somebody is, for an hour', async (t, _, database) => {
  const clock = new FakeClock()
  const server = await startTestServer({ database, clock })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const issue = `/user/${path(alice.userId)}/openid/request_token`
  const issued = await alice.post(issue)
  t.like(issued, { token_type: 'Bearer', matrix_server_name: 'localhost', expires_in: 3600 })
  const token = String(issued['access_token'])
  const owner = async (of: string): Promise<string> => {
    const target = `/_matrix/federation/v1/openid/userinfo?access_token=${path(of)}`
    const { status, body } = await server.request('GET', target)
    return `${status} ${JSON.stringify(body)}`
  }
  t.is(await owner(token), `200 {"sub":"${alice.userId}"}`)
  t.is(await owner(token), `200 {"sub":"${alice.userId}"}`, 'as often as it is asked')
  t.regex(await owner(alice.accessToken), /^401 .*M_UNKNOWN_TOKEN/, 'an access token is none')
  t.is((await server.request('GET', '/_matrix/client/v3/account/whoami', { token })).status, 401)
  t.is(await alice.code('POST', issue.replace('alice', 'bob'), {}), '403 M_FORBIDDEN')
  await clock.leap(3_600_000)
  t.regex(await owner(token), /^401 .*M_UNKNOWN_TOKEN/)
})

testDatabases(test, 'reports are stored and logged, from who may make them', async (t, db, database) => {
  const logged: Record<string, unknown>[] = []
  const log: Log = { ...silentLog, warn: fields => void logged.push(fields), child: () => log }
  const server = await startTestServer({ database, log })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const room = await alice.createOpenRoom()
  const event = await alice.say(room, 'buy my pills')
  const report = (subject: string, body: object = { reason: 'spam' }): Promise<string> =>
    bob.code('POST', `${subject}/report`, body)
  const reportEvent = (eventId: string): Promise<string> =>
    bob.code('POST', `/rooms/${path(room)}/report/${path(eventId)}`, { reason: 'spam', score: -100 })
  t.is(await reportEvent(event), '404 M_NOT_FOUND', 'not in the room')
  t.is(await report(`/rooms/${path(room)}`), '200 -', 'a room is reported from outside, too')
  await bob.join(room)
  t.is(await reportEvent(event), '200 -')
  t.is(await reportEvent('$none'), '404 M_NOT_FOUND')
  t.is(await report(`/users/${path(alice.userId)}`, { reason: '' }), '200 -')
  t.is(await report('/users/@far:elsewhere.test'), '200 -')
  t.is(await report('/rooms/!none:localhost'), '404 M_NOT_FOUND')
  t.is(await report('/users/@nobody:localhost'), '404 M_NOT_FOUND')
  t.is(await report(`/users/${path(alice.userId)}`, {}), '400 M_MISSING_PARAM')
  const rows = await db.all(
    db.prepare(
      'SELECT kind, reporter, room_id, event_id, user_id, reason FROM reports ORDER BY created_ts, kind',
    ),
  )
  t.is(rows.length, 4)
  t.deepEqual(
    rows.find(row => 'kind' in row && row.kind === 'event'),
    {
      kind: 'event',
      reporter: bob.userId,
      room_id: room,
      event_id: event,
      user_id: alice.userId,
      reason: 'spam',
    },
  )
  t.is(logged.filter(fields => 'report' in fields).length, 4)
})

test('TURN credentials and what is published follow the settings', async t => {
  const clock = new FakeClock()
  const silent = await startTestServer({ clock })
  t.teardown(silent.close)
  const alice = await registerPerson(silent, 'alice')
  // Officially all members are required; clients expect an empty object where there is no TURN server.
  const none = await fetch(`${silent.url}/_matrix/client/v3/voip/turnServer`, {
    headers: { authorization: `Bearer ${alice.accessToken}` },
  })
  t.deepEqual([none.status, await none.json()], [200, {}])
  for (const name of ['client', 'support', 'server'])
    t.is((await silent.request('GET', `/.well-known/matrix/${name}`)).status, 404)

  const settings = {
    public_base_url: 'https://matrix.example.org',
    well_known: {
      client_extra: { 'm.identity_server': { base_url: 'https://id.example.org' } },
      federation_server: 'matrix.example.org:443',
    },
    support: {
      contacts: [{ email_address: 'a@example.org' }, { role: 'm.role.security' }],
      page: 'https://example.org/help',
    },
    turn: { uris: ['turns:turn.example.org'], shared_secret: 'between us', lifetime: '1h' },
  }
  const server = await startTestServer({ clock, settings })
  t.teardown(server.close)
  const bob = await registerPerson(server, 'bob')
  const credentials = await bob.get('/voip/turnServer')
  const username = `${clock.now() / 1000 + 3600}:${bob.userId}`
  t.deepEqual(credentials, {
    username,
    password: createHmac('sha1', 'between us').update(username).digest('base64'),
    uris: ['turns:turn.example.org'],
    ttl: 3600,
  })
  const client = await server.request('GET', '/.well-known/matrix/client')
  t.deepEqual(client.body, {
    'm.identity_server': { base_url: 'https://id.example.org' },
    'org.matrix.msc2965.authentication': {
      issuer: 'https://matrix.example.org/',
      account: 'https://matrix.example.org/account',
    },
    'm.homeserver': { base_url: 'https://matrix.example.org' },
  })
  t.is(client.headers['access-control-allow-origin'], '*')
  const login = { type: 'm.login.password', user: 'bob', password: TEST_PASSWORD }
  t.deepEqual((await bob.post('/login', login))['well_known'], client.body)
  t.deepEqual((await server.request('GET', '/.well-known/matrix/server')).body, {
    'm.server': 'matrix.example.org:443',
  })
  t.deepEqual((await server.request('GET', '/.well-known/matrix/support')).body, {
    contacts: [{ role: 'm.role.admin', email_address: 'a@example.org' }],
    support_page: 'https://example.org/help',
  })
})

testDatabases(
  test,
  'a new name reaches all rooms; a deactivated user leaves them all',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
    const rooms: string[] = []
    for (let index = 0; index < 6; index++) rooms.push(await bob.createOpenRoom())
    for (const room of rooms) await alice.join(room)
    const left = String(rooms.pop())
    await alice.leave(left)
    const invitation = await bob.createRoom()
    await bob.invite(invitation, alice.userId)
    const member = async (room: string): Promise<Record<string, unknown>> =>
      bob.get(`/rooms/${path(room)}/state/m.room.member/${path(alice.userId)}`)
    const rename = (displayname: string): Promise<unknown> =>
      alice.put(`/profile/${path(alice.userId)}/displayname`, { displayname })
    await Promise.all([rename('Alice A'), rename('Alice B')])
    await rename('Alice C')
    for (const room of rooms) {
      t.deepEqual(await member(room), { membership: 'join', displayname: 'Alice C' })
      const history = await bob.get(`/rooms/${path(room)}/messages?dir=b&limit=3`)
      const names = (history['chunk'] as { content: { displayname?: string } }[]).map(
        e => e.content.displayname,
      )
      t.is(names.filter(name => name === 'Alice C').length, 1, 'once')
    }
    t.is((await member(left))['membership'], 'leave')

    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'alice' },
      password: TEST_PASSWORD,
    }
    t.is(await alice.code('POST', '/account/deactivate', { auth, erase: true }), '200 -')
    for (const room of [...rooms, invitation]) t.is((await member(room))['membership'], 'leave', room)
  },
)
