import type { RoomEvent } from '../../../core/event/event.ts'
import { FederationError } from '../../../network/federation-client.ts'
import type { OutboundContext } from './context.ts'

/** A room that nobody here was in any more has one end, or a few. */
const MAX_ENDS = 10
/** In milliseconds: whoever joins waits for it. */
const TIMEOUT_MS = 10_000

/**
 * Which ends of our graph a server does not know that has let us into the room anew, such as the leave of our last user,
 * which it may not have got yet. "The `prev_events` … are the forward extremities" of the server that made the join: what
 * it knows lies behind the join, what it does not know stays an end beside it, for the state to be resolved with and the
 * next event to refer to. In doubt an event is taken to be known: it is still to be delivered, and comes back to us as
 * what others' events refer to.
 */
export const endsUnknownTo = async (
  { core, federation, log }: OutboundContext,
  server: string,
  { roomId, prevEvents }: RoomEvent,
): Promise<string[]> => {
  const head = await core.writer.head(roomId)
  const ends = (head?.extremities ?? [])
    .map(end => end.eventId)
    .filter(eventId => !prevEvents.includes(eventId))
    .slice(0, MAX_ENDS)
  const isUnknown = async (eventId: string): Promise<boolean> => {
    try {
      await federation.getEvent(server, eventId, { timeoutMs: TIMEOUT_MS })
      return false
    } catch (error) {
      if (!(error instanceof FederationError)) throw error
      log.debug({ room: roomId, server, event: eventId, err: error }, 'rejoin: an end of ours')
      return error.status === 404
    }
  }
  const unknown = await Promise.all(ends.map(isUnknown))
  return ends.filter((_, index) => unknown[index])
}
