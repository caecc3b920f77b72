import test, { type ExecutionContext } from 'ava'
import { syncFilter } from '../../core/filter.ts'
import { StickyEventReader } from '../../storage/rooms/sticky-events.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { startTestServer, type TestServerOptions } from '../../test-kit/server.ts'
import { StickyStream } from './sticky-stream.ts'

/** Sticky events over HTTP, as clients use them (MSC4354). */

type Json = Record<string, unknown>

interface Shown {
  readonly event_id: string
  readonly content: Json
  readonly unsigned: Json
  readonly msc4354_sticky?: unknown
}

interface View {
  readonly token: string
  readonly timeline: readonly Shown[]
  readonly sticky: readonly Shown[]
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
let transactions = 0

const started = async (t: ExecutionContext, database: NonNullable<TestServerOptions['database']>) => {
  const clock = new FakeClock()
  const server = await startTestServer({ clock, database })
  t.teardown(server.close)
  const [ann, bob] = [await registerPerson(server, 'ann'), await registerPerson(server, 'bob')]
  const room = await ann.createOpenRoom({
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
    ],
  })
  return { clock, server, ann, bob, room }
}

const stick = async (who: Person, room: string, body: string, duration: number | string = HOUR) => {
  const query = `org.matrix.msc4354.sticky_duration_ms=${duration}`
  const path = `/rooms/${encodeURIComponent(room)}/send/org.example.rtc/s${transactions++}?${query}`
  return String((await who.put(path, { body }))['event_id'])
}

const look = async (who: Person, room: string, since?: string, timeline: Json = {}): Promise<View> => {
  const filter = JSON.stringify({ room: { timeline: { limit: 1, ...timeline } } })
  const after = since === undefined ? '' : `&since=${since}`
  const body = await who.get(`/sync?timeout=0&filter=${encodeURIComponent(filter)}${after}`)
  const joined = ((body['rooms'] as Json | undefined)?.['join'] ?? {}) as Record<string, Json>
  const events = (section: string) =>
    (joined[room]?.[section] as { events: Shown[] } | undefined)?.events ?? []
  return {
    token: String(body['next_batch']),
    timeline: events('timeline'),
    sticky: events('msc4354_sticky'),
  }
}

const bodies = (events: readonly Shown[]): unknown[] => events.map(({ content }) => content['body'])

testDatabases(
  test,
  'sticky events reach clients beyond the timeline, once, until they run out',
  async (t, _, database) => {
    const { clock, ann, bob, room } = await started(t, database)
    const before = await look(ann, room)
    await stick(ann, room, 'short', 10 * MINUTE)
    const first = await stick(ann, room, 'first', 3 * HOUR)
    await stick(ann, room, 'last')
    await clock.advance(1_000)
    const seen = await look(ann, room, before.token)
    t.deepEqual(bodies(seen.timeline), ['last'])
    t.deepEqual(bodies(seen.sticky), ['short', 'first'], 'not what the timeline shows')
    t.deepEqual(seen.sticky[1]?.msc4354_sticky, { duration_ms: HOUR }, 'an hour at most')
    t.is(seen.sticky[1]?.unsigned['msc4354_sticky_duration_ttl_ms'], HOUR - 1_000)
    t.is(seen.timeline[0]?.unsigned['msc4354_sticky_duration_ttl_ms'], HOUR - 1_000)
    t.deepEqual((await look(ann, room, seen.token)).sticky, [], 'told once')
    const filtered = await look(ann, room, before.token, { not_types: ['org.example.rtc'] })
    t.deepEqual(
      bodies(filtered.sticky),
      ['short', 'first', 'last'],
      'what the filter keeps out of the timeline',
    )
    t.deepEqual(bodies((await look(ann, room)).sticky), ['short', 'first'], 'whoever begins is told anew')

    await bob.join(room)
    const joined = await look(bob, room)
    t.deepEqual(bodies(joined.sticky), ['short', 'first', 'last'], 'whatever the history visibility')
    await bob.leave(room)
    const away = await look(bob, room, joined.token)
    await stick(ann, room, 'meanwhile')
    t.deepEqual(bodies((await look(bob, room, away.token)).sticky), [])
    await bob.join(room)
    const back = await look(bob, room, away.token)
    t.deepEqual(
      bodies(back.sticky),
      ['short', 'first', 'last', 'meanwhile'],
      'all of a room that was joined since',
    )

    await ann.redact(room, first)
    await clock.advance(10 * MINUTE)
    const later = await look(bob, room)
    t.deepEqual(bodies(later.sticky), ['last', 'meanwhile'], 'neither what was redacted nor what has run out')
    const redacted = (await bob.get(`/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=30`))[
      'chunk'
    ] as Shown[]
    t.deepEqual(redacted.find(({ event_id }) => event_id === first)?.msc4354_sticky, undefined)
    await clock.advance(HOUR)
    t.deepEqual((await look(bob, room)).sticky, [])
  },
)

