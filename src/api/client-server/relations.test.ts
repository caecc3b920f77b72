import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

const relating = (relType: string, parent: string, more: Json = {}): Json => ({
  'm.relates_to': { rel_type: relType, event_id: parent, ...more },
})
const edit = (parent: string, body: string): Json => ({
  ...relating('m.replace', parent),
  'm.new_content': { msgtype: 'm.text', body },
})
const idsOf = (events: unknown): unknown[] => (events as Json[]).map(event => event['event_id'])
const bundled = (event: Json): Json =>
  ((event['unsigned'] as Json | undefined)?.['m.relations'] as Json | undefined) ?? {}
const ignore = (person: Person, ...users: string[]) =>
  person.put(`/user/${person.userId}/account_data/m.ignored_user_list`, {
    ignored_users: Object.fromEntries(users.map(user => [user, {}])),
  })

testDatabases(test, 'what relates to an event comes with it, wherever it is served', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const roomId = await alice.createOpenRoom()
  await bob.join(roomId)
  const root = await alice.say(roomId, 'hello')
  const edited = await alice.say(roomId, '* hello!', edit(root, 'hello!'))
  await bob.say(roomId, '* not yours', edit(root, 'not yours'))
  const reply = await bob.say(roomId, 'a reply', relating('m.thread', root))
  const replyEdit = await bob.say(roomId, '* a better reply', edit(reply, 'a better reply'))
  const reference = await bob.send(roomId, 'org.example.note', relating('m.reference', root))
  await bob.send(roomId, 'm.reaction', relating('m.annotation', root, { key: '👍' }))

  const check = (event: Json, viewer: Person, where: string): void => {
    t.is(event['event_id'], root, where)
    t.is((event['content'] as Json)['body'], 'hello', 'the content stays as it was')
    const relations = bundled(event)
    t.deepEqual(Object.keys(relations).sort(), ['m.reference', 'm.replace', 'm.thread'], where)
    t.is((relations['m.replace'] as Json)['event_id'], edited, where)
    t.deepEqual(relations['m.reference'], { chunk: [{ event_id: reference }] })
    const thread = relations['m.thread'] as Json
    t.like(thread, { count: 1, current_user_participated: true }, viewer.userId)
    const latest = thread['latest_event'] as Json
    t.is(latest['event_id'], reply)
    t.is((bundled(latest)['m.replace'] as Json)['event_id'], replyEdit, 'the latest event has its own')
  }
  const path = `/rooms/${roomId}`
  for (const person of [alice, bob]) {
    check(await person.get(`${path}/event/${root}`), person, 'event')
    const page = (await person.get(`${path}/messages?dir=b&limit=100`))['chunk'] as Json[]
    check(page.find(event => event['event_id'] === root) ?? {}, person, 'messages')
    const context = await person.get(`${path}/context/${root}`)
    check(context['event'] as Json, person, 'context')
    const threads = await person.get(`/_matrix/client/v1/rooms/${roomId}/threads`)
    check((threads['chunk'] as Json[])[0] ?? {}, person, 'threads')
  }
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 7 } } }))
  const rooms = (await alice.get(`/sync?filter=${filter}`))['rooms'] as { join: Record<string, Json> }
  const timeline = rooms.join[roomId]?.['timeline'] as { limited: boolean; events: Json[] } | undefined
  const { limited, events } = timeline ?? { limited: false, events: [] }
  t.true(limited)
  check(events.find(event => event['event_id'] === root) ?? {}, alice, 'sync')

  // Redactions undo each; a redacted event keeps its thread, and loses its edits.
  await bob.redact(roomId, replyEdit)
  await bob.redact(roomId, reference)
  let now = bundled(await alice.get(`${path}/event/${root}`))
  t.deepEqual(Object.keys(now).sort(), ['m.replace', 'm.thread'])
  t.deepEqual(bundled((now['m.thread'] as Json)['latest_event'] as Json), {})
  await alice.redact(roomId, root)
  now = bundled(await alice.get(`${path}/event/${root}`))
  t.deepEqual(Object.keys(now), ['m.thread'])
  await bob.redact(roomId, reply)
  t.deepEqual(bundled(await alice.get(`${path}/event/${root}`)), {})
})

