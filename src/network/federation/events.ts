import { isEventId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { objectsIn, readLists, stringsIn } from './json-lists.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'
import { asObject, integerOf, objectsOf, ShapeError, stringOf } from './shape.ts'

const MB = 1024 * 1024
/** An event is at most 64 KiB. */
const MAX_EVENT_BYTES = 256 * 1024

/** Room for so many events, as the limit on a response. */
const bytesFor = (events: number): number => Math.min(64 * MB, MB + events * 70_000)

/** The state before an event is asked for. */
interface StateQuestion {
  readonly roomId: string
  readonly eventId: string
  /** An answer that has more events, or more that authorise these, is none: each takes memory, whatever is in it. */
  readonly atMost?: number | undefined
}

/**
 * Server-server API, "Backfilling and retrieving missing events", "Retrieving events". The PDUs are as they came:
 * none has been checked, not even that it is one of those asked for.
 */
export const eventEndpoints = ({ request, receive }: Requester) => ({
  /** The events `from` and what precedes them, at most `limit`. */
  backfill: (
    destination: string,
    { roomId, from, limit }: { roomId: string; from: readonly string[]; limit: number },
    options: CallOptions = {},
  ): Promise<JsonObject[]> =>
    receive(
      {
        timeoutMs: 60_000,
        ...options,
        destination,
        method: 'GET',
        path: pathOf`/_matrix/federation/v1/backfill/${roomId}`,
        query: { v: from, limit },
        maxBytes: bytesFor(limit),
      },
      async ({ body }) => objectsIn(await readLists(body, ['pdus']), 'pdus', limit),
    ),

  /** What lies between the `earliest` events, which we have, and the `latest`, both excluded; at most `limit`. */
  getMissingEvents: (
    destination: string,
    ask: {
      roomId: string
      earliest: readonly string[]
      latest: readonly string[]
      limit: number
      minDepth: number
    },
    options: CallOptions = {},
  ): Promise<JsonObject[]> =>
    receive(
      {
        timeoutMs: 60_000,
        ...options,
        destination,
        method: 'POST',
        path: pathOf`/_matrix/federation/v1/get_missing_events/${ask.roomId}`,
        body: {
          earliest_events: ask.earliest,
          latest_events: ask.latest,
          limit: ask.limit,
          min_depth: ask.minDepth,
        },
        maxBytes: bytesFor(ask.limit),
      },
      async ({ body }) => objectsIn(await readLists(body, ['events']), 'events', ask.limit),
    ),

  /** The room's state before an event, and its auth chain. */
  getState: (
    destination: string,
    { roomId, eventId, atMost }: StateQuestion,
    options: CallOptions = {},
  ): Promise<{ state: JsonObject[]; authChain: JsonObject[] }> =>
    receive(
      {
        timeoutMs: 15 * 60_000,
        ...options,
        destination,
        method: 'GET',
        path: pathOf`/_matrix/federation/v1/state/${roomId}`,
        query: { event_id: eventId },
        maxBytes: 256 * MB,
      },
      async ({ body }) => {
        const read = await readLists(body, ['pdus', 'auth_chain'], atMost)
        return { state: objectsIn(read, 'pdus'), authChain: objectsIn(read, 'auth_chain') }
      },
    ),

  /** The same as event IDs. */
  getStateIds: (
    destination: string,
    { roomId, eventId, atMost }: StateQuestion,
    options: CallOptions = {},
  ): Promise<{ stateIds: string[]; authChainIds: string[] }> =>
    receive(
      {
        timeoutMs: 2 * 60_000,
        ...options,
        destination,
        method: 'GET',
        path: pathOf`/_matrix/federation/v1/state_ids/${roomId}`,
        query: { event_id: eventId },
        maxBytes: 128 * MB,
      },
      async ({ body }) => {
        const read = await readLists(body, ['pdu_ids', 'auth_chain_ids'], atMost)
        return {
          stateIds: stringsIn(read, 'pdu_ids', isEventId),
          authChainIds: stringsIn(read, 'auth_chain_ids', isEventId),
        }
      },
    ),

  /** One event. */
  getEvent: (destination: string, eventId: string, options: CallOptions = {}): Promise<JsonObject> =>
    request({
      ...options,
      destination,
      method: 'GET',
      path: pathOf`/_matrix/federation/v1/event/${eventId}`,
      maxBytes: MAX_EVENT_BYTES,
      parse: body => {
        const [event] = objectsOf(asObject(body), 'pdus', 1)
        if (event === undefined) throw new ShapeError('the transaction holds no event')
        return event
      },
    }),

  /** The whole auth chain of an event. */
  getEventAuth: (
    destination: string,
    { roomId, eventId }: { roomId: string; eventId: string },
    options: CallOptions = {},
  ): Promise<JsonObject[]> =>
    receive(
      {
        timeoutMs: 2 * 60_000,
        ...options,
        destination,
        method: 'GET',
        path: pathOf`/_matrix/federation/v1/event_auth/${roomId}/${eventId}`,
        maxBytes: 128 * MB,
      },
      async ({ body }) => objectsIn(await readLists(body, ['auth_chain']), 'auth_chain'),
    ),

  /** The event closest to an instant (milliseconds since 1970), at or after (`f`), or at or before it (`b`). */
  timestampToEvent: (
    destination: string,
    { roomId, ts, dir }: { roomId: string; ts: number; dir: 'f' | 'b' },
    options: CallOptions = {},
  ): Promise<{ eventId: string; originServerTs: number }> =>
    request({
      ...options,
      destination,
      method: 'GET',
      path: pathOf`/_matrix/federation/v1/timestamp_to_event/${roomId}`,
      query: { ts, dir },
      parse: body => {
        const eventId = stringOf(asObject(body), 'event_id')
        if (!isEventId(eventId)) throw new ShapeError('event_id is no event ID')
        return { eventId, originServerTs: integerOf(asObject(body), 'origin_server_ts') }
      },
    }),
})
