import test from 'ava'
import { testDatabases } from '../../../../test-kit/database.ts'
import { type Guest, guest, idsOf } from '../../../../test-kit/guest.ts'
import { PeerRoom } from '../../../../test-kit/peer-room.ts'
import { storeHistory } from './store-history.ts'

/** A room in which Bob redacts what Carol has said before somebody of this server comes; his power then, and what it is now. */
const room = (version: string, then: number, now: number): PeerRoom =>
  new PeerRoom(version, [
    'CREATE: alice create',
    'JA: alice join',
    `PL: alice power alice=100 bob=${then}`,
    'JR: alice rule public',
    'JB: bob join',
    'JC: carol join',
    'M: carol send m.room.message {"msgtype": "m.text", "body": "secret"}',
    'R: bob redact M',
    `NOW: alice power alice=100 bob=${now}`,
    'ME: me@here.test join',
  ])

/** How events come: one by itself as news, or several as a piece of history, the newest first. */
type Arrival = { readonly news: string } | { readonly history: readonly string[] }

const ORDERS: Readonly<Record<string, readonly Arrival[]>> = {
  'the redaction as history, what it redacts was here': [{ news: 'M' }, { history: ['R'] }],
  'the redaction was here, what it redacts as history': [{ news: 'R' }, { history: ['M'] }],
  'both as history': [{ history: ['R', 'M'] }],
  'both as history, the other way round': [{ history: ['M', 'R'] }],
  'the redaction as history, then what it redacts': [{ history: ['R'] }, { history: ['M'] }],
  'what is redacted as history, then the redaction': [{ history: ['M'] }, { history: ['R'] }],
  'the redaction as history, what it redacts as news': [{ history: ['R'] }, { news: 'M' }],
}

const arrive = async (here: Guest, peers: PeerRoom, arrivals: readonly Arrival[]): Promise<void> => {
  const stateBefore = peers.stateBefore('M').map(event => event.eventId)
  for (const arrival of arrivals) {
    if ('news' in arrival) await here.receive(arrival.news, { stateBefore })
    else
      await storeHistory(here.core.writer, {
        ...{ roomId: peers.roomId, stateBefore },
        events: peers.events(...arrival.history),
      })
  }
}

/** What has become of both, what clients are shown of them, and whether the message can be found. */
const outcome = async ({ core }: Guest, peers: PeerRoom) => {
  const { events, messages, rooms } = core.context.read
  const found = await events.byIds(idsOf(peers, 'M', 'R'))
  const [message, redaction] = idsOf(peers, 'M', 'R').map(eventId => found.get(eventId))
  const roomNid = (await rooms.byId(peers.roomId))?.nid ?? 0
  const all = { after: -Number.MAX_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 100 }
  const shown = await events.forwards({ roomNid, ...all })
  const hits = await messages.search({
    ...{ phrases: [['secret']], types: ['m.room.message'], roomNids: [roomNid] },
    ...{ upToNid: Number.MAX_SAFE_INTEGER, limit: 10 },
  })
  return {
    isRedacted: message?.redactedBy !== undefined && message.redactedBy === redaction?.nid,
    isShown: shown.some(({ nid }) => nid === redaction?.nid),
    isWithheld: redaction?.withheld,
    hits: hits.length,
  }
}

const APPLIED = { isRedacted: true, isShown: true, isWithheld: false, hits: 0 }

for (const [name, arrivals] of Object.entries(ORDERS)) {
  testDatabases(test, `a redaction is applied: ${name}`, async (t, database) => {
    for (const version of ['3', '11']) {
      const peers = room(version, 50, 0)
      const here = await guest(database, peers)
      await arrive(here, peers, arrivals)
      t.deepEqual(await outcome(here, peers), APPLIED, version)
    }
  })

  testDatabases(
    test,
    `who had no power at the redaction has redacted nothing: ${name}`,
    async (t, database) => {
      const peers = room('10', 0, 50)
      const here = await guest(database, peers)
      await arrive(here, peers, arrivals)
      t.deepEqual(await outcome(here, peers), {
        ...{ isRedacted: false, isShown: false, isWithheld: true },
        hits: 1,
      })
    },
  )
}
