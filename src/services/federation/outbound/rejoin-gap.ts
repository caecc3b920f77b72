import type { RoomEvent } from '../../../core/event/event.ts'
import { FederationError } from '../../../network/federation-client.ts'
import { receiveRecommended } from '../../rooms/receive-recommended.ts'
import type { OutboundContext } from './context.ts'
import { newestFirst } from './history/chunk-order.ts'
import { fetchStateBefore } from './history/state-fetcher.ts'

const MAX_EVENTS = 100
/** In milliseconds: whoever joins waits for it. */
const TIMEOUT_MS = 10_000

/**
 * Fetches what was said in a room while nobody here was in it, for a join that has been accepted and is about to be
 * stored: what enters the timeline before the join is where it belongs, and cannot be put there afterwards (server-server
 * API, "Backfilling and retrieving missing events"). Of long absences it is the newest part.
 *
 * Never throws for what the other server does: the join does not depend on it.
 */
export const fetchRejoinGap = async (
  context: OutboundContext,
  server: string,
  join: RoomEvent,
): Promise<void> => {
  const { log } = context
  try {
    const events = await gapBefore(context, server, join)
    await context.core.context.nids.ensure(events.length)
    for (const event of events) await receive(context, server, event)
  } catch (error) {
    if (!(error instanceof FederationError)) throw error
    log.info({ room: join.roomId, server, err: error }, 'what was said during our absence is not to be had')
  }
}

/** The events before the join that are not here, oldest first. */
const gapBefore = async (
  { core, federation, verifyEvents, log }: OutboundContext,
  server: string,
  { roomId, version, prevEvents }: RoomEvent,
): Promise<RoomEvent[]> => {
  const { events } = core.context.read
  const isHere = async (eventIds: readonly string[]): Promise<Set<string>> => {
    const stored = await events.byIds(eventIds)
    return new Set([...stored.values()].flatMap(one => (one.position === undefined ? [] : one.event.eventId)))
  }
  const atTheEnd = await isHere(prevEvents)
  const from = prevEvents.filter(eventId => !atTheEnd.has(eventId))
  if (from.length === 0) return []
  const pdus = await federation.backfill(
    server,
    { roomId, from, limit: MAX_EVENTS },
    { timeoutMs: TIMEOUT_MS },
  )
  const fetched = new Map<string, RoomEvent>()
  for (const one of await verifyEvents(pdus, version, { manyReferences: true })) {
    if ('refusal' in one) log.debug({ room: roomId, server, reason: one.refusal }, 'gap: event dropped')
    else if (one.event.roomId === roomId) fetched.set(one.event.eventId, one.event)
  }
  for (const eventId of await isHere([...fetched.keys()])) fetched.delete(eventId)
  return newestFirst(from, fetched).reverse()
}

/** Where the gap is longer than what was fetched, the state before its oldest events has to be fetched, too. */
const receive = async (context: OutboundContext, server: string, event: RoomEvent): Promise<void> => {
  const { writer } = context.core
  const received = await receiveRecommended(writer, event)
  if (received.outcome !== 'missing') return
  const options = { alsoNeeded: event.authEvents, timeoutMs: TIMEOUT_MS }
  const stateBefore = await fetchStateBefore(context, server, event, options)
  if (stateBefore.length > 0) await receiveRecommended(writer, event, { stateBefore })
}
