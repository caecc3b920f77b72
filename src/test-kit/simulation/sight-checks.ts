/** What people are shown of a room's history, wherever they look, is what they may see of it. */
import { deepEqual } from 'node:assert/strict'
import type { RoomEvent } from '../../core/event/event.ts'
import type { Body } from './belief.ts'
import { headOf } from './checks.ts'
import { at } from './dialects.ts'
import { backwards } from './history.ts'
import { SightJudge } from './sight-judge.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { SimulatedServer } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'

/** Holds what was shown of the room all along, and what is shown now, against what an independent judge says. */
export const checkSight = async (simulation: Simulation): Promise<void> => {
  const events = await simulation.allEvents()
  const judge = new SightJudge(events)
  for (const client of simulation.clients) await checkSightOf(simulation, client, { events, judge })
}

const checkSightOf = async (
  simulation: Simulation,
  client: SimulatedClient,
  { events, judge }: { events: ReadonlyMap<string, RoomEvent>; judge: SightJudge },
): Promise<void> => {
  const { userId, host } = client
  const { roomId } = simulation
  const server = simulation.server(host)
  if (server === undefined) return
  const { read } = server.core.context
  const stored = await simulation.during(read.events.byIds([...events.keys()]))
  const isIn = (await headOf(simulation, host))?.memberships.get(userId) === 'join'
  const spans = await lacking(simulation, server)
  const hidden: string[] = []
  const missing: string[] = []
  const paged = new Set<string>()
  const status = (await simulation.during(client.call('GET', `/rooms/${at(roomId)}/messages?dir=b&limit=1`)))
    .status
  if (status === 200)
    for await (const { event_id: eventId } of backwards(simulation, client, roomId)) paged.add(eventId)
  const found = await searched(simulation, client)
  for (const event of events.values()) {
    const { eventId } = event
    const { position, softFailed, rejected, withheld } = stored.get(eventId) ?? {}
    if (position === undefined || spans.some(({ from, to }) => position > from && position <= to)) continue
    const { status: answered } = await simulation.during(
      client.call('GET', `/rooms/${at(roomId)}/event/${at(eventId)}`),
    )
    const verdict = judge.of(event, userId, { isIn })
    const what = `${position} ${event.type} ${eventId} of ${event.sender}`
    if (verdict === 'hidden') {
      if (answered === 200) hidden.push(`/event ${what}`)
      if (paged.has(eventId)) hidden.push(`/messages ${what}`)
      if (found.has(eventId)) hidden.push(`/search ${what}`)
      if (client.shown.has(eventId) && !isEndOf(event, userId)) hidden.push(`once ${what}`)
    }
    // Of who has left it is open what came afterwards and was sent before; and what ties loose ends is not for eyes.
    // Redactions are not shown before what they redact is here, and they may redact it.
    const isWaiting =
      withheld === true && (stored.get(event.redacts ?? '')?.position === undefined || !judge.redacts(event))
    const isForEyes =
      softFailed !== true && rejected === undefined && !isWaiting && event.type !== 'org.matrix.dummy_event'
    if (verdict === 'seen' && isIn && isForEyes) {
      if (answered !== 200) missing.push(`/event ${what}`)
      if (!paged.has(eventId) && status === 200) missing.push(`/messages ${what}`)
    }
  }
  deepEqual({ hidden, missing }, { hidden: [], missing: [] }, `${userId}: what they are shown`)
}

/** Whether an event is how somebody's invitation, knock or stay has ended: `/sync` tells them so under `leave`, also who was never in. */
const isEndOf = ({ type, stateKey, content }: RoomEvent, userId: string): boolean =>
  type === 'm.room.member' && stateKey === userId && ['leave', 'ban'].includes(String(content['membership']))

/** The spans of positions in which a client's server did not know the room's members. */
const lacking = async (
  simulation: Simulation,
  server: SimulatedServer,
): Promise<{ from: number; to: number }[]> => {
  const { rooms, partial } = server.core.context.read
  const room = await simulation.during(rooms.byId(simulation.roomId))
  if (room === undefined) return []
  const unfinished = await simulation.during(partial.unfinished(room.nid))
  const all = await simulation.during(partial.spans())
  const spans = all.filter(({ roomNid }) => roomNid === room.nid)
  return [
    ...unfinished,
    ...spans.map(({ joinedAt, completedAt }) => ({
      from: joinedAt,
      to: completedAt ?? Number.MAX_SAFE_INTEGER,
    })),
  ]
}

/** What somebody finds who looks for messages. */
const searched = async (simulation: Simulation, client: SimulatedClient): Promise<Set<string>> => {
  const found = new Set<string>()
  for (let n = 0; n < 40; n += 13) {
    const criteria = {
      search_term: `t${n}`,
      keys: ['content.body'],
      event_context: { before_limit: 5, after_limit: 5 },
    }
    const { body } = await simulation.during(
      client.call('POST', '/search', { search_categories: { room_events: criteria } }),
    )
    for (const { result, context } of (body.search_categories.room_events?.results ?? []) as Body[])
      for (const { event_id: eventId } of [
        result,
        ...(context?.events_before ?? []),
        ...(context?.events_after ?? []),
      ])
        found.add(eventId)
  }
  return found
}
