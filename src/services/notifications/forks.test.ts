import test, { type ExecutionContext } from 'ava'
import type { Database } from '../../storage/database.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { guest } from '../../test-kit/guest.ts'
import { inboxesOf } from '../../test-kit/inboxes.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'

const [ME, ZED] = ['@me:here.test', '@zed:here.test']
const ROOM = [
  ...['CREATE: alice create', 'JA: alice join', 'PL: alice power alice=100 bob=50 me@here.test=50'],
  ...['JR: alice rule public', 'JB: bob join', 'ME: me@here.test join'],
]

/** A room that we have joined, events that others have for it, and the kinds of what waits for somebody of ours. */
const sceneOf = async (t: ExecutionContext, database: Database, lines: readonly string[]) => {
  const peers = new PeerRoom('11', ROOM)
  peers.add(...lines)
  const server = await guest(database, peers)
  const inboxes = inboxesOf(t, { ...server, database })
  const kinds = async (userId: string) => {
    await inboxes.settled()
    return (await inboxes.list(userId)).items.map(({ kind }) => kind)
  }
  return { server, kinds }
}

testDatabases(
  test,
  'of a room that a conflict puts somebody out of nothing waits for them',
  async (t, database) => {
    const { server, kinds } = await sceneOf(t, database, [
      'ZED: zed@here.test join < ME',
      'SAY: bob say hi',
      'RULE: alice rule invite < ME',
    ])
    await kinds(ZED)
    for (const name of ['ZED', 'SAY']) t.is((await server.receive(name)).outcome, 'accepted')
    t.deepEqual(await kinds(ZED), ['message'])
    t.is((await server.receive('RULE')).outcome, 'accepted')
    t.is(await server.current('m.room.member', ZED), undefined)
    t.deepEqual(await kinds(ZED), [])
  },
)

testDatabases(test, 'nobody is asked to answer a knock that a conflict has undone', async (t, database) => {
  const { server, kinds } = await sceneOf(t, database, [
    'OPEN: bob rule knock < ME',
    'KNOCK: carol knock',
    'DOWN: alice power alice=100 bob=0 me@here.test=50 < ME',
  ])
  await kinds(ME)
  for (const name of ['OPEN', 'KNOCK']) t.is((await server.receive(name)).outcome, 'accepted')
  t.deepEqual(await kinds(ME), ['knock'])
  t.is((await server.receive('DOWN')).outcome, 'accepted')
  t.is(await server.current('m.room.member', '@carol:carol.test'), undefined)
  t.deepEqual(await kinds(ME), [])
})

testDatabases(
  test,
  'an invitation waits as long as the state has it, whatever conflicts do',
  async (t, database) => {
    const { server, kinds } = await sceneOf(t, database, [
      'ZED: zed@here.test join < ME',
      'KICK: bob kick zed@here.test',
      'ASK: bob invite zed@here.test',
      'DOWN: alice power alice=100 bob=0 me@here.test=50 < ZED',
    ])
    await kinds(ZED)
    for (const name of ['ZED', 'KICK', 'ASK']) t.is((await server.receive(name)).outcome, 'accepted')
    t.deepEqual(await kinds(ZED), ['invitation'])
    t.is((await server.receive('DOWN')).outcome, 'accepted')
    t.is(await server.current('m.room.member', ZED), 'ZED')
    t.deepEqual(await kinds(ZED), [])
  },
)

testDatabases(
  test,
  'an invitation that a conflict takes away waits again once another has brought it back',
  async (t, database) => {
    const { server, kinds } = await sceneOf(t, database, [
      'ASK: bob invite zed@here.test < ME',
      'STRICT: alice power alice=100 me@here.test=50 invite=50 < ME',
      'MILD: alice power alice=100 me@here.test=50',
    ])
    await kinds(ZED)
    t.is((await server.receive('ASK')).outcome, 'accepted')
    t.deepEqual(await kinds(ZED), ['invitation'])
    t.is((await server.receive('STRICT')).outcome, 'accepted')
    t.is(await server.current('m.room.member', ZED), undefined)
    t.deepEqual(await kinds(ZED), [])
    t.is((await server.receive('MILD')).outcome, 'accepted')
    t.is(await server.current('m.room.member', ZED), 'ASK')
    t.deepEqual(await kinds(ZED), ['invitation'])
  },
)
