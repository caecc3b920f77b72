import test from 'ava'
import { type Database, DatabaseUnavailable, type WriteSet } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { type Guest, guest, idsOf, peerRoom } from '../../test-kit/guest.ts'
import type { PeerRoom } from '../../test-kit/peer-room.ts'
import { storeOutliers } from './outliers.ts'
import { receiveAll } from './receive.ts'

/** Receives events together; answers what has become of each. */
const receive = async ({ core }: Guest, peers: PeerRoom, ...names: string[]): Promise<string[]> => {
  const settled = await Promise.allSettled(receiveAll(core.writer, peers.events(...names)))
  return settled.map(one => (one.status === 'fulfilled' ? one.value.outcome : String(one.reason)))
}

/** The names of the room's events in the order of the timeline, refused ones too, and how it ends, both as stored. */
const stored = async ({ core }: Guest, peers: PeerRoom) => {
  const { read } = core.context
  const room = await read.rooms.byId(peers.roomId)
  const page = await read.events.forwards({ roomNid: room?.nid ?? 0, after: 0, upTo: 1e9, limit: 100 })
  const ends = await read.rooms.extremities(room?.nid ?? 0)
  return {
    timeline: page.map(({ event }) => peers.nameOf(event.eventId)),
    ends: ends.map(({ eventId }) => peers.nameOf(eventId)),
  }
}

/** Looks at each write set before it is committed. */
const watched = (here: Guest, database: Database, look: (set: WriteSet) => void): void => {
  const commit = async (set: WriteSet) => {
    look(set)
    return database.commit(set)
  }
  const db = { ...delegate(database), commit }
  Object.assign(here.core.context, { db })
}

const SAID = ['A: bob say a', 'B: bob say b', 'T: bob topic t', 'C: carol say c', 'D: bob say d']

testDatabases(test, 'messages share a commit with what they follow', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(...SAID)
  const here = await guest(database, peers)
  let commits = 0
  watched(here, database, () => {
    commits += 1
  })
  const accepted = ['A', 'B', 'T', 'C', 'D'].map(() => 'accepted')
  t.deepEqual(await receive(here, peers, 'A', 'B', 'T', 'C', 'D'), accepted)
  t.is(commits, 2, 'the topic waits for what is before it')
  t.deepEqual(await stored(here, peers), { timeline: ['ME', 'A', 'B', 'T', 'C', 'D'], ends: ['D'] })
  t.is(await here.current('m.room.topic'), 'T')
  const again = ['A', 'B', 'D'].map(() => 'duplicate')
  t.deepEqual(await receive(here, peers, 'A', 'B', 'D'), again)
})

testDatabases(test, 'what authorises them is read once', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('A: bob say a', 'B: carol say b', 'C: bob say c', 'D: carol say d')
  const counted = countedReads(database)
  const here = await guest(counted.database, peers)
  await receive(here, peers, 'A', 'B')
  // Whether they are stored, whether they are redacted, and whether anything waits for them.
  t.is(await counted.during(() => receive(here, peers, 'C', 'D')), 3)
})

testDatabases(test, 'each has its own outcome', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(
    'A: bob say a',
    'X: eve@alice.test say not here',
    'B: bob say b < A',
    'GONE: bob say gone',
    'AFTER: bob say after',
    'C: bob say c < B',
  )
  const here = await guest(database, peers)
  const outcomes = await receive(here, peers, 'A', 'A', 'X', 'B', 'AFTER', 'C', 'B')
  t.deepEqual(outcomes, ['accepted', 'duplicate', 'rejected', 'accepted', 'missing', 'accepted', 'duplicate'])
  t.deepEqual(await stored(here, peers), { timeline: ['ME', 'A', 'B', 'C'], ends: ['C'] })
})

testDatabases(test, 'a redaction that has waited finds its message among others', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('A: bob say a', 'M: carol say oops', 'B: bob say b', 'R: bob redact M')
  const here = await guest(database, peers)
  await storeOutliers(here.core.writer, peers.roomId, peers.stateBefore('R'))
  const stateBefore = peers.stateBefore('R').map(({ eventId }) => eventId)
  t.is((await here.receive('R', { stateBefore })).outcome, 'accepted')
  const accepted = ['A', 'M', 'B'].map(() => 'accepted')
  t.deepEqual(await receive(here, peers, 'A', 'M', 'B'), accepted)
  const events = await here.core.context.read.events.byIds(idsOf(peers, 'A', 'M', 'B', 'R'))
  const redacted = [...events.values()].filter(({ redactedBy }) => redactedBy !== undefined)
  t.deepEqual(
    redacted.map(({ event }) => peers.nameOf(event.eventId)),
    ['M'],
  )
})

testDatabases(test, 'one that cannot be stored harms no other', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('A: bob say a', 'B: bob say poison', 'C: carol say c < A', 'D: carol say d')
  const here = await guest(database, peers)
  watched(here, database, ({ statements }) => {
    if (JSON.stringify(statements).includes('poison')) throw new Error('it cannot be stored')
  })
  const outcomes = await receive(here, peers, 'A', 'B', 'C', 'D')
  t.deepEqual(outcomes, ['accepted', 'Error: it cannot be stored', 'accepted', 'accepted'])
  t.deepEqual(await stored(here, peers), { timeline: ['ME', 'A', 'C', 'D'], ends: ['D'] })
})

testDatabases(test, 'without a database none is received', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(...SAID)
  const here = await guest(database, peers)
  let commits = 0
  watched(here, database, () => {
    commits += 1
    throw new DatabaseUnavailable('gone')
  })
  const refused = ['A', 'B', 'T'].map(() => 'DatabaseUnavailable: gone')
  t.deepEqual(await receive(here, peers, 'A', 'B', 'T'), refused)
  t.is(commits, 1)
})

testDatabases(test, 'what was drafted before a read failed is forgotten', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('A: bob say a', 'B: carol say b')
  const here = await guest(database, peers)
  const { events } = here.core.context.read
  const byIds = events.byIds.bind(events)
  const carol = peers.event('JC').eventId
  let failures = 1
  Object.assign(events, {
    byIds: (eventIds: readonly string[]) => {
      if (eventIds.includes(carol) && failures-- > 0) throw new DatabaseUnavailable('gone')
      return byIds(eventIds)
    },
  })
  const refused = ['A', 'B'].map(() => 'DatabaseUnavailable: gone')
  t.deepEqual(await receive(here, peers, 'A', 'B'), refused)
  t.deepEqual(await receive(here, peers, 'A', 'B'), ['accepted', 'accepted'])
  t.deepEqual(await stored(here, peers), { timeline: ['ME', 'A', 'B'], ends: ['B'] })
})
