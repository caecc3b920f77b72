import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { deepestMembers } from '../../test-kit/deepest-members.ts'
import { BEFORE, partialGuest } from '../../test-kit/partial-guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { storeOutliers } from './outliers.ts'

testDatabases(
  test,
  'many are stored after what authorises them, however deep they are',
  async (t, database) => {
    const peers = new PeerRoom('11', BEFORE)
    const here = await partialGuest(t, peers, Promise.resolve(database))
    const { joins, leaves } = deepestMembers(peers, 300)
    const stored = await storeOutliers(here.core.writer, peers.roomId, [...leaves, ...joins])
    t.is(stored.length, 600)
    t.is((await here.core.context.read.events.byIds(leaves.map(event => event.eventId))).size, 300)
  },
)

testDatabases(test, 'what several need at once is stored once', async (t, database) => {
  const peers = new PeerRoom('11', BEFORE)
  const here = await partialGuest(t, peers, Promise.resolve(database))
  const { joins } = deepestMembers(peers, 200)
  const { writer, context } = here.core
  for (let start = 0; start < joins.length; start += 20) {
    const some = joins.slice(start, start + 20)
    const each = [some, some.slice(5, 10), some]
    const stored = await Promise.all(each.map(events => storeOutliers(writer, peers.roomId, events)))
    t.is(new Set(stored.flat().map(({ nid }) => nid)).size, some.length)
  }
  t.is((await context.read.events.byIds(joins.map(event => event.eventId))).size, joins.length)
})
