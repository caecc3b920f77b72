import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

interface Found {
  readonly count: number
  readonly highlights: string[]
  readonly results: { rank: number; result: Json; context?: Json }[]
  readonly groups?: Record<string, Record<string, { order: number; results: string[]; next_batch?: string }>>
  readonly state?: Record<string, Json[]>
  readonly next_batch?: string
}

const search = async (person: Person, term: string, more: Json = {}, token?: string): Promise<Found> => {
  const query = token === undefined ? '' : `?next_batch=${token}`
  const body = { search_categories: { room_events: { search_term: term, ...more } } }
  const { search_categories: found } = await person.post(`/search${query}`, body)
  return (found as { room_events: Found }).room_events
}
const bodiesOf = ({ results }: Found): unknown[] =>
  results.map(({ result }) => (result['content'] as Json)['body'])
const idsOf = ({ results }: Found): unknown[] => results.map(({ result }) => result['event_id'])
const recent = { order_by: 'recent' }

test('an answer ends before it is too long, and goes on with the next', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const room = await alice.createRoom()
  for (let n = 0; n < 48; n++)
    await alice.say(room, `leaf${n % 8 === 0 ? ' green' : ''} ${'x'.repeat(60_000)}`)
  const wanted = { ...recent, event_context: { before_limit: 50, after_limit: 50 } }
  const first = await search(alice, 'green', wanted)
  t.is(first.results.length, 3, 'of six with almost three megabytes around each')
  const second = await search(alice, 'green', wanted, first.next_batch)
  t.is(new Set([...idsOf(first), ...idsOf(second)]).size, 6)
})

testDatabases(
  test,
  'what was said is found: in order, by pages, by groups, with context',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const alice = await registerPerson(server, 'alice')
    const bob = await registerPerson(server, 'bob')
    const tea = await alice.createOpenRoom({ name: 'Tea', topic: 'green leaves' })
    const pub = await alice.createOpenRoom({ name: 'The green pub' })
    for (const room of [tea, pub]) await bob.join(room)
    for (const [person, room, body] of [
      [alice, tea, 'one leaf'],
      [bob, tea, 'two leaf leaf leaf'],
      [alice, pub, 'three: a leaf in a long sentence about something else altogether'],
      [bob, pub, 'four 東京都 leaf'],
      [alice, tea, 'nothing to see'],
    ] as const) {
      await person.say(room, body)
    }
    t.deepEqual(
      bodiesOf(await search(bob, 'LEAF', recent)).map(body => String(body).split(/\W/)[0]),
      [...['four', 'three', 'two', 'one']],
    )
    const ranked = await search(bob, 'leaf')
    t.is(bodiesOf(ranked)[0], 'two leaf leaf leaf')
    t.deepEqual(
      [...ranked.results].sort((a, b) => b.rank - a.rank),
      ranked.results,
    )
    t.is(ranked.count, 4)
    t.deepEqual(bodiesOf(await search(alice, '京都')), ['four 東京都 leaf'])
    t.deepEqual((await search(alice, 'leaf "京 都"')).highlights, ['leaf', '京都'])
    t.deepEqual(bodiesOf(await search(alice, '"leaf two"')), [])
    t.deepEqual(idsOf(await search(alice, '!?')), [])

    const only = (keys: string[]) => search(alice, 'green', { keys })
    t.is((await only(['content.topic'])).results[0]?.result['type'], 'm.room.topic')
    t.is((await only(['content.name'])).results[0]?.result['room_id'], pub)
    t.is((await only(['content.body'])).results.length, 0)
    t.is((await search(alice, 'green')).results.length, 2)

    for (const order of ['recent', 'rank']) {
      const seen: unknown[] = []
      let page = await search(alice, 'leaf', { order_by: order, filter: { limit: 3 } })
      seen.push(...idsOf(page))
      if (order === 'recent') await bob.say(tea, 'a new leaf does not move the pages')
      page = await search(alice, 'leaf', { order_by: order, filter: { limit: 3 } }, page.next_batch)
      seen.push(...idsOf(page))
      t.is(page.next_batch, undefined)
      t.is(new Set(seen).size, order === 'recent' ? 4 : 5, order)
    }
    t.is(
      await alice.code('POST', '/search?next_batch=nonsense', {
        search_categories: { room_events: { search_term: 'x' } },
      }),
      '400 M_INVALID_PARAM',
    )
    t.deepEqual(await alice.post('/search', { search_categories: {} }), { search_categories: {} })

    const filtered = (filter: Json) => search(alice, 'leaf', { ...recent, filter })
    t.is((await filtered({ rooms: [pub] })).results.length, 2)
    t.is((await filtered({ not_rooms: [pub] })).results.length, 3)
    t.is((await filtered({ senders: [alice.userId] })).results.length, 2)
    t.is((await filtered({ types: ['m.room.topic'] })).results.length, 0)
    t.is((await filtered({ contains_url: true })).results.length, 0)

    const groupings = { group_by: [{ key: 'room_id' }, { key: 'sender' }] }
    const grouped = await search(alice, 'leaf', { ...recent, groupings, filter: { limit: 2 } })
    const rooms = grouped.groups?.['room_id'] ?? {}
    t.deepEqual(Object.keys(rooms), [tea, pub])
    t.is(rooms[tea]?.results.length, 1)
    t.deepEqual(Object.keys(grouped.groups?.['sender'] ?? {}), [bob.userId])
    const rest = await search(alice, 'leaf', { ...recent, groupings }, rooms[tea]?.next_batch)
    t.deepEqual(bodiesOf(rest), ['two leaf leaf leaf', 'one leaf'])
    t.is(rest.groups?.['room_id']?.[tea]?.next_batch, undefined)

    const around = { before_limit: 1, after_limit: 1, include_profile: true }
    const [first] = (await search(alice, 'two', { event_context: around, include_state: true })).results
    const context = first?.context ?? {}
    t.deepEqual(
      (context['events_before'] as Json[]).map(event => (event['content'] as Json)['body']),
      ['one leaf'],
    )
    t.deepEqual(
      (context['events_after'] as Json[]).map(event => (event['content'] as Json)['body']),
      ['nothing to see'],
    )
    t.deepEqual(context['profile_info'], {
      [alice.userId]: { displayname: 'alice' },
      [bob.userId]: { displayname: 'bob' },
    })
    const older = await alice.get(`/rooms/${tea}/messages?dir=b&limit=1&from=${String(context['start'])}`)
    t.is((older['chunk'] as Json[])[0]?.['type'], 'm.room.member', 'its tokens lead on')
    const { state } = await search(alice, 'two', { include_state: true })
    t.true(state?.[tea]?.some(event => event['type'] === 'm.room.create'))

    await alice.setState(pub, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' })
    t.is((await filtered({ rooms: [pub] })).results.length, 0, 'encrypted rooms are not searched')
  },
)