testDatabases(test, 'what a client asks for, now or later, and whom it ignores', async (t, _, database) => {
  const { clock, server, ann, bob, room } = await started(t, database)
  const path = `/rooms/${encodeURIComponent(room)}`
  for (const wrong of ['-1', '1.5', 'soon']) {
    const query = `org.matrix.msc4354.sticky_duration_ms=${wrong}`
    t.is(await ann.code('PUT', `${path}/send/org.example.rtc/w?${query}`, {}), '400 M_INVALID_PARAM', wrong)
    t.is(await ann.code('PUT', `${path}/state/org.example.rtc/w?${query}`, {}), '400 M_INVALID_PARAM', wrong)
  }
  await bob.join(room)
  const start = (await look(bob, room)).token
  await stick(ann, room, 'at once', 0)
  t.deepEqual((await look(bob, room, start)).timeline[0]?.msc4354_sticky, { duration_ms: 0 })
  const state = `${path}/state/org.example.rtc/?org.matrix.msc4354.sticky_duration_ms=${HOUR}`
  await ann.put(state, { body: 'state' })
  await clock.advance(1_000)
  await ann.put(state, { body: 'state' })
  const delayed = `${path}/send/org.example.rtc/d?org.matrix.msc4140.delay=${MINUTE}`
  await ann.put(`${delayed}&org.matrix.msc4354.sticky_duration_ms=${HOUR}`, { body: 'delayed' })
  await clock.advance(MINUTE)
  await eventually(
    'the delayed event is sent',
    async () => bodies((await look(bob, room, start)).timeline)[0] === 'delayed',
  )
  await ann.say(room, 'after')
  const seen = await look(bob, room, start)
  t.deepEqual(bodies(seen.sticky), ['state', 'state', 'delayed'], 'state that stays the same sticks anew')
  t.is(seen.sticky[2]?.unsigned['msc4354_sticky_duration_ttl_ms'], HOUR, 'from when it was sent')

  await bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`, {
    ignored_users: { [ann.userId]: {} },
  })
  await stick(ann, room, 'ignored')
  const quiet = await look(bob, room, seen.token)
  t.deepEqual([...quiet.sticky, ...quiet.timeline], [])
  t.is((await registerPerson(server, 'eve').then(eve => look(eve, room))).sticky.length, 0)
})

testDatabases(test, 'sliding sync tells of sticky events by an extension', async (t, _, database) => {
  const { ann, bob, room } = await started(t, database)
  const features = (await ann.get('/_matrix/client/versions'))['unstable_features'] as Json
  t.true(features['org.matrix.msc4354'])
  const slide = async (who: Person, pos?: unknown) => {
    const target = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0${pos ? `&pos=${pos}` : ''}`
    const extensions = { 'org.matrix.msc4354.sticky_events': { enabled: true } }
    const lists = { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } }
    const answer = await who.post(target, { lists, extensions })
    const told = (answer['extensions'] as Json)['org.matrix.msc4354.sticky_events'] as Json
    const rooms = told['rooms'] as Record<string, { events: Shown[] }>
    return { pos: answer['pos'], sticky: rooms[room]?.events ?? [], next: told['next_batch'] }
  }
  await stick(ann, room, 'one')
  await stick(ann, room, 'two')
  const first = await slide(ann)
  t.regex(String(first.next), /^\d+$/, 'as Synapse has it')
  t.deepEqual(bodies(first.sticky), ['one'])
  t.is(first.sticky[0]?.unsigned['msc4354_sticky_duration_ttl_ms'], HOUR)
  const nothing = await slide(ann, first.pos)
  t.deepEqual(nothing.sticky, [])
  await bob.join(room)
  t.deepEqual(bodies((await slide(bob)).sticky), ['one', 'two'])
  await stick(ann, room, 'three')
  await ann.say(room, 'after')
  t.deepEqual(bodies((await slide(ann, nothing.pos)).sticky), ['three'])
})

testDatabases(test, 'sticky events beyond one response come with the next', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const { read } = core.context
  const made = newRoom(rooms, '@ann:here.test', { preset: 'public_chat' })
  const roomId = await rooms.roomCreation.create(made, { isDirect: false })
  for (const body of ['one', 'two', 'three', 'four', 'five']) {
    const message = { roomId, type: 'org.example.rtc', txnId: body, content: { body }, stickyMs: HOUR }
    await rooms.sending.message(requesterOf('@ann:here.test'), message)
  }
  const position = database.position('events')
  const nid = (await read.rooms.byId(roomId))?.nid ?? 0
  const watch = { position, joinedRooms: async () => new Map([[nid, 1]]) }
  const stream = new StickyStream({ read, watch, clock }, { limit: 2 })
  const request = {
    ...{ requester: requesterOf('@ann:here.test'), filter: syncFilter({}), ignored: new Set<string>() },
    ...({ fullState: false, stateAfter: false, since: undefined } as const),
  }
  const pages: unknown[] = []
  let after: number | undefined
  do {
    const news = await stream.news(request, after, position)
    pages.push(news.rooms?.get(roomId)?.sticky?.map(({ event }) => event.content['body']))
    after = news.upTo ?? position
  } while (after < position)
  const again = await new StickyEventReader(database).live(clock.now())
  t.deepEqual([...again.keys()], [nid], 'whoever starts later knows of it')
  t.deepEqual(pages, [['one', 'two'], ['three', 'four'], ['five']])
})
