import test from 'ava'
import { type LogFields, silentLog } from '../../core/log.ts'
import { resolveInput } from '../../core/state-resolution/resolution-input.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { type Guest, guest, idsOf, peerRoom } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { createMetrics } from '../metrics/index.ts'
import { threadedResolver } from './resolver.ts'

const messagesOf = async ({ core }: Guest, roomId: string, sender: string) => {
  const { read } = core.context
  const roomNid = (await read.rooms.byId(roomId))?.nid ?? 0
  const page = await read.events.forwards({ roomNid, after: 0, upTo: 1e9, limit: 500 })
  return page
    .map(stored => stored.event)
    .filter(event => event.sender === sender && event.stateKey === undefined)
}

/** Lets what runs in the background come to its end. */
const quiet = async ({ core }: Guest, roomId: string): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  await (await core.writer.head(roomId))?.lastCommit
}

testDatabases(
  test,
  'many loose ends are tied by whoever here may do the most, not too often',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('PM: alice power alice=100 me@here.test=20 < JC', 'J2: zed@here.test join < PM')
    for (let i = 0; i < 40; i++) peers.add(`F${i}: ${i === 0 ? 'bob say f' : 'carol say hi'} < ME @${i}`)
    const here = await guest(database, peers)
    const dummies = () => messagesOf(here, peers.roomId, '@me:here.test')
    for (let i = 0; i < 12; i++) {
      t.is((await here.receive(`F${i}`)).outcome, 'accepted')
      await quiet(here, peers.roomId)
    }
    const [dummy, ...others] = await dummies()
    t.is(others.length, 0)
    t.is(dummy?.type, 'org.matrix.dummy_event')
    t.is(dummy?.prevEvents.length, 11)
    const { ask } = testSync(here, database)
    const { timeline } = (await ask('@me:here.test')).rooms?.join?.[peers.roomId] ?? {}
    t.true((timeline?.events.length ?? 0) > 1)
    t.false(
      timeline?.events.some(event => event['type'] === 'org.matrix.dummy_event'),
      'it says nothing to people',
    )
    // The clock stands still: no other before there are twice as many.
    for (let i = 12; i < 40; i++) {
      await here.receive(`F${i}`)
      await quiet(here, peers.roomId)
    }
    t.is((await dummies()).length, 2)
    t.true((await here.ends()).length <= 21)
  },
)

testDatabases(
  test,
  'where nobody here may tie them, loose ends are bounded all the same',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('MUTE: alice power alice=100 bob=50 events_default=1 carol=1 < ME')
    for (let i = 0; i < 64; i++) peers.add(`F${i}: carol say hi < MUTE @${i}`)
    const here = await guest(database, peers)
    t.is((await here.receive('MUTE')).outcome, 'accepted')
    for (let i = 0; i < 64; i++) t.is((await here.receive(`F${i}`)).outcome, 'accepted')
    t.is((await here.ends()).length, 60)
  },
)

testDatabases(
  test,
  'an event of ours refers to 20 ends at most, and stands on their states',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('PM: alice power alice=100 bob=50 events_default=1 carol=1 < ME')
    for (let i = 0; i < 25; i++) peers.add(`F${i}: carol say hi < PM @${i}`)
    peers.add('UP: alice power alice=100 bob=50 < PM')
    const here = await guest(database, peers)
    for (const name of ['PM', ...Array.from({ length: 25 }, (_, i) => `F${i}`)]) await here.receive(name)
    t.is((await here.receive('UP')).outcome, 'accepted')
    // The ends are tied in the background, too, now that @me may: whichever comes first.
    const template = { type: 'm.room.message', sender: '@me:here.test', content: { body: 'x' } }
    t.is((await here.core.sender.sendAll(peers.roomId, [template, template])).length, 2)
    const own = await messagesOf(here, peers.roomId, '@me:here.test')
    t.true(own.some(event => event.prevEvents.length === 20))
    t.true((await here.ends()).length <= 2)
    t.is(await here.current('m.room.power_levels'), 'UP')
  },
)

const captured = () => {
  const lines: LogFields[] = []
  const log = { ...silentLog, warn: (fields: LogFields) => void lines.push(fields) }
  return { lines, log }
}

for (const inline of [0, 1_000]) {
  test(`a reset is told, counted and can be replayed (${inline === 0 ? 'in a thread' : 'inline'})`, async t => {
    const peers = new PeerRoom('10', [
      'CREATE: alice create',
      'JA: alice join',
      'PL: alice power alice=100 bob=100',
      'J1: alice rule public',
      'JB: bob join',
      'JC: carol join',
      'ME: me@here.test join',
      'J2: alice rule invite',
      'LA: alice leave',
      'TB: bob topic b',
      'TC: carol say c < LA',
      'TD: carol say d < LA',
    ])
    const { lines, log } = captured()
    const metrics = createMetrics({ process: false })
    const core = { log, metrics: metrics.rooms, resolver: threadedResolver(inline) }
    const here = await guest(await testDatabase(t), peers, { core })
    for (const name of ['J2', 'LA', 'TB']) t.is((await here.receive(name)).outcome, 'accepted')
    // The published case: a faulty server gives an outdated join rule (MSC4297, problem A).
    const stateBefore = idsOf(peers, 'CREATE', 'PL', 'JB', 'JC', 'ME', 'J1', 'LA')
    t.is((await here.receive('TC', { stateBefore })).outcome, 'accepted')
    t.is(await here.current('m.room.join_rules'), undefined)
    const [line] = lines
    t.is(line?.['room'], peers.roomId)
    const replayed = resolveInput(JSON.parse(String(line?.['resolution'])))
    t.deepEqual(replayed.resets, line?.['resets'] as typeof replayed.resets)
    t.deepEqual(
      replayed.resets.map(reset => [reset.type, reset.held.map(id => peers.nameOf(id)).sort()]),
      [['m.room.join_rules', ['J1', 'J2']]],
    )
    t.is((await here.receive('TD', { stateBefore })).outcome, 'accepted')
    t.is((await here.ends()).length, 3)
    t.is(lines.length, 1, 'the branches still stand, and say the same')
    t.regex(await metrics.text(), /tessera_state_resets_total 1/)
    t.regex(await metrics.text(), /tessera_events_stored_total\{origin="remote"\} \d/)
  })
}

test('an end of the room that is cached without the place that another process has given it is read anew', async t => {
  const peers = peerRoom('11')
  for (let i = 0; i < 3; i++) peers.add(`F${i}: carol say hi < ME @${i}`)
  const here = await guest(await testDatabase(t), peers)
  const { events } = here.core.context.read
  for (const name of ['F0', 'F1']) t.is((await here.receive(name)).outcome, 'accepted')
  for (const stored of (await events.byIds(peers.events('F0', 'F1').map(one => one.eventId))).values())
    events.remember({ ...stored, position: undefined })
  t.is((await here.receive('F2')).outcome, 'accepted')
  t.is((await here.ends()).length, 3)
})