testDatabases(test, 'nobody finds what they may not see', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const carol = await registerPerson(server, 'carol')
  const visibility = (history_visibility: string) => ({
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility } }],
  })
  const rooms = Object.fromEntries(
    await Promise.all(
      ['joined', 'invited', 'shared', 'world_readable'].map(
        async kind => [kind, await alice.createRoom({ preset: 'public_chat', ...visibility(kind) })] as const,
      ),
    ),
  ) as Record<string, string>
  const sayEverywhere = async (word: string) => {
    for (const [kind, room] of Object.entries(rooms)) await alice.say(room, `secret ${kind} ${word}`)
  }
  const everywhere = async (act: (room: string) => Promise<void>) => {
    for (const room of Object.values(rooms)) await act(room)
  }
  await sayEverywhere('before')
  await everywhere(room => alice.invite(room, bob.userId))
  await sayEverywhere('invited')
  await everywhere(room => bob.join(room))
  await sayEverywhere('while')
  await everywhere(room => bob.leave(room))
  await sayEverywhere('after')
  const found = async (person: Person) =>
    new Set(bodiesOf(await search(person, 'secret', { filter: { limit: 50 } })))
  // The model: what the history visibility lets somebody see who was invited, joined and has left.
  const expected = new Set<unknown>()
  for (const [kind, words] of Object.entries({
    joined: ['while'],
    invited: ['invited', 'while'],
    shared: ['before', 'invited', 'while'],
    world_readable: ['before', 'invited', 'while', 'after'],
  })) {
    for (const word of words) expected.add(`secret ${kind} ${word}`)
  }
  t.deepEqual([...(await found(bob))].sort(), [...expected].sort())
  t.is((await found(alice)).size, 16)
  t.is((await found(carol)).size, 0)
  t.is((await search(bob, 'after')).count, 1)

  const gone = await alice.say(rooms['shared'] ?? '', 'oops secret')
  t.deepEqual(idsOf(await search(alice, 'oops')), [gone])
  await alice.redact(rooms['shared'] ?? '', gone)
  t.deepEqual(idsOf(await search(alice, 'oops')), [])
  await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, {
    ignored_users: { [alice.userId]: {} },
  })
  t.is((await found(bob)).size, 0)
  await everywhere(async room => void (await bob.post(`/rooms/${room}/forget`)))
  await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: {} })
  t.is((await found(bob)).size, 0, 'forgotten rooms are not searched')
})
