/** Events that were refused, and are judged again when more is known. */
import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, idsOf, peerRoom } from '../../test-kit/guest.ts'
import { storeOutliers } from './outliers.ts'
import { StickyReviews } from './sticky-reviews.ts'

testDatabases(test, 'what was rejected for want of an auth event is judged again', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('JD: dave join < JR', 'TD: dave say hello', 'TE: dave say more')
  const here = await guest(database, peers)
  const stateBefore = idsOf(peers, 'CREATE', 'JA', 'PL', 'JR')
  // Nobody gives Dave's join.
  const options = { stateBefore, authEventsUnavailable: true }
  t.is((await here.receive('TD', options)).outcome, 'rejected')
  const stored = (name: string) => here.core.context.read.events.byId(peers.event(name).eventId)
  t.regex((await stored('TD'))?.rejected ?? '', /not to be had/)
  t.deepEqual(await here.ends(), ['ME'])
  t.is((await here.receive('TE', options)).outcome, 'rejected')
  t.is((await here.receive('JD', { stateBefore })).outcome, 'accepted')
  t.is((await stored('TD'))?.rejected, undefined)
  t.is((await stored('TE'))?.rejected, undefined)
  t.deepEqual(await here.ends(), ['ME', 'TE'])
  t.is((await here.receive('TE')).outcome, 'duplicate')
})

testDatabases(test, 'what a wrong state of a peer has rejected is put right later', async (t, database) => {
  const peers = peerRoom('10')
  peers.add('JD: dave join < JC', 'PD: alice power alice=100 bob=50 dave=50', 'TD: dave topic his')
  const here = await guest(database, peers)
  await storeOutliers(here.core.writer, peers.roomId, peers.events('JD', 'PD'))
  // The peer says that Dave is not in the room.
  const lie = { stateBefore: idsOf(peers, 'CREATE', 'JA', 'PL', 'JR', 'JB', 'JC') }
  t.is((await here.receive('TD', lie)).outcome, 'rejected')
  t.is((await here.receive('JD', lie)).outcome, 'accepted')
  t.is((await here.receive('PD')).outcome, 'accepted')
  t.is(await here.current('m.room.topic'), undefined)
  t.is((await here.receive('TD')).outcome, 'accepted')
  t.is(await here.current('m.room.topic'), 'TD')
})

testDatabases(test, 'an outlier that was rejected with its auth event follows it', async (t, database) => {
  const peers = peerRoom('10')
  peers.add(
    'JD: dave join < JC',
    'PD: alice power alice=100 dave=50',
    'ID: dave invite erin',
    'JE: erin join',
  )
  const here = await guest(database, peers)
  await storeOutliers(here.core.writer, peers.roomId, peers.events('JD'))
  // By this state Alice is not in the room: the power levels are rejected, and with them what rests on them.
  const lie = { stateBefore: idsOf(peers, 'CREATE', 'PL', 'JR') }
  t.is((await here.receive('PD', lie)).outcome, 'rejected')
  await storeOutliers(here.core.writer, peers.roomId, peers.events('ID', 'JE'))
  const { read } = here.core.context
  t.not((await read.events.byId(peers.event('JE').eventId))?.rejected, undefined)
  const truth = peers.stateBefore('PD').map(event => event.eventId)
  t.is((await here.receive('PD', { stateBefore: truth })).outcome, 'accepted')
  t.is((await read.events.byId(peers.event('ID').eventId))?.rejected, undefined)
  t.is((await read.events.byId(peers.event('JE').eventId))?.rejected, undefined)
  t.false(await read.awaitingAuth.any())
})

testDatabases(
  test,
  'a sticky event that was soft-failed is shown once the state allows it',
  async (t, database) => {
    const peers = peerRoom('11')
    // Bob kicks Carol, while Alice kicks Bob.
    peers.add(
      'S: carol stick in a call < ME',
      'KC: bob kick carol < ME',
      'KB: alice kick bob < ME',
      'Y: alice say after < KB S',
      'M: carol say gone < ME',
    )
    const here = await guest(database, peers)
    const reviews = new StickyReviews({ writer: here.core.writer, log: silentLog })
    reviews.start()
    t.teardown(() => reviews.close())
    const { read } = here.core.context
    const stored = (name: string) => read.events.byId(peers.event(name).eventId)
    const shown = async () => (await stored('S'))?.softFailed === false
    t.is((await here.receive('KC')).outcome, 'accepted')
    t.is((await here.receive('S')).outcome, 'soft-failed')
    t.is((await here.receive('M')).outcome, 'soft-failed')
    await reviews.caughtUp()
    t.false(await shown())
    t.is((await here.receive('S')).outcome, 'duplicate')
    const before = database.position('events')
    t.is((await here.receive('KB')).outcome, 'accepted')
    t.not(await here.current('m.room.member', '@carol:carol.test'), 'KC')
    await reviews.caughtUp()
    t.true(await shown())
    t.true(((await stored('S'))?.position ?? 0) > before, 'where it is news')
    t.true((await stored('M'))?.softFailed, 'others stay as they are')
    t.deepEqual(await here.ends(), ['KB', 'KC', 'S'])
    t.is((await here.receive('Y')).outcome, 'accepted')
    t.deepEqual(await here.ends(), ['KC', 'Y'])
  },
)

testDatabases(test, 'what is referred to is no end when it is shown after all', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(
    'S: carol stick in a call < ME',
    'KC: bob kick carol < ME',
    'Y: alice say after < S',
    'KB: alice kick bob < ME',
  )
  const here = await guest(database, peers)
  for (const name of ['KC', 'S', 'Y', 'KB']) await here.receive(name)
  const reconsider = { reconsider: true }
  t.is((await here.receive('S', reconsider)).outcome, 'accepted')
  t.deepEqual(await here.ends(), ['KB', 'KC', 'Y'])
  t.is((await here.receive('S', reconsider)).outcome, 'duplicate')
})
