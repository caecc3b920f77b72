import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { guest, idsOf } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { NO_GATEWAY } from '../../test-kit/push-counts.ts'
import { storeOutliers } from '../rooms/outliers.ts'
import { completeRoom } from '../rooms/partial-completion.ts'
import { createPush } from './index.ts'

const ME = '@me:here.test'

for (const [visibility, expected] of [
  ['joined', 1],
  ['shared', 2],
] as const) {
  testDatabases(
    test,
    `an event from before somebody came in that is late notifies them in a ${visibility} room if they see it`,
    async (t, database) => {
      const peers = new PeerRoom('11', [
        'CREATE: alice create',
        'JA: alice join',
        'PL: alice power alice=100 bob=50',
        'JR: alice rule public',
        `HV: alice state m.room.history_visibility "" {"history_visibility":"${visibility}"}`,
        'JB: bob join',
        'ME: me@here.test join',
      ])
      peers.add('LATE: bob say secret < JB', 'NOW: bob say hello < ME')
      const server = await guest(database, peers)
      const { core, clock } = server
      const push = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
      t.teardown(() => push.close())
      push.start()
      const stateBefore = idsOf(peers, 'CREATE', 'JA', 'PL', 'JR', 'HV', 'JB')
      t.is((await server.receive('LATE', { stateBefore })).outcome, 'accepted')
      await server.receive('NOW')
      await push.counter.counted(database.position('events'))
      const nid = (await core.writer.head(peers.roomId))?.room.nid ?? 0
      t.is((await push.unread.ofRoom(ME, nid)).total.notification_count, expected)
    },
  )
}

test('what is found to be nothing to show once all members are known notifies nobody any more', async t => {
  const peers = new PeerRoom('11', [
    ...[
      'CREATE: alice create',
      'JA: alice join',
      'PL: alice power alice=100 bob=50',
      'JR: alice rule public',
    ],
    ...['JB: bob join', 'JD: dave join', 'BD: alice ban dave', 'ME: me@here.test join'],
  ])
  // Dave speaks by a membership that he had once.
  peers.add('A: bob say a', '!SPAM: dave say spam < A | CREATE PL JD')
  const server = await guest(await testDatabase(t), peers, { omitMembers: true })
  const { core, clock } = server
  const push = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
  t.teardown(() => push.close())
  push.start()
  const unread = async () => {
    await push.counter.counted(core.context.db.position('events'))
    const nid = (await core.writer.head(peers.roomId))?.room.nid ?? 0
    return (await push.unread.ofRoom(ME, nid)).total.notification_count
  }
  for (const name of ['A', 'SPAM']) {
    await storeOutliers(core.writer, peers.roomId, peers.authChainOf(name))
    t.is((await server.receive(name)).outcome, 'accepted')
  }
  t.is(await unread(), 2)
  const state = peers.stateBefore('ME')
  await storeOutliers(core.writer, peers.roomId, [...peers.authChainOf('ME'), ...state])
  const join = { roomId: peers.roomId, joinEventId: peers.event('ME').eventId }
  const stateIds = state.map(event => event.eventId)
  t.true(await completeRoom(core.writer, join, stateIds, { askState: async () => [] }))
  t.is(await unread(), 1)
})

testDatabases(
  test,
  'what was said where somebody was not counts as unread no longer once all members are known',
  async (t, database) => {
    const peers = new PeerRoom('11', [
      ...['CREATE: alice create', 'JA: alice join', 'PL: alice power alice=100 bob=50'],
      'HV: alice state m.room.history_visibility "" {"history_visibility":"joined"}',
      ...['JR: alice rule public', 'JB: bob join', 'ME: me@here.test join'],
    ])
    peers.add('APART: bob say secret < JB', 'HERE: bob say hello < ME')
    const server = await guest(database, peers, { omitMembers: true })
    const { core, clock } = server
    const push = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
    t.teardown(() => push.close())
    push.start()
    const unread = async () => {
      await push.counter.counted(database.position('events'))
      const nid = (await core.writer.head(peers.roomId))?.room.nid ?? 0
      return (await push.unread.ofRoom(ME, nid)).total.notification_count
    }
    const tell = async (name: string) => {
      await storeOutliers(core.writer, peers.roomId, [...peers.authChainOf(name), ...peers.stateBefore(name)])
      return peers.stateBefore(name).map(event => event.eventId)
    }
    for (const name of ['APART', 'HERE']) {
      await storeOutliers(core.writer, peers.roomId, peers.authChainOf(name))
      t.is((await server.receive(name, { onCurrentState: true })).outcome, 'accepted')
    }
    t.is(await unread(), 2)
    const join = { roomId: peers.roomId, joinEventId: peers.event('ME').eventId }
    const askState = () => tell('APART')
    t.true(await completeRoom(core.writer, join, await tell('ME'), { askState }))
    t.is(await unread(), 1)
  },
)

testDatabases(
  test,
  'whom a conflict puts out of a room without a word is notified no more',
  async (t, database) => {
    const peers = new PeerRoom('11', [
      ...[
        'CREATE: alice create',
        'JA: alice join',
        'PL: alice power alice=100 bob=50',
        'JR: alice rule public',
      ],
      ...['JB: bob join', 'ME: me@here.test join'],
    ])
    peers.add('ZED: zed@here.test join < ME', 'BEFORE: bob say hi', 'RULE: alice rule invite < ME')
    peers.add('AFTER: bob say hello < BEFORE RULE')
    const server = await guest(database, peers)
    const { core, clock } = server
    const push = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
    t.teardown(() => push.close())
    push.start()
    const zeds = async () => {
      await push.counter.counted(database.position('events'))
      const nid = (await core.writer.head(peers.roomId))?.room.nid ?? 0
      return (await push.unread.ofRoom('@zed:here.test', nid)).total.notification_count
    }
    for (const name of ['ZED', 'BEFORE']) t.is((await server.receive(name)).outcome, 'accepted')
    t.is(await zeds(), 1)
    t.is((await server.receive('RULE')).outcome, 'accepted')
    t.is(await server.current('m.room.member', '@zed:here.test'), undefined)
    t.is(await zeds(), 0)
    t.is((await server.receive('AFTER')).outcome, 'accepted')
    t.is(await zeds(), 0)
  },
)
