import type { OutboxReader } from '../../../../storage/federation/outbox-reader.ts'

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

/**
 * What a destination has not acknowledged, read back from the database after a restart or a failure. All of it, unless
 * that is too much, or `newestOnly` is asked for: then the newest event of each room, from which the destination finds
 * what lies before ("catch-up").
 */
export const readPending = async (
  outbox: OutboxReader,
  server: string,
  options: {
    newestOnly: boolean
    /** Of these rows, those that the server was to get. */
    isFor: (rows: Awaited<ReturnType<OutboxReader['eventsInRoom']>>) => Promise<ReadonlySet<number>>
  },
): Promise<{ events: PendingEvent[]; all: boolean }> => {
  const rooms = await outbox.pendingRooms(server, MAX_PENDING)
  const all = rooms.length < MAX_PENDING
  const newest = await outbox.eventsAt(rooms.map(room => room.newest))
  const nidAt = new Map(newest.map(row => [row.position, row.nid]))
  const events = new Map<number, PendingEvent>()
  for (const { roomNid, newest: position } of rooms) {
    events.set(position, { position, roomNid, nid: nidAt.get(position) })
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
  return { events: [...events.values()].toSorted((a, b) => a.position - b.position), all }
}
