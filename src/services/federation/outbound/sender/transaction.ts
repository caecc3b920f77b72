import type { OutboxReader, OutgoingRow, PendingRoom } from '../../../../storage/federation/outbox-reader.ts'

/** Limits of one transaction: "at most 50 PDUs and 100 EDUs". */
export const MAX_PDUS = 50
export const MAX_EDUS = 100

/** An event that a destination is to get. */
export interface PendingEvent {
  readonly position: number
  readonly roomNid: number
  /** `undefined` where the event is gone: there is nothing to send, only to forget. */
  readonly nid: number | undefined
}

/** A transaction as it is repeated until it is acknowledged. What is dropped rather than late is not part of it. */
export interface Outgoing {
  readonly txnId: string
  readonly events: readonly PendingEvent[]
  /** Positions of kept EDUs. */
  readonly edus: readonly number[]
  /** These EDUs as JSON texts, at the first attempt; they are not held in memory for servers that do not answer. */
  readonly payloads?: readonly string[]
}

/** How many rooms or events of a destination are looked at in one go. */
const MAX_PENDING = 500

/** And how many sticky events. */
const MAX_STICKY = 1_000

/**
 * What a destination has not acknowledged, read back from the database after a restart or a failure. All of it, unless
 * that is too much, or `newestOnly` is asked for: then the newest event of each room, from which the destination finds
 * what lies before ("catch-up").
 *
 * Sticky events are never left out: "large volumes of events to send MUST NOT cause the sticky event to be dropped from
 * the send queue on the server" (MSC4354).
 */
export const readPending = async (
  outbox: OutboxReader,
  server: string,
  options: {
    newestOnly: boolean
    /** Of these rows, those that the server was to get. */
    isFor: (rows: readonly OutgoingRow[]) => Promise<ReadonlySet<number>>
    /** Sticky events of ours in a part of a room that it is to get, oldest first. */
    stickyFor: (room: PendingRoom, limit: number) => Promise<readonly OutgoingRow[]>
  },
): Promise<{ events: PendingEvent[]; all: boolean }> => {
  const rooms = await outbox.pendingRooms(server, MAX_PENDING)
  const newest = await outbox.eventsAt(rooms.map(room => room.newest))
  const nidAt = new Map(newest.map(row => [`${row.roomNid} ${row.position}`, row.nid]))
  const events = new Map<number, PendingEvent>()
  for (const { roomNid, newest: position } of rooms) {
    events.set(position, { position, roomNid, nid: nidAt.get(`${roomNid} ${position}`) })
  }
  if (!options.newestOnly) {
    for (const room of rooms) {
      if (room.since === room.newest) continue
      const rows = await outbox.eventsInRoom(room, MAX_PENDING)
      const its = await options.isFor(rows)
      if (rows.length >= MAX_PENDING || events.size + its.size > MAX_PENDING) break
      for (const { nid, position, roomNid } of rows) {
        if (its.has(nid)) events.set(position, { position, roomNid, nid })
      }
    }
  }
  const isWhole = await addSticky(events, rooms, options.stickyFor)
  const all = rooms.length < MAX_PENDING && isWhole
  return { events: [...events.values()].toSorted((a, b) => a.position - b.position), all }
}

/**
 * Adds the sticky events of these rooms. Where they are too many, the room goes only as far as those that fit, so that the
 * rest is not taken for sent. Answers whether that is all of them.
 */
const addSticky = async (
  events: Map<number, PendingEvent>,
  rooms: readonly PendingRoom[],
  stickyFor: (room: PendingRoom, limit: number) => Promise<readonly OutgoingRow[]>,
): Promise<boolean> => {
  let isWhole = true
  let added = 0
  for (const room of rooms) {
    const limit = MAX_STICKY - added
    const rows = await stickyFor(room, limit + 1)
    for (const { nid, position, roomNid } of rows.slice(0, limit))
      events.set(position, { position, roomNid, nid })
    added += Math.min(rows.length, limit)
    if (rows.length <= limit) continue
    isWhole = false
    const end = rows[limit - 1]?.position ?? 0
    for (const [position, { roomNid }] of events)
      if (roomNid === room.roomNid && position > end) events.delete(position)
  }
  return isWhole
}