testDatabases(test, 'relations are paged through both ways, threads newest first', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const roomId = await alice.createOpenRoom()
  await bob.join(roomId)
  const root = await alice.say(roomId, 'root')
  const replies: string[] = []
  for (let i = 0; i < 5; i++) {
    replies.push(await (i % 2 === 0 ? alice : bob).say(roomId, `${i}`, relating('m.thread', root)))
  }
  const mark = await bob.send(roomId, 'm.reaction', relating('m.annotation', replies[0] ?? '', { key: 'x' }))
  const path = `/_matrix/client/v1/rooms/${roomId}/relations/${root}`
  const walk = async (query: string, limit: number): Promise<unknown[]> => {
    const seen: unknown[] = []
    let from = ''
    for (let pages = 0; pages < 10; pages++) {
      const page = await bob.get(`${path}?limit=${limit}${query}${from}`)
      seen.push(...idsOf(page['chunk']))
      if (page['next_batch'] === undefined) return seen
      from = `&from=${String(page['next_batch'])}`
    }
    throw new Error('paging has no end')
  }
  for (const limit of [1, 2, 5, 50]) {
    t.deepEqual(await walk('', limit), replies.toReversed())
    t.deepEqual(await walk('&dir=f', limit), replies)
    t.deepEqual(await walk('&dir=f&recurse=true', limit), [...replies, mark])
  }
  const first = await bob.get(`${path}?limit=2`)
  t.is(first['recursion_depth'], undefined)
  const older = await bob.get(`${path}?dir=b&from=${String(first['next_batch'])}`)
  t.deepEqual(idsOf(older['chunk']), replies.slice(0, 3).reverse())
  const between = await bob.get(`${path}?dir=f&from=${String(first['next_batch'])}`)
  t.deepEqual(idsOf(between['chunk']), replies.slice(3), 'the same token leads the other way, too')
  t.is((await bob.get(`${path}?recurse=true`))['recursion_depth'], 3)
  t.is((await bob.get(`${path}?recurse=false`))['recursion_depth'], 1)
  t.deepEqual(idsOf((await bob.get(`${path}/m.thread/m.room.message`))['chunk']), replies.toReversed())
  t.deepEqual(idsOf((await bob.get(`${path}/m.thread/m.sticker`))['chunk']), [])
  t.deepEqual(idsOf((await bob.get(`${path}/m.reference`))['chunk']), [])
  const { next_batch: syncToken } = await bob.get('/sync')
  t.deepEqual(await walk(`&to=${String(syncToken)}`, 2), [], 'nothing is newer than now')
  t.is(await bob.code('GET', `${path}?from=nonsense`), '400 M_INVALID_PARAM')
  t.is(await bob.code('GET', path.replace(root, '$nothing')), '404 M_NOT_FOUND')
  const carol = await registerPerson(server, 'carol')
  t.is(await carol.code('GET', path), '404 M_NOT_FOUND')

  const other = await bob.say(roomId, 'other root')
  await alice.say(roomId, 'in other', relating('m.thread', other))
  const third = await alice.say(roomId, 'third root')
  await alice.say(roomId, 'in third', relating('m.thread', third))
  const threads = (query = '') => bob.get(`/_matrix/client/v1/rooms/${roomId}/threads${query}`)
  t.deepEqual(idsOf((await threads())['chunk']), [third, other, root])
  t.deepEqual(idsOf((await threads('?include=participated'))['chunk']), [other, root])
  const page = await threads('?limit=2')
  t.deepEqual(idsOf(page['chunk']), [third, other])
  t.deepEqual(idsOf((await threads(`?limit=2&from=${String(page['next_batch'])}`))['chunk']), [root])
  t.is(await carol.code('GET', `/_matrix/client/v1/rooms/${roomId}/threads`), '403 M_FORBIDDEN')
})

