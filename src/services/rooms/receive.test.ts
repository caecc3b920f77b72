import test from 'ava'
import {
  type CommitResult,
  type Database,
  DatabaseUnavailable,
  type WriteSet,
} from '../../storage/database.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { type Guest, guest, idsOf, peerRoom } from '../../test-kit/guest.ts'
import type { PeerRoom } from '../../test-kit/peer-room.ts'
import { storeOutliers } from './outliers.ts'

testDatabases(
  test,
  'an event that fills a gap covers what it follows, and is no end itself',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('A: bob say a', 'B: bob topic b', 'C: bob say c')
    const here = await guest(database, peers)
    t.is((await here.receive('A')).outcome, 'accepted')
    const missing = await here.receive('C')
    t.deepEqual(missing, { outcome: 'missing', prevEvents: idsOf(peers, 'B'), authEvents: [] })
    await storeOutliers(here.core.writer, peers.roomId, peers.stateBefore('C'))
    const stateBefore = peers.stateBefore('C').map(event => event.eventId)
    t.is((await here.receive('C', { stateBefore })).outcome, 'accepted')
    t.deepEqual(await here.ends(), ['A', 'C'])
    t.is(await here.current('m.room.topic'), 'B')
    t.is((await here.receive('B')).outcome, 'accepted')
    t.deepEqual(await here.ends(), ['C'])
    t.is(await here.current('m.room.topic'), 'B')
  },
)

testDatabases(test, 'so does one of which only a refused event has told', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(
    'F: bob say filler < ME',
    'BAN: alice ban carol < ME',
    'S: carol say evading < F',
    'D: bob say both < S BAN',
  )
  const here = await guest(database, peers)
  t.is((await here.receive('BAN')).outcome, 'accepted')
  const stateBefore = peers.stateBefore('S').map(event => event.eventId)
  t.is((await here.receive('S', { stateBefore })).outcome, 'soft-failed')
  t.is((await here.receive('D')).outcome, 'accepted')
  t.deepEqual(await here.ends(), ['D'])
  t.is((await here.receive('F')).outcome, 'accepted')
  t.deepEqual(await here.ends(), ['D'])
})

testDatabases(test, 'a second create event gets no say', async (t, database) => {
  const peers = peerRoom('10')
  peers.add('!CREATE2: alice create < nothing')
  const here = await guest(database, peers)
  t.like(await here.receive('CREATE2'), { outcome: 'soft-failed' })
  t.is(await here.current('m.room.create'), 'CREATE')
  t.deepEqual(await here.ends(), ['ME'])
})

testDatabases(test, 'refused events are kept, and nothing of ours refers to them', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('X: carol topic hers', 'OK: carol say hi', 'BAN: alice ban carol < ME', 'SF: carol say psst < OK')
  const here = await guest(database, peers)
  t.is((await here.receive('X')).outcome, 'rejected')
  t.is((await here.receive('OK')).outcome, 'accepted')
  // What follows a rejected event covers what that one follows.
  t.deepEqual(await here.ends(), ['OK'])
  t.is((await here.receive('BAN')).outcome, 'accepted')
  t.is((await here.receive('SF')).outcome, 'soft-failed')
  t.deepEqual(await here.ends(), ['BAN', 'OK'])
  t.is(await here.current('m.room.topic'), undefined)
  const { event } = await here.core.sender.send(peers.roomId, {
    type: 'm.room.message',
    sender: '@me:here.test',
    content: {},
  })
  t.deepEqual(event?.prevEvents.map(id => peers.nameOf(id)).sort(), ['BAN', 'OK'])
  t.not(await here.core.context.read.events.byId(peers.event('SF').eventId), undefined)
})

testDatabases(
  test,
  'a ban from elsewhere redacts what came before it, and what comes too late (MSC4293)',
  async (t, database) => {
    const peers = peerRoom('11')
    const ban = JSON.stringify({ membership: 'ban', 'org.matrix.msc4293.redact_events': true })
    peers.add(
      'EARLY: carol say early',
      'OTHER: bob say other',
      `BAN: alice state m.room.member "${peers.event('JC').sender}" ${ban}`,
      'LATE: carol say late < EARLY',
    )
    const here = await guest(database, peers)
    for (const name of ['EARLY', 'OTHER', 'BAN']) t.is((await here.receive(name)).outcome, 'accepted', name)
    t.is((await here.receive('LATE')).outcome, 'soft-failed')
    const by = async (name: string) => {
      const { events } = here.core.context.read
      const stored = await events.byId(peers.event(name).eventId)
      const [redaction] = stored?.redactedBy === undefined ? [] : await events.byNids([stored.redactedBy])
      return redaction && peers.nameOf(redaction.event.eventId)
    }
    t.deepEqual(await Promise.all(['EARLY', 'OTHER', 'LATE'].map(by)), ['BAN', undefined, 'BAN'])
  },
)

