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
