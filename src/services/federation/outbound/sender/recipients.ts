import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../../../core/caches.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import type { Log } from '../../../../core/log.ts'
import { DatabaseUnavailable } from '../../../../storage/database.ts'
import type { OutboxReader, OutgoingRow } from '../../../../storage/federation/outbox-reader.ts'
import type { RelayedEventReader } from '../../../../storage/federation/relayed-events.ts'
import type { StoredEvent } from '../../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../../storage/rooms/index.ts'
import type { Answer } from '../../../answer.ts'
import { forEachBounded } from '../../../bounded.ts'

/** Beyond so many changes of membership since an event, the members at that time are read instead. */
const MAX_CHANGES = 500
/** After so many, or fewer, only the servers are looked at whose users they are of, and not the whole room. */
const FEW_CHANGES = 20
const NOW = Number.MAX_SAFE_INTEGER
const NOWHERE: readonly string[] = []

/** An event that goes out, and to whom. */
export interface Addressed {
  readonly stored: StoredEvent
  readonly position: number
  readonly servers: readonly string[]
}

/** Rooms that are looked at side by side. */
const ROOMS_AT_ONCE = 8

interface KnownHosts {
  readonly servers: ReadonlySet<string>
  readonly from: number
  upTo: number
}

/** Decides which events this server sends, and to which servers. */
export class Recipients {
  readonly #read: RoomReaders
  readonly #outbox: OutboxReader
  readonly #relayed: RelayedEventReader
  readonly #serverName: string
  readonly #permits: (server: string) => boolean
  readonly #isHandedIn: (eventId: string) => boolean
  readonly #log: Log
  /** By room: the servers in it, and the positions between which that is known to be so. */
  readonly #hosts = boundedCache<number, KnownHosts>('hosts_in_rooms')
  /** The same of earlier times, for servers that catch up. */
  readonly #pastHosts = boundedCache<number, KnownHosts>('hosts_in_rooms')

  constructor(parts: {
    read: RoomReaders
    outbox: OutboxReader
    relayed: RelayedEventReader
    serverName: string
    permits: (server: string) => boolean
    /** Whether another server has taken it upon itself to pass an event on. */
    isHandedIn: (eventId: string) => boolean
    log: Log
  }) {
    this.#read = parts.read
    this.#outbox = parts.outbox
    this.#relayed = parts.relayed
    this.#serverName = parts.serverName
    this.#permits = parts.permits
    this.#isHandedIn = parts.isHandedIn
    this.#log = parts.log
  }

