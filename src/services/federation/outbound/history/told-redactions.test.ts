import { randomBytes } from 'node:crypto'
import test from 'ava'
import { silentLog } from '../../../../core/log.ts'
import { testDatabases } from '../../../../test-kit/database.ts'
import { guest } from '../../../../test-kit/guest.ts'
import { PeerRoom } from '../../../../test-kit/peer-room.ts'
import { NO_GATEWAY } from '../../../../test-kit/push-counts.ts'
import { testSync } from '../../../../test-kit/room-sync.ts'
import { testRooms } from '../../../../test-kit/rooms.ts'
import { createPush } from '../../../push/index.ts'
import { storeHistory } from './store-history.ts'

const ME = '@me:here.test'

/** A room in which something is said, or set, after `ME`, and redacted by an event from before that. */
const room = (line: string): PeerRoom =>
  new PeerRoom('11', [
    'CREATE: alice create',
    'JA: alice join',
    'PL: alice power alice=100 bob=50 carol=50',
    'JR: alice rule public',
    'JB: bob join',
    'JC: carol join',
    'ME: me@here.test join',
    'HELLO: carol say hello',
    `T: ${line}`,
    'R: bob redact T < JC',
  ])

/** Stores the redaction as history, and waits until all processes have heard of it. */
const redact = async (peers: PeerRoom, ...[here, ...others]: Parameters<typeof storeHistory>[0][]) => {
  const stateBefore = peers.stateBefore('R').map(event => event.eventId)
  const chunk = { roomId: peers.roomId, stateBefore, events: peers.events('R') }
  const stored = here === undefined ? 0 : await storeHistory(here, chunk)
  for (const { context } of [here, ...others].filter(writer => writer !== undefined))
    await context.processes.bulletin.settled()
  return stored
}

testDatabases(
  test,
  'what a redaction from the past redacts is told without its content, by every process',
  async (t, database) => {
    const peers = room('carol send m.room.message {"msgtype": "m.text", "body": "secret"}')
    const here = await guest(database, peers)
    // SQLite has no other process beside.
    const other =
      database.dialect.name === 'sqlite' ? [] : [await testRooms(database, { random: randomBytes })]
    const all = [here, ...other]
    const syncs = all.map(server => testSync(server, database))
    t.teardown(() => {
      for (const sync of syncs) sync.close()
    })
    for (const sync of syncs) await sync.ask(ME)
    // From here on what is new is kept in memory.
    await here.receive('HELLO')
    for (const sync of syncs) await sync.ask(ME)
    const since = (await syncs[0]?.ask(ME))?.next_batch
    await here.receive('T')
    const told = () =>
      Promise.all(
        syncs.map(async sync => {
          const { rooms } = await sync.ask(ME, { since })
          return rooms?.join?.[peers.roomId]?.timeline.events.map(event => event.content)
        }),
      )
    const whole = [{ msgtype: 'm.text', body: 'secret' }]
    t.deepEqual(
      await told(),
      all.map(() => whole),
    )
    t.is(await redact(peers, ...all.map(({ core }) => core.writer)), 1)
    t.deepEqual(
      await told(),
      all.map(() => [{}]),
    )
    const { eventId } = peers.event('T')
    for (const { core } of all) t.not((await core.context.read.events.byId(eventId))?.redactedBy, undefined)
  },
)

testDatabases(test, 'what a redaction from the past redacts is unread no more', async (t, database) => {
  const peers = room('carol send m.room.message {"msgtype": "m.text", "body": "secret"}')
  const here = await guest(database, peers)
  const { core, clock } = here
  const { counter, unread, close } = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
  counter.start()
  t.teardown(close)
  await here.receive('HELLO')
  await here.receive('T')
  await counter.counted(database.position('events'))
  const roomNid = (await core.context.read.rooms.byId(peers.roomId))?.nid ?? 0
  const count = async () => (await unread.ofRoom(ME, roomNid)).total.notification_count
  t.is(await count(), 2)
  await redact(peers, core.writer)
  t.is(await count(), 1)
})

testDatabases(test, 'a name that a redaction from the past redacts is none', async (t, database) => {
  const peers = room('carol state m.room.name "" {"name": "Rude"}')
  const here = await guest(database, peers)
  const { read } = here.core.context
  const { streams, close, ask } = testSync(here, database)
  t.teardown(close)
  await here.receive('HELLO')
  await here.receive('T')
  await ask(ME)
  const roomNid = (await read.rooms.byId(peers.roomId))?.nid ?? 0
  const heroes = () => streams.summaries.heroes(roomNid, ME)
  const name = async () => (await read.summaries.ofRoom(roomNid))?.summary['name']
  t.deepEqual(await heroes(), [])
  t.is(await name(), 'Rude')
  await redact(peers, here.core.writer)
  t.is((await heroes()).length, 3)
  t.is(await name(), undefined)
})
