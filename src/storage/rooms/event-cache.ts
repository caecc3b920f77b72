import type { LRUCache } from 'lru-cache'
import { boundedCache, recentCache } from '../../core/caches.ts'
import type { Generations } from '../../core/generations.ts'
import { growingCache } from '../../core/growing-cache.ts'
import { roughLength } from '../../core/json.ts'
import type { StoredEvent } from './events.ts'

/** More changes than this during one read, and what it read is not kept. */
const REMEMBERED_CHANGES = 10_000

/** Of so many rooms it is remembered which they were. */
const REMEMBERED_ROOMS = 10_000

/** What an event takes beside its content; and what one counts as at most: those that are being stored have to find room. */
const WITHOUT_CONTENT = 700
const MOST = 32_000

/** From this part of its share on the cache is full, and keeps one in so many of the states that are read. */
const FULL = 0.95
const ADMITTED = 8

const bytesOf = ({ event }: StoredEvent): number =>
  Math.min(MOST, WITHOUT_CONTENT + roughLength(event.content))

/**
 * Loaded events by nid and by ID. Reads take time, and what this server has concluded about an event may change
 * meanwhile: what was read is kept only if nothing was written about the event since the read began.
 */
export class EventCache {
  readonly #byNid: LRUCache<number, StoredEvent>
  readonly #nids: Generations<string, number>
  /** When something about an event was last written, by nid. */
  readonly #changed = growingCache<number, number>(REMEMBERED_CHANGES)
  /**
   * Events whose write nobody has heard the end of, by nid. Readers of the database may know of them already: it is for them to ask
   * there where the events stand.
   */
  readonly #inFlight = new Set<number>()
  /** The nids that rooms had when they were last looked at, by room ID. */
  readonly #rooms = growingCache<string, number>(REMEMBERED_ROOMS)
  /** Counts changes. */
  now = 0
  /** Counts the states that were read while there was no room. */
  #crowded = 0

  /** @param max how many events, instead of what their share of the memory allows */
  constructor(max?: number) {
    this.#byNid = boundedCache('events', { max, bytes: bytesOf })
    this.#nids = recentCache('event_ids', { max: max === undefined ? undefined : max * 2 })
  }

  get(nid: number): StoredEvent | undefined {
    return this.#byNid.get(nid)
  }

  byId(eventId: string): StoredEvent | undefined {
    const nid = this.#nids.get(eventId)
    return nid === undefined ? undefined : this.#byNid.get(nid)
  }

  /** Whether what is kept of an event may lack the position that its commit has given it. */
  mayLackPosition({ nid, position }: StoredEvent): boolean {
    return position === undefined && this.#inFlight.has(nid)
  }

  nidOf(eventId: string): number | undefined {
    return this.#nids.get(eventId)
  }

  /** Takes down that an event is stored, which never changes. */
  learn(eventId: string, nid: number): void {
    this.#nids.set(eventId, nid)
  }

  /** What was just written. `isNew`: for the first time, so that no read can have found anything else of it. */
  put(stored: StoredEvent, isNew: boolean): void {
    if (!isNew) this.#changed.set(stored.nid, ++this.now)
    this.#inFlight.add(stored.nid)
    this.#keep(stored)
  }

  /** Gives what is kept of an event the position that its commit gave it. */
  place(nid: number, position: number): void {
    this.#inFlight.delete(nid)
    // In place: it is what whoever holds the event has been waiting to know of it.
    const stored: { position: number | undefined } | undefined = this.#byNid.peek(nid)
    if (stored !== undefined) stored.position = position
  }

  /**
   * What was read by a read that began at `then`, together with so many others; answers what is newest. A read of more than half of what
   * is kept fills what room there is, and pushes nothing out: all members of a large room are asked for now and then, and everything else again and again.
   */
  putAsOf(then: number, stored: StoredEvent, together: number): StoredEvent {
    const { nid } = stored
    const changed = this.#changed.peek(nid) ?? 0
    // Stored without a position while it is in flight, it is stored as it was before.
    if (changed > then || this.mayLackPosition(stored) || this.#isBefore(stored))
      return this.#byNid.get(nid) ?? stored
    const { calculatedSize, maxSize } = this.#byNid
    const isWelcome = together <= maxSize / 2 || calculatedSize < maxSize
    if (isWelcome && this.now - then < REMEMBERED_CHANGES) this.#keep(stored)
    return stored
  }

  /**
   * Whether a room's state that is about to be read is to be kept. An initial sync reads those of all its rooms: where they do not
   * fit, each would push out what the next sync looks for first, and nothing would ever be found. What is asked for again
   * gets in before long.
   */
  admitsState(): boolean {
    const { calculatedSize, maxSize } = this.#byNid
    return calculatedSize < FULL * maxSize || ++this.#crowded % ADMITTED === 0
  }

  /** Something about these was written, or failed to be. */
  drop(nids: readonly number[]): void {
    for (const nid of nids) {
      this.#changed.set(nid, ++this.now)
      this.#inFlight.delete(nid)
      const stored = this.#byNid.peek(nid)
      if (stored !== undefined) this.#nids.delete(stored.event.eventId)
      this.#byNid.delete(nid)
    }
  }

  /**
   * A room is here under this nid. Had it another before, it was removed, perhaps by another process, and has come back: what is kept of
   * it from before is there no more.
   */
  roomIs(roomId: string, roomNid: number): void {
    const known = this.#rooms.get(roomId)
    if (known === roomNid) return
    this.#rooms.set(roomId, roomNid)
    if (known === undefined) return
    const gone: number[] = []
    for (const stored of this.#byNid.values()) {
      const isBefore = stored.event.roomId === roomId && stored.roomNid !== roomNid
      if (isBefore && !this.#inFlight.has(stored.nid)) gone.push(stored.nid)
    }
    this.drop(gone)
    // Of others only the IDs are known, and not of which room they are.
    this.#nids.clear()
    for (const { nid, event } of this.#byNid.values()) this.#nids.set(event.eventId, nid)
  }

  /** Events of a room that stand at a position or below it: nids. */
  upTo(roomNid: number, position: number): number[] {
    return this.#inRoom(roomNid, stored => stored.position !== undefined && stored.position <= position)
  }

  /** What somebody has sent into a room, where it has its place: nids. */
  ofSender(sender: string, roomNid: number): number[] {
    return this.#inRoom(roomNid, ({ event, position }) => position !== undefined && event.sender === sender)
  }

  #inRoom(roomNid: number, isMeant: (stored: StoredEvent) => boolean): number[] {
    const found: number[] = []
    for (const stored of this.#byNid.values())
      if (stored.roomNid === roomNid && isMeant(stored)) found.push(stored.nid)
    return found
  }

  /** Whether an event that is judged anew by a write in flight was read as it had been judged before. */
  #isBefore({ nid, rejected, softFailed }: StoredEvent): boolean {
    const written = this.#inFlight.has(nid) ? this.#byNid.peek(nid) : undefined
    return written !== undefined && (written.rejected !== rejected || written.softFailed !== softFailed)
  }

  #keep(stored: StoredEvent): void {
    this.roomIs(stored.event.roomId, stored.roomNid)
    this.#byNid.set(stored.nid, stored)
    this.#nids.set(stored.event.eventId, stored.nid)
  }
}
