import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, idsOf, peerRoom } from '../../test-kit/guest.ts'
import { storeOutliers } from './outliers.ts'

testDatabases(test, 'of very many redactions that wait for an event some apply', async (t, database) => {
  const peers = peerRoom('3')
  const names = Array.from({ length: 52 }, (_, n) => `R${n}`)
  peers.add('M: bob say mine', ...names.map(name => `${name}: bob redact M`))
  const here = await guest(database, peers)
  const stateBefore = peers.stateBefore('M').map(event => event.eventId)
  for (const name of names) t.is((await here.receive(name, { stateBefore })).outcome, 'accepted')
  t.is((await here.receive('M', { stateBefore })).outcome, 'accepted')
  const { events, rooms } = here.core.context.read
  const target = await events.byId(peers.event('M').eventId)
  t.not(target?.redactedBy, undefined)
  const roomNid = (await rooms.byId(peers.roomId))?.nid ?? 0
  const shown = await events.forwards({ roomNid, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 100 })
  t.is(shown.filter(({ event }) => event.redacts === target?.event.eventId).length, 50)
})

testDatabases(
  test,
  'what comes as part of a state is redacted by what was here before it, if that may',
  async (t, database) => {
    const peers = peerRoom('3')
    peers.add('T: alice topic rude', 'NO: carol redact T', 'R: bob redact T')
    const here = await guest(database, peers)
    const stateBefore = peers.stateBefore('T').map(event => event.eventId)
    for (const name of ['NO', 'R']) t.is((await here.receive(name, { stateBefore })).outcome, 'accepted')
    await storeOutliers(here.core.writer, peers.roomId, peers.events('T'))
    const found = await here.core.context.read.events.byIds(idsOf(peers, 'T', 'NO', 'R'))
    const [topic, ...redactions] = idsOf(peers, 'T', 'NO', 'R').map(eventId => found.get(eventId))
    t.is(topic?.redactedBy, redactions[1]?.nid)
    t.deepEqual(
      redactions.map(redaction => redaction?.withheld),
      [true, false],
    )
  },
)
