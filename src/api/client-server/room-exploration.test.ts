import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>
const via = ['localhost']

testDatabases(
  test,
  'a space is walked depth first, page by page, as far as one may see',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const alice = await registerPerson(server, 'alice')
    const bob = await registerPerson(server, 'bob')
    const makeSpace = (name: string) => alice.createOpenRoom({ name, creation_content: { type: 'm.space' } })
    const link = (space: string, child: string, content: Json = {}) =>
      alice.setState(space, 'm.space.child', { via, ...content }, child)
    const [root, sub] = [await makeSpace('root'), await makeSpace('sub')]
    const open = await alice.createOpenRoom({ name: 'open' })
    const secret = await alice.createRoom({ name: 'secret' })
    const knockable = await alice.createRoom({
      name: 'knockable',
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    const deep = await alice.createOpenRoom({ name: 'deep' })
    await link(root, open, { order: 'b' })
    await link(root, sub, { order: 'a' })
    await link(root, secret)
    await link(root, knockable, { suggested: true })
    await link(root, '!nowhere:localhost')
    await link(sub, deep)
    await link(sub, root, { order: 'a' })
    await alice.setState(root, 'm.space.child', {}, '!removed:localhost')

    const walk = async (person: Person, query = '') => {
      const path = `/_matrix/client/v1/rooms/${encodeURIComponent(root)}/hierarchy`
      const names: unknown[] = []
      let from = ''
      for (let pages = 0; pages < 20; pages++) {
        const page = await person.get(`${path}?limit=2${query}${from}`)
        names.push(...(page['rooms'] as Json[]).map(room => room['name']))
        if (page['next_batch'] === undefined) return names
        from = `&from=${String(page['next_batch'])}`
      }
      throw new Error('the walk has no end')
    }
    t.deepEqual(await walk(bob), ['root', 'sub', 'deep', 'open', 'knockable'])
    t.deepEqual(await walk(alice), ['root', 'sub', 'deep', 'open', 'secret', 'knockable'])
    t.deepEqual(await walk(bob, '&max_depth=1'), ['root', 'sub', 'open', 'knockable'])
    t.deepEqual(await walk(bob, '&max_depth=0'), ['root'])
    t.deepEqual(await walk(bob, '&suggested_only=true'), ['root', 'knockable'])

    const path = `/_matrix/client/v1/rooms/${encodeURIComponent(root)}/hierarchy`
    const [first = {}] = (await bob.get(path))['rooms'] as Json[]
    const children = (first['children_state'] as Json[]).map(child => child['state_key'])
    t.deepEqual(
      children,
      [sub, open, secret, knockable, '!nowhere:localhost'],
      'ordered, and without removed ones',
    )
    const { next_batch: token } = await bob.get(`${path}?limit=1`)
    t.is(await bob.code('GET', `${path}?limit=1&max_depth=1&from=${String(token)}`), '400 M_INVALID_PARAM')
    t.is(await bob.code('GET', `${path}?from=nonsense`), '400 M_INVALID_PARAM')
    t.is(await bob.code('GET', `${path}?limit=0`), '400 M_INVALID_PARAM')
    t.is(
      await bob.code('GET', path.replace(encodeURIComponent(root), encodeURIComponent(secret))),
      '403 M_FORBIDDEN',
    )

    // A room that is too deep on one way may be near on another, and so may what is in it.
    const [far, near] = [await makeSpace('far'), await alice.createOpenRoom({ name: 'near' })]
    await link(sub, far)
    await link(root, far, { order: 'c' })
    await link(far, near)
    const shallow = ['root', 'sub', 'deep', 'far', 'near', 'open', 'knockable']
    t.deepEqual((await walk(alice, '&max_depth=2')).toSorted(), [...shallow, 'secret'].toSorted())
    await alice.setState(root, 'm.space.child', {}, far)
    await alice.setState(sub, 'm.space.child', {}, far)

    await alice.invite(secret, bob.userId)
    t.true((await walk(bob)).includes('secret'), 'an invitation shows what it is to')
    await alice.post(`/rooms/${open}/ban`, { user_id: bob.userId })
    t.false((await walk(bob)).includes('open'), 'who is banned may not join')
    await alice.post(`/rooms/${root}/ban`, { user_id: bob.userId })
    t.is(await bob.code('GET', path), '403 M_FORBIDDEN')
  },
)

testDatabases(test, 'the event closest to an instant, as far as it may be seen', async (t, _, config) => {
  const clock = new FakeClock()
  const server = await startTestServer({ database: config, clock })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const roomId = await alice.createOpenRoom({
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
  })
  const start = clock.now()
  const events: string[] = []
  for (const body of ['one', 'two']) {
    await clock.advance(1000)
    events.push(await alice.say(roomId, body))
  }
  await clock.advance(1000)
  await bob.join(roomId)
  await clock.advance(1000)
  events.push(await alice.say(roomId, 'three'))
  const find = (person: Person, ts: number, dir: string) =>
    person.request('GET', `/_matrix/client/v1/rooms/${roomId}/timestamp_to_event?ts=${ts}&dir=${dir}`)
  t.deepEqual((await find(alice, start + 500, 'f')).body, {
    event_id: events[0],
    origin_server_ts: start + 1000,
  })
  t.deepEqual((await find(alice, start + 1000, 'f')).body['event_id'], events[0])
  t.deepEqual((await find(alice, start + 1000, 'b')).body['event_id'], events[0])
  t.deepEqual((await find(alice, start + 2999, 'b')).body['event_id'], events[1])
  t.deepEqual(
    (await find(bob, start + 1, 'f')).body['origin_server_ts'],
    start + 3000,
    'what bob may not see is not found',
  )
  t.is((await find(bob, start + 2999, 'b')).body['origin_server_ts'], start, 'from before it was hidden')
  t.is((await find(alice, start + 5000, 'f')).status, 404)
  t.is((await find(alice, start, 'x')).status, 400)
  const carol = await registerPerson(server, 'carol')
  t.is((await find(carol, start, 'f')).status, 403)
})

testDatabases(
  test,
  'rooms as a whole, and peeking, by the endpoints from before /sync',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const alice = await registerPerson(server, 'alice')
    const bob = await registerPerson(server, 'bob')
    const roomId = await alice.createOpenRoom({
      visibility: 'public',
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    })
    const closed = await alice.createRoom({ invite: [bob.userId] })
    await alice.put(`/user/${alice.userId}/rooms/${roomId}/account_data/org.example.x`, { a: 1 })
    const eventId = await alice.say(roomId, 'hello')
    const snapshot = await alice.get(`/rooms/${roomId}/initialSync`)
    t.like(snapshot, { room_id: roomId, membership: 'join', visibility: 'public' })
    t.deepEqual(snapshot['account_data'], [{ type: 'org.example.x', content: { a: 1 } }])
    const { chunk, end } = snapshot['messages'] as { chunk: Json[]; end: string }
    t.is(chunk.at(-1)?.['event_id'], eventId)

    const peek = await bob.get(`/rooms/${roomId}/initialSync`)
    t.is(peek['membership'], undefined)
    t.is((peek['messages'] as { chunk: Json[] }).chunk.at(-1)?.['event_id'], eventId)
    t.is(await bob.code('GET', `/rooms/${closed}/initialSync`), '403 M_FORBIDDEN')

    const waiting = bob.get(`/events?room_id=${roomId}&from=${end}&timeout=20000`)
    const second = await alice.say(roomId, 'are you there?')
    const news = await waiting
    t.deepEqual(
      (news['chunk'] as Json[]).map(event => event['event_id']),
      [second],
    )
    t.deepEqual((await bob.get(`/events?room_id=${roomId}&from=${String(news['end'])}`))['chunk'], [])
    t.is(await bob.code('GET', `/events?room_id=${closed}`), '403 M_FORBIDDEN')
    t.is(await bob.code('GET', '/events?from=nonsense'), '400 M_INVALID_PARAM')
    const own = await alice.get(`/events?from=${end}`)
    t.deepEqual(
      (own['chunk'] as Json[]).map(event => event['event_id']),
      [second],
    )

    await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, {
      ignored_users: { [alice.userId]: {} },
    })
    const renamed = await alice.setState(roomId, 'm.room.name', { name: 'Lobby' })
    t.deepEqual(
      ((await bob.get(`/events?room_id=${roomId}&from=${end}`))['chunk'] as Json[]).map(e => e['event_id']),
      [renamed],
      'of ignored users there is state alone',
    )
    await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: {} })

    t.is((await bob.get(`/events/${eventId}`))['event_id'], eventId)
    t.is(await bob.code('GET', '/events/$nothing'), '404 M_NOT_FOUND')
    await alice.put(`/presence/${alice.userId}/status`, { presence: 'online', status_msg: 'here' })
    await bob.join(roomId)
    const all = await bob.get('/initialSync?limit=1')
    const invited = (all['rooms'] as Json[]).find(room => room['room_id'] === closed)
    t.like(invited, { membership: 'invite', invite: { type: 'm.room.member', state_key: bob.userId } })
    const present = (all['presence'] as Json[]).find(({ sender }) => sender === alice.userId)
    t.like(present, { type: 'm.presence', content: { status_msg: 'here' } })
    t.true((all['account_data'] as Json[]).some(({ type }) => type === 'm.push_rules'))

    let from = String(all['end'])
    /** Asks until there is an event with these fields. */
    const hears = async (fields: Json): Promise<void> => {
      for (let tries = 0; tries < 5; tries++) {
        const news = await bob.get(`/events?from=${from}&timeout=20000`)
        from = String(news['end'])
        for (const event of news['chunk'] as Json[])
          if (Object.entries(fields).every(([key, value]) => isDeepStrictEqual(event[key], value)))
            return void t.pass()
      }
      t.fail(`nothing came with ${JSON.stringify(fields)}`)
    }
    await bob.put(`/user/${bob.userId}/rooms/${roomId}/tags/u.seen`, {})
    await hears({ type: 'm.tag', content: { tags: { 'u.seen': {} } }, room_id: roomId })
    await alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing: true, timeout: 30_000 })
    await hears({ type: 'm.typing', content: { user_ids: [alice.userId] }, room_id: roomId })
    const another = await alice.createRoom({ invite: [bob.userId] })
    await hears({ type: 'm.room.member', state_key: bob.userId, room_id: another })
    await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId, reason: 'off you go' })
    await hears({ content: { membership: 'leave', reason: 'off you go' }, state_key: bob.userId })
    await alice.say(roomId, 'who was that?')
    const last = (await bob.get(`/events?from=${from}`))['chunk'] as Json[]
    t.deepEqual(
      last.map(event => event['type']).filter(type => type !== 'm.presence'),
      [],
      'it is over',
    )
    t.deepEqual(
      ((await alice.get('/initialSync'))['rooms'] as Json[]).map(room => room['room_id']).sort(),
      [roomId, closed, another].sort(),
    )
  },
)
