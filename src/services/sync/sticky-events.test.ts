import test, { type ExecutionContext } from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer, type TestServerOptions } from '../../test-kit/server.ts'

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

const look = async (who: Person, room: string, since?: string, timelineLimit = 1): Promise<View> => {
  const filter = JSON.stringify({ room: { timeline: { limit: timelineLimit } } })
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

testDatabases(
  test,
  'what a client asks for, and what is too much for one response',
  async (t, _, database) => {
    const { clock, server, ann, bob, room } = await started(t, database)
    const path = `/rooms/${encodeURIComponent(room)}`
    for (const wrong of ['-1', '1.5', 'soon']) {
      const query = `org.matrix.msc4354.sticky_duration_ms=${wrong}`
      t.is(await ann.code('PUT', `${path}/send/org.example.rtc/w?${query}`, {}), '400 M_INVALID_PARAM', wrong)
      t.is(
        await ann.code('PUT', `${path}/state/org.example.rtc/w?${query}`, {}),
        '400 M_INVALID_PARAM',
        wrong,
      )
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

    for (let n = 0; n < 101; n++) await stick(ann, room, `n${n}`)
    await ann.say(room, 'after all')
    const page = await look(bob, room, seen.token)
    t.is(page.sticky.length, 100)
    const next = await look(bob, room, page.token)
    t.deepEqual(bodies(next.sticky), ['n100'])
    t.deepEqual((await look(bob, room, next.token)).sticky, [])

    await bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`, {
      ignored_users: { [ann.userId]: {} },
    })
    await stick(ann, room, 'ignored')
    const quiet = await look(bob, room, next.token)
    t.deepEqual([...quiet.sticky, ...quiet.timeline], [])
    t.is((await registerPerson(server, 'eve').then(eve => look(eve, room))).sticky.length, 0)
  },
)

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
    return { pos: answer['pos'], sticky: rooms[room]?.events ?? [] }
  }
  await stick(ann, room, 'one')
  await stick(ann, room, 'two')
  const first = await slide(ann)
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