for (const order of [
  ['M', 'R', 'DB'],
  ['DB', 'M', 'R'],
  ['R', 'DB', 'M'],
]) {
  const title = `it counts who might redact when the redaction was sent (${order.join(', ')})`
  testDatabases(test, title, async (t, database) => {
    const peers = peerRoom('11')
    // Bob loses his power beside his redaction.
    peers.add('M: carol say oops', 'R: bob redact M', 'DB: alice power alice=100 bob=0 < M')
    const here = await guest(database, peers)
    const stateBefore = peers.stateBefore('M').map(event => event.eventId)
    for (const name of order) t.is((await here.receive(name, { stateBefore })).outcome, 'accepted')
    const target = await here.core.context.read.events.byId(peers.event('M').eventId)
    t.not(target?.redactedBy, undefined)
    t.deepEqual((await shown(here, peers)).sort(), ['DB', 'M', 'ME', 'R'])
  })
}

/** The events that clients are shown. */
const shown = async ({ core }: Guest, peers: PeerRoom): Promise<string[]> => {
  const { events, rooms } = core.context.read
  const room = await rooms.byId(peers.roomId)
  const all = { after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 100 }
  const found = await events.forwards({ roomNid: room?.nid ?? 0, ...all })
  return found.map(({ event }) => peers.nameOf(event.eventId) ?? '')
}

for (const [version, before] of [
  ['2', ['ME', 'R', 'R2']],
  ['3', ['ME']],
] as const) {
  const title = `clients are shown redactions once they apply, where rules do not judge them (version ${version})`
  testDatabases(test, title, async (t, database) => {
    const peers = peerRoom(version)
    peers.add('M: bob say mine', 'R: bob redact M', 'R2: bob redact M', 'N: alice say more')
    const here = await guest(database, peers)
    const stateBefore = peers.stateBefore('M').map(event => event.eventId)
    for (const name of ['R', 'R2']) t.is((await here.receive(name, { stateBefore })).outcome, 'accepted')
    t.deepEqual(await shown(here, peers), before)
    t.deepEqual(await here.ends(), ['ME', 'R2'], 'they are part of the room all the same')
    t.is((await here.receive('M', { stateBefore })).outcome, 'accepted')
    t.is((await here.receive('N')).outcome, 'accepted')
    t.deepEqual((await shown(here, peers)).sort(), ['M', 'ME', 'N', 'R', 'R2'])
  })
}

testDatabases(
  test,
  'a redaction without power takes nothing away, whichever comes first',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('M: bob say mine', 'R: carol redact M')
    const here = await guest(database, peers)
    const stateBefore = peers.stateBefore('M').map(event => event.eventId)
    t.is((await here.receive('R', { stateBefore })).outcome, 'accepted')
    t.is((await here.receive('M')).outcome, 'accepted')
    const target = await here.core.context.read.events.byId(peers.event('M').eventId)
    t.is(target?.redactedBy, undefined)
    t.deepEqual(await shown(here, peers), ['ME', 'M'])
  },
)

/** The database, whose commits begin once so many wait to. */
const holding = (database: Database, count: number): Database => {
  const { promise: released, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  const commit = async (set: WriteSet): Promise<CommitResult> => {
    waiting += 1
    if (waiting === count) resolve()
    await released
    return database.commit(set)
  }
  return new Proxy(database, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

testDatabases(
  test,
  'messages follow each other to the disk; what depends on more waits',
  async (t, given) => {
    const peers = peerRoom('11')
    peers.add(
      'A: bob say a',
      'B: bob say b',
      'C: bob say c',
      'T: bob topic t',
      'D: bob say d',
      'E: bob say e',
    )
    const here = await guest(given, peers)
    // Three are on their way together, or none would ever arrive.
    Object.assign(here.core.context, { db: holding(given, 3) })
    const names = ['A', 'B', 'C', 'T', 'D', 'E']
    const received = await Promise.all(names.map(name => here.receive(name)))
    t.deepEqual(
      received.map(({ outcome }) => outcome),
      names.map(() => 'accepted'),
    )
    const positions = received.map(one => ('position' in one ? one.position : 0))
    t.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    )
    t.deepEqual(await here.ends(), ['E'])
    t.is(await here.current('m.room.topic'), 'T')
    t.is((await here.receive('C')).outcome, 'duplicate')
  },
)

testDatabases(
  test,
  'what follows an event that is not stored after all is received all the same',
  async (t, given) => {
    const peers = peerRoom('11')
    peers.add('A: bob say a', 'B: bob say b', 'C: bob say c')
    let refused = 0
    const database = new Proxy(given, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (name === 'commit' && refused === 1) {
          refused += 1
          return () => Promise.reject(new DatabaseUnavailable('for a moment'))
        }
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const here = await guest(database, peers)
    refused = 1
    const [first, ...others] = await Promise.allSettled(['A', 'B', 'C'].map(name => here.receive(name)))
    t.is(first?.status, 'rejected')
    t.deepEqual(
      others.map(one => (one.status === 'fulfilled' ? one.value.outcome : undefined)),
      ['missing', 'missing'],
    )
    for (const name of ['A', 'B', 'C']) t.is((await here.receive(name)).outcome, 'accepted')
    t.deepEqual(await here.ends(), ['C'])
  },
)
