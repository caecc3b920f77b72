import test from 'ava'
import fc from 'fast-check'
import { type Database, DatabaseUnavailable } from '../../storage/database.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { type Guest, guest, peerRoom } from '../../test-kit/guest.ts'
import type { PeerRoom } from '../../test-kit/peer-room.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { type Received, receiveAll, receiveEvent } from './receive.ts'

/** Eve was never let in. */
const PEOPLE = ['alice', 'bob', 'carol', 'carol', 'eve@alice.test']

/** What somebody does, given an event before: mostly says something. */
const ACTS: readonly ((before: string) => string)[] = [
  ...Array.from({ length: 8 }, () => () => 'say hello'),
  () => 'stick hand',
  before => `redact ${before}`,
  before => `send m.room.message {"body":"x","m.relates_to":{"rel_type":"m.thread","event_id":"$${before}"}}`,
  () => 'topic t',
  () => 'ban carol',
  () => 'join',
  () => 'power alice=100 bob=50 carol=50',
  () => 'power alice=100',
]

/** Most follow the event before them (0), others are forks and joints. */
const anyBack = fc.oneof(
  { weight: 5, arbitrary: fc.constant<number[]>([0]) },
  { weight: 1, arbitrary: fc.array(fc.nat(4), { minLength: 1, maxLength: 2 }) },
)
const anyStep = fc.record({
  sender: fc.nat(PEOPLE.length - 1),
  act: fc.nat(ACTS.length - 1),
  back: anyBack,
  target: fc.nat(5),
})

/**
 * What others do, which of it comes once more at which place, what never comes, how many come at a time, and after how many reads and
 * commits of each such time the database fails.
 */
const anyCase = fc.record({
  version: fc.constantFrom('3', '10', '11'),
  steps: fc.array(anyStep, { minLength: 3, maxLength: 25 }),
  again: fc.array(fc.tuple(fc.nat(24), fc.nat(24)), { maxLength: 4 }),
  lost: fc.option(fc.nat(24), { freq: 1 }),
  sizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
  failures: fc.array(fc.option(fc.nat(8), { freq: 3 }), { maxLength: 6 }),
})

type Case = typeof anyCase extends fc.Arbitrary<infer Drawn> ? Drawn : never

const roomOf = ({ version, steps }: Case): { peers: PeerRoom; names: readonly string[] } => {
  const peers = peerRoom(version)
  const names: string[] = []
  for (const { sender, act, back, target } of steps) {
    const name = `E${names.length}`
    const before = (far: number): string => names.at(-1 - far) ?? 'ME'
    const prev = [...new Set(back.map(before))].join(' ')
    peers.add(`${name}: ${PEOPLE[sender]} ${ACTS[act]?.(before(target))} < ${prev}`)
    names.push(name)
  }
  return { peers, names }
}

const arriving = ({ again, lost }: Case, names: readonly string[]): string[] => {
  const order = names.filter((_, index) => index !== lost)
  for (const [from, to] of again) order.splice(to, 0, ...names.slice(from, from + 1))
  return order
}

/** A database that fails once, after so many more reads and commits. */
const failingDatabase = (database: Database) => {
  let left: number | null = null
  const proxy = new Proxy(database, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!['all', 'get', 'scan', 'commit'].includes(String(name))) return value.bind(target)
      return async (...given: unknown[]) => {
        if (left !== null && left-- === 0) throw new DatabaseUnavailable('gone')
        return value.apply(target, given)
      }
    },
  })
  const failAfter = (count: number | null): void => {
    left = count
  }
  return { database: proxy, failAfter }
}

const outcomeOf = (received: Received): string =>
  `${received.outcome} ${'reason' in received ? received.reason : ''}`

interface Row {
  readonly event_id: string
  readonly rejected: string | null
  readonly soft_failed: number
  readonly redacted_by: number | null
  readonly in_order: number
}

/** All that a server has of the room, as it is stored and as it is held in memory. */
const allOf = async ({ core, ends, current }: Guest, peers: PeerRoom) => {
  const { read, db } = core.context
  const roomNid = (await read.rooms.byId(peers.roomId))?.nid ?? 0
  const rows = (sql: string): Promise<Row[]> => db.all<Row>(db.prepare(sql), [])
  const ofEvents = async (table: string) =>
    (await rows(`SELECT * FROM ${table} JOIN events USING (event_nid) ORDER BY events.position`)).map(row =>
      peers.nameOf(row.event_id),
    )
  const stored = await read.rooms.extremities(roomNid)
  return {
    ends: await ends(),
    storedEnds: stored.map(end => peers.nameOf(end.eventId)).sort(),
    state: await Promise.all(['m.room.topic', 'm.room.power_levels'].map(type => current(type))),
    carol: await current('m.room.member', '@carol:carol.test'),
    timeline: (await rows('SELECT * FROM events WHERE position > 0 ORDER BY position')).map(row => [
      ...[peers.nameOf(row.event_id), row.rejected, row.soft_failed, row.in_order],
      row.redacted_by !== null,
    ]),
    missing: (await read.rooms.missingEvents(roomNid)).map(one => peers.nameOf(one.missingEventId)),
    sticky: await ofEvents('sticky_events'),
    related: await ofEvents('relations'),
  }
}

/** Receives events as many at a time as was drawn; when the database fails, they come again. */
const receiveTogether = async (
  { core }: Guest,
  events: Parameters<typeof receiveAll>[1],
  { sizes, failures }: Case,
  failAfter: (count: number | null) => void,
): Promise<{ outcomes: string[]; hasFailed: boolean }> => {
  const outcomes: string[] = []
  let hasFailed = false
  for (let at = 0, turn = 0; at < events.length; turn++) {
    const some = events.slice(at, at + (sizes[turn % sizes.length] ?? 1))
    failAfter(failures[turn] ?? null)
    const first = await Promise.allSettled(receiveAll(core.writer, some))
    failAfter(null)
    hasFailed ||= first.some(one => one.status === 'rejected')
    const received = await Promise.all(
      hasFailed && first.some(one => one.status === 'rejected')
        ? receiveAll(core.writer, some)
        : first.flatMap(one => (one.status === 'fulfilled' ? one.value : [])),
    )
    outcomes.push(...received.map(outcomeOf))
    at += some.length
  }
  return { outcomes, hasFailed }
}

test('events come to the same together as one by one, also where the database fails in between', async t => {
  await fc.assert(
    fc.asyncProperty(anyCase, async drawn => {
      const { peers, names } = roomOf(drawn)
      const events = peers.events(...arriving(drawn, names))
      const closing: (() => void | Promise<void>)[] = []
      const owner = { teardown: (close: () => void | Promise<void>) => void closing.unshift(close) }
      try {
        const alone = await guest(await testDatabase(owner), peers)
        const expected: string[] = []
        for (const event of events) expected.push(outcomeOf(await receiveEvent(alone.core.writer, event)))
        const { database, failAfter } = failingDatabase(await testDatabase(owner))
        const together = await guest(database, peers)
        const { outcomes, hasFailed } = await receiveTogether(together, events, drawn, failAfter)
        // What was stored before the database failed is a duplicate when it comes again.
        if (!hasFailed) t.deepEqual(outcomes, expected)
        t.deepEqual(await allOf(together, peers), await allOf(alone, peers))
      } finally {
        for (const close of closing) await close()
      }
    }),
    { numRuns: randomRuns(12) },
  )
})