testDatabases(
  test,
  'ignored people count for nothing; who has left sees what was there',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const alice = await registerPerson(server, 'alice')
    const bob = await registerPerson(server, 'bob')
    const carol = await registerPerson(server, 'carol')
    const roomId = await alice.createOpenRoom()
    await bob.join(roomId)
    await carol.join(roomId)
    const root = await alice.say(roomId, 'root')
    const theirs = await bob.say(roomId, 'theirs')
    const mine = await carol.say(roomId, 'one', relating('m.thread', root))
    const bobs = await bob.say(roomId, 'two', relating('m.thread', root))
    await carol.say(roomId, 'three', relating('m.thread', theirs))
    await bob.say(roomId, '* theirs 1', edit(theirs, 'theirs 1'))
    const only = await alice.say(roomId, 'only bob replies')
    await bob.say(roomId, 'four', relating('m.thread', only))
    await bob.send(roomId, 'org.example.note', relating('m.reference', root))
    await alice.say(roomId, '* root 1', edit(root, 'root 1'))

    await ignore(carol, bob.userId)
    const event = bundled(await carol.get(`/rooms/${roomId}/event/${root}`))
    t.like(event['m.thread'], { count: 1, current_user_participated: true })
    t.is(((event['m.thread'] as Json)['latest_event'] as Json)['event_id'], mine)
    t.is(event['m.reference'], undefined)
    const related = await carol.get(`/_matrix/client/v1/rooms/${roomId}/relations/${root}/m.thread`)
    t.deepEqual(idsOf(related['chunk']), [mine])
    const { chunk } = await carol.get(`/_matrix/client/v1/rooms/${roomId}/threads`)
    t.deepEqual(idsOf(chunk), [theirs, root])
    const [first = {}] = chunk as Json[]
    t.deepEqual(first['content'], {}, 'the root of an ignored user is shown redacted')
    t.deepEqual(Object.keys(bundled(first)), ['m.thread'], 'and nothing of what its edits say')

    await bob.leave(roomId)
    await carol.say(roomId, 'five', relating('m.thread', root))
    await carol.say(roomId, 'six', relating('m.thread', await carol.say(roomId, 'later root')))
    await alice.say(roomId, '* root 2', edit(root, 'root 2'))
    const left = bundled(await bob.get(`/rooms/${roomId}/event/${root}`))
    t.like(left['m.thread'], { count: 2 })
    t.is(((left['m.thread'] as Json)['latest_event'] as Json)['event_id'], bobs)
    const replacement = (left['m.replace'] as Json)['content'] as Json
    t.is((replacement['m.new_content'] as Json)['body'], 'root 1')
    const threads = await bob.get(`/_matrix/client/v1/rooms/${roomId}/threads`)
    t.deepEqual(idsOf(threads['chunk']).sort(), [root, theirs, only].sort())
    t.is(
      await alice.code(
        'PUT',
        `/rooms/${roomId}/send/m.reaction/a`,
        relating('m.annotation', root, { key: 'k' }),
      ),
      '200 -',
    )
    t.is(
      await alice.code(
        'PUT',
        `/rooms/${roomId}/send/m.reaction/b`,
        relating('m.annotation', root, { key: 'k' }),
      ),
      '400 M_DUPLICATE_ANNOTATION',
    )
    t.is(
      await alice.code('PUT', `/rooms/${roomId}/send/m.room.message/c`, {
        ...relating('m.thread', mine),
        ...{ msgtype: 'm.text', body: 'x' },
      }),
      '400 M_UNKNOWN',
    )
  },
)

testDatabases(test, 'what was said while somebody was away is not bundled for them', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const visibility = { history_visibility: 'joined' }
  const roomId = await alice.createOpenRoom({
    initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: visibility }],
  })
  await bob.join(roomId)
  const root = await alice.say(roomId, 'root')
  const other = await alice.say(roomId, 'other root')
  await alice.say(roomId, 'one', relating('m.thread', root))
  const edited = await alice.say(roomId, '* root 1', edit(root, 'root 1'))
  await bob.leave(roomId)
  await alice.say(roomId, 'two', relating('m.thread', root))
  await alice.say(roomId, 'two', relating('m.thread', other))
  await alice.say(roomId, '* root 2', edit(root, 'root 2'))
  await alice.send(roomId, 'org.example.note', relating('m.reference', root))
  await bob.join(roomId)
  const seen = async () => bundled(await bob.get(`/rooms/${roomId}/event/${root}`))
  let relations = await seen()
  t.deepEqual(Object.keys(relations).sort(), ['m.replace', 'm.thread'])
  t.like(relations['m.thread'], { count: 1, latest_event: { content: { body: 'one' } } })
  t.is((relations['m.replace'] as Json)['event_id'], edited)
  const threads = async () => idsOf((await bob.get(`/_matrix/client/v1/rooms/${roomId}/threads`))['chunk'])
  t.deepEqual(await threads(), [root])
  await alice.say(roomId, 'three', relating('m.thread', root))
  relations = await seen()
  t.like(relations['m.thread'], { count: 2, latest_event: { content: { body: 'three' } } })
  const all = bundled(await alice.get(`/rooms/${roomId}/event/${root}`))
  t.like(all['m.thread'], { count: 3 })
})