  /**
   * Of these events those that are ours to send: of local users, and of others that this server has let into a room
   * ("the resident server must also send the event to other servers participating in the room").
   */
  async address(rows: readonly OutgoingRow[]): Promise<Addressed[]> {
    const isLocal = ({ sender }: OutgoingRow): boolean => serverNameOf(sender) === this.#serverName
    const relayed = await this.#relayed.among(rows.filter(row => !isLocal(row)).map(row => row.nid))
    const ours = rows.filter(row => isLocal(row) || relayed.has(row.nid))
    // Not the cached event's own position: it is set a moment after the commit, of which we may know before.
    const positions = new Map(ours.map(row => [row.nid, row.position]))
    const events = await this.#read.events.byNids(ours.map(row => row.nid))
    await this.#meetRooms(events, positions)
    await this.#lookAhead(events, positions)
    const addressed: Addressed[] = []
    for (const stored of events) {
      const { nid, event } = stored
      const position = positions.get(nid)
      if (position === undefined || this.#isHandedIn(event.eventId)) continue
      try {
        const servers = this.#serversFor(stored, position)
        addressed.push({ stored, position, servers: servers instanceof Promise ? await servers : servers })
      } catch (error) {
        if (error instanceof DatabaseUnavailable) throw error
        // One event that cannot be addressed must not stop all that come after it.
        this.#log.error({ event: event.eventId, err: error }, 'an event is not sent to other servers')
      }
    }
    return addressed
  }

  /** The servers that have come into a room after one position up to another. */
  async cameIn(roomNid: number, after: number, upTo: number): Promise<string[]> {
    const before = await this.#hostsAt(roomNid, after)
    const now = [...(await this.#hostsAt(roomNid, upTo))]
    return now.filter(server => !before.has(server) && server !== this.#serverName && this.#permits(server))
  }

  /** Whether a server is in a room at a position. */
  async isIn(server: string, roomNid: number, position: number): Promise<boolean> {
    return (await this.#hostsAt(roomNid, position)).has(server)
  }

  /** The servers joined after the event, and that of a member who was put out by it; never ours nor the sender's. */
  #serversFor(stored: StoredEvent, position: number): Answer<readonly string[]> {
    const hosts = this.#hostsAt(stored.roomNid, position)
    const isOurs = !(hosts instanceof Promise) && hosts.size === 1 && hosts.has(this.#serverName)
    return isOurs && stored.event.stateKey === undefined ? NOWHERE : this.#others(stored, position, hosts)
  }

  async #others(
    { roomNid, event }: StoredEvent,
    position: number,
    hosts: Answer<ReadonlySet<string>>,
  ): Promise<string[]> {
    const servers = new Set(hosts instanceof Promise ? await hosts : hosts)
    const { type, stateKey, content } = event
    if (type === 'm.room.member' && stateKey !== undefined && content['membership'] !== 'invite') {
      // Who was never a member, nor invited, has no server that waits for news.
      const had = await this.#read.state.replacedAt(roomNid, type, stateKey, position)
      if (had !== undefined) servers.add(serverNameOf(stateKey))
    }
    servers.delete(this.#serverName)
    servers.delete(serverNameOf(event.sender))
    return [...servers].filter(server => server !== '' && this.#permits(server))
  }

  /**
   * Looks side by side at rooms of which nothing is known: half a dozen reads each, for which, one room after another, whoever follows a
   * busy stream falls behind. What fails is asked for again by its events.
   */
  async #meetRooms(
    events: readonly StoredEvent[],
    positions: ReadonlyMap<number, number | undefined>,
  ): Promise<void> {
    const firsts = new Map<number, number>()
    for (const { roomNid, nid } of events) {
      const position = positions.get(nid)
      if (position === undefined || this.#hosts.has(roomNid)) continue
      firsts.set(roomNid, Math.min(position, firsts.get(roomNid) ?? position))
    }
    await forEachBounded([...firsts], ROOMS_AT_ONCE, async ([roomNid, position]) => {
      await this.#hostsAt(roomNid, position)
    }).catch(() => undefined)
  }

  /** Asks once for all rooms of these events whether those who were in them still are. */
  async #lookAhead(
    events: readonly StoredEvent[],
    positions: ReadonlyMap<number, number | undefined>,
  ): Promise<void> {
    const known = new Map<number, KnownHosts>()
    const upTo = Math.max(...positions.values().map(position => position ?? 0), 0)
    for (const { roomNid } of events) {
      const hosts = this.#hosts.get(roomNid)
      if (hosts !== undefined && hosts.upTo < upTo) known.set(roomNid, hosts)
    }
    const { state, news } = this.#read
    // For one room that was silent for long the others need not be looked for in the database.
    const byAge = Map.groupBy(known, ([, hosts]) => news.reachesBackTo(hosts.upTo))
    for (const rooms of byAge.values()) {
      const after = Math.min(...rooms.map(([, hosts]) => hosts.upTo))
      const nids = rooms.map(([roomNid]) => roomNid)
      const changed = await state.changedRooms(nids, 'm.room.member', { after, upTo })
      for (const [roomNid, hosts] of rooms) if (!changed.has(roomNid)) hosts.upTo = Math.max(hosts.upTo, upTo)
    }
  }

  /** What lies before all that is known of a room is asked for by servers that have been away, in order as well. */
  #hostsAt(roomNid: number, position: number): Answer<ReadonlySet<string>> {
    const isPast = position < (this.#hosts.get(roomNid)?.from ?? 0)
    return this.#hostsFrom(isPast ? this.#pastHosts : this.#hosts, roomNid, position)
  }

  #hostsFrom(
    cache: LRUCache<number, KnownHosts>,
    roomNid: number,
    position: number,
  ): Answer<ReadonlySet<string>> {
    const known = cache.get(roomNid)
    const isKnown = known !== undefined && known.from <= position && position <= known.upTo
    return isKnown ? known.servers : this.#findHosts(cache, roomNid, position)
  }

  async #findHosts(
    cache: LRUCache<number, KnownHosts>,
    roomNid: number,
    position: number,
  ): Promise<ReadonlySet<string>> {
    const known = cache.get(roomNid)
    const moved = known && (await this.#movedSince(known, roomNid, position))
    if (known !== undefined && moved?.size === 0) {
      const { servers, from, upTo } = known
      cache.set(roomNid, { servers, from: Math.min(from, position), upTo: Math.max(upTo, position) })
      return servers
    }
    const servers = await this.#readHostsAt(roomNid, position, moved)
    if (known !== undefined && moved !== undefined)
      for (const server of known.servers) if (!moved.has(server)) servers.add(server)
    // While not all members are known, whoever was told to be in the room gets everything; that comes to an end unseen.
    const partial = await this.#read.partial.open(roomNid)
    if (partial !== undefined) return new Set([...servers, ...partial.servers])
    cache.set(roomNid, { servers, from: position, upTo: position })
    return servers
  }

  /** The servers whose users have come or gone between what is known and a position; `undefined` where they are many. */
  async #movedSince(
    { from, upTo }: KnownHosts,
    roomNid: number,
    position: number,
  ): Promise<ReadonlySet<string> | undefined> {
    const [after, until] = position > upTo ? [upTo, position] : [position, from]
    const changed = await this.#changed(roomNid, after, until)
    return changed.size <= FEW_CHANGES ? new Set([...changed].map(serverNameOf)) : undefined
  }

  /** The servers, all or some, joined now, with what has changed since the position undone. */
  async #readHostsAt(roomNid: number, position: number, some?: ReadonlySet<string>): Promise<Set<string>> {
    const { state, events } = this.#read
    const isMeant = (userId: string): boolean => some?.has(serverNameOf(userId)) ?? true
    const { servers, changed } = await this.#hostsOfOthers(roomNid, position, some)
    const nids: (number | undefined)[] = []
    if (changed.size > MAX_CHANGES) {
      const members = await state.ofTypes(roomNid, ['m.room.member'], position)
      nids.push(...members.filter(entry => isMeant(entry.stateKey)).map(entry => entry.nid))
      servers.clear()
    } else {
      for (const userId of [...changed].filter(isMeant))
        nids.push(await state.point(roomNid, 'm.room.member', userId, position))
    }
    for (const { event } of await events.byNids(nids.filter(nid => nid !== undefined))) {
      if (event.content['membership'] === 'join') servers.add(serverNameOf(event.stateKey ?? ''))
    }
    return servers
  }

  /** The users whose membership has changed since a position, and the servers of all others who are joined. */
  async #hostsOfOthers(
    roomNid: number,
    position: number,
    some: ReadonlySet<string> | undefined,
  ): Promise<{ servers: Set<string>; changed: ReadonlySet<string> }> {
    let changed = await this.#changed(roomNid, position, NOW)
    for (;;) {
      const servers =
        some === undefined
          ? await this.#outbox.joinedHostsWithout(roomNid, [...changed])
          : await this.#outbox.joinedAmong(some, roomNid, [...changed])
      // Changes only ever add up: as many as before means that none came between the two reads.
      const since = await this.#changed(roomNid, position, NOW)
      if (since.size === changed.size || since.size > MAX_CHANGES) {
        return { servers: new Set(servers), changed: since }
      }
      changed = since
    }
  }

  /** The users whose membership has changed after one position up to another. */
  async #changed(roomNid: number, after: number, upTo: number): Promise<Set<string>> {
    if (after >= upTo) return new Set()
    const { state } = this.#read
    const changes = [
      ...(await state.changes(roomNid, after, upTo)),
      ...(await state.ended(roomNid, after, upTo)),
    ]
    return new Set(changes.filter(one => one.type === 'm.room.member').map(one => one.stateKey))
  }
}
