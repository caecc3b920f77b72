import type { RoomEvent } from '../../../core/event/event.ts'
import { FederationError } from '../../../network/federation-client.ts'
import { receiveAll } from '../../rooms/receive.ts'
import { receiveRecommended } from '../../rooms/receive-recommended.ts'
import type { OutboundContext } from './context.ts'
import { newestFirst } from './history/chunk-order.ts'
import { fetchStateBefore } from './history/state-fetcher.ts'

/** What most servers answer at most; and so many answers. */
const MAX_EVENTS = 100
const MAX_PIECES = 10
/** In milliseconds, for all of them: whoever joins waits for it. */
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
    await receiveEvents(context, server, events)
  } catch (error) {
    if (!(error instanceof FederationError)) throw error
    log.info({ room: join.roomId, server, err: error }, 'what was said during our absence is not to be had')
  }
}

/** The events before the join that are not here, oldest first. */
const gapBefore = async (context: OutboundContext, server: string, join: RoomEvent): Promise<RoomEvent[]> => {
  const { clock } = context
  const deadline = clock.now() + TIMEOUT_MS
  const fetched = new Map<string, RoomEvent>()
  const beginning = await absent(context, join.prevEvents)
  let from = beginning
  for (let piece = 0; piece < MAX_PIECES && from.length > 0 && clock.now() < deadline; piece++) {
    const ask = { join, from, timeoutMs: deadline - clock.now() }
    const events = await backfilled(context, server, ask).catch(error => {
      // What came before is good all the same.
      if (fetched.size > 0 && error instanceof FederationError) return new Map<string, RoomEvent>()
      throw error
    })
    const fresh = new Set(await absent(context, [...events.keys()]))
    for (const [eventId, event] of events) if (fresh.has(eventId)) fetched.set(eventId, event)
    const referred = [...fresh].flatMap(eventId => events.get(eventId)?.prevEvents ?? [])
    from = await absent(
      context,
      [...new Set(referred)].filter(eventId => !fetched.has(eventId)),
    )
  }
  return newestFirst(beginning, fetched).reverse()
}

/** Those of the events that the timeline here does not have. */
const absent = async ({ core }: OutboundContext, eventIds: readonly string[]): Promise<string[]> => {
  const stored = await core.context.read.events.byIds(eventIds)
  return eventIds.filter(eventId => stored.get(eventId)?.position === undefined)
}

const backfilled = async (
  { federation, verifyEvents, log }: OutboundContext,
  server: string,
  { join, from, timeoutMs }: { join: RoomEvent; from: readonly string[]; timeoutMs: number },
): Promise<Map<string, RoomEvent>> => {
  const { roomId, version } = join
  const pdus = await federation.backfill(server, { roomId, from, limit: MAX_EVENTS }, { timeoutMs })
  const fetched = new Map<string, RoomEvent>()
  for (const one of await verifyEvents(pdus, version, { mayBeOld: true })) {
    if ('refusal' in one) log.debug({ room: roomId, server, reason: one.refusal }, 'gap: event dropped')
    else if (one.event.roomId === roomId) fetched.set(one.event.eventId, one.event)
  }
  return fetched
}

/**
 * Receives events in their order. Once the oldest is there none waits for the commit of the one before; those that lack something
 * all the same are taken up again afterwards.
 */
const receiveEvents = async (
  context: OutboundContext,
  server: string,
  [oldest, ...others]: readonly RoomEvent[],
): Promise<void> => {
  if (oldest === undefined) return
  await receive(context, server, oldest)
  const { writer } = context.core
  const received = await Promise.all(receiveAll(writer, others))
  for (const [index, event] of others.entries()) {
    const outcome = received[index]?.outcome
    if (outcome === 'missing' || outcome === 'unrecommended') await receive(context, server, event)
  }
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
