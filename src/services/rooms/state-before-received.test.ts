/** What holds before events of which something is missing here. */
import test, { type ExecutionContext } from 'ava'
import { stateMapKey } from '../../core/event/event.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { type Guest, guest, peerRoom } from '../../test-kit/guest.ts'
import type { PeerRoom } from '../../test-kit/peer-room.ts'
import { storeOutliers } from './outliers.ts'

/** That the current state is the one before an event, as it truly is. */
const holdsAllBefore = async (t: ExecutionContext, here: Guest, peers: PeerRoom, name: string) => {
  const head = await here.core.writer.head(peers.roomId)
  const names = (ids: Iterable<string>) => [...ids].map(eventId => peers.nameOf(eventId)).sort()
  const held = [...(head?.state.values() ?? [])].map(({ eventId }) => eventId)
  t.deepEqual(names(held), names(peers.stateBefore(name).map(({ eventId }) => eventId)))
}

/** The IDs of the state before an event, but for some events of it, or with others in their place. */
const told = (peers: PeerRoom, name: string, without: string, instead?: string): string[] => {
  const all = peers.stateBefore(name).filter(event => event !== peers.event(without))
  return [...all, ...(instead === undefined ? [] : [peers.event(instead)])].map(({ eventId }) => eventId)
}

const TOLD = [
  ['an older membership', 'alice ban carol', 'JC'],
  ['no membership', 'alice ban carol', undefined],
  ['older power levels', 'alice power alice=100', 'PL'],
] as const

for (const [what, deed, instead] of TOLD)
  testDatabases(
    test,
    `a peer that tells ${what} before an event takes nothing away of what is known there`,
    async (t, database) => {
      const peers = peerRoom('11')
      peers.add(
        `B: ${deed} < ME`,
        'M: bob say missing < ME',
        'E: bob say something < B M',
        'END: alice say end',
      )
      const here = await guest(database, peers)
      await here.receive('B')
      t.is((await here.receive('E')).outcome, 'missing')
      t.is((await here.receive('E', { stateBefore: told(peers, 'E', 'B', instead) })).outcome, 'accepted')
      t.deepEqual(await here.ends(), ['E'])
      await holdsAllBefore(t, here, peers, 'END')
    },
  )

testDatabases(test, 'what a peer tells of what is missing before an event holds', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(
    ...['B: alice ban carol < ME', 'P: alice power alice=100 bob=75 < ME', 'T: bob topic missing'],
    ...['E: bob say something < B T', 'END: alice say end'],
  )
  const here = await guest(database, peers)
  await here.receive('B')
  await storeOutliers(here.core.writer, peers.roomId, peers.events('P', 'T'))
  const stateBefore = peers.stateBefore('E').map(({ eventId }) => eventId)
  t.is((await here.receive('E', { stateBefore })).outcome, 'accepted')
  t.is(await here.current('m.room.topic'), 'T')
  await holdsAllBefore(t, here, peers, 'END')
})

testDatabases(
  test,
  'who leaves where nobody tells what came before brings no power levels back that are past',
  async (t, database) => {
    const peers = peerRoom('10')
    peers.add(
      'P1: alice power alice=100 bob=100 < ME',
      'P2: alice power alice=0 bob=100 carol=100',
      'B: carol ban alice',
      'M: bob say missing < P1',
      'L: bob leave',
      'END: carol say end < B L',
    )
    const here = await guest(database, peers)
    for (const name of ['P1', 'P2', 'B']) t.is((await here.receive(name)).outcome, 'accepted')
    t.is((await here.receive('L')).outcome, 'missing')
    t.is((await here.receive('L', { gapStays: true })).outcome, 'accepted')
    await holdsAllBefore(t, here, peers, 'END')
    t.is((await here.receive('END')).outcome, 'accepted')
    await holdsAllBefore(t, here, peers, 'END')
  },
)

testDatabases(
  test,
  'power that was given where nobody tells of it counts though who gave it has left here',
  async (t, database) => {
    const peers = peerRoom('10')
    peers.add(
      'LA: alice leave < ME',
      'P: alice power alice=100 bob=50 carol=50 < ME',
      'M: carol say missing',
      'K: carol kick me@here.test',
      'END: bob say end < LA K',
    )
    const here = await guest(database, peers)
    t.is((await here.receive('LA')).outcome, 'accepted')
    await storeOutliers(here.core.writer, peers.roomId, peers.events('P'))
    t.is((await here.receive('K', { gapStays: true })).outcome, 'accepted')
    const head = await here.core.writer.head(peers.roomId)
    t.is(peers.nameOf(head?.state.get(stateMapKey('m.room.power_levels', ''))?.eventId), 'P')
    await holdsAllBefore(t, here, peers, 'END')
  },
)
