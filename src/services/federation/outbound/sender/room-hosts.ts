import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../../../core/caches.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import type { OutboxReader } from '../../../../storage/federation/outbox-reader.ts'
import type { StoredEvent } from '../../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../../storage/rooms/index.ts'
import type { Answer } from '../../../answer.ts'
import { forEachBounded } from '../../../bounded.ts'

/** Beyond so many changes of membership since an event, the members at that time are read instead. */
const MAX_CHANGES = 500
/** After so many, or fewer, only the servers are looked at whose users they are of, and not the whole room. */
const FEW_CHANGES = 20
const NOW = Number.MAX_SAFE_INTEGER

/** Rooms that are looked at side by side. */
const ROOMS_AT_ONCE = 8

interface KnownHosts {
  readonly servers: ReadonlySet<string>
  readonly from: number
  upTo: number
}

/** The servers that are in rooms, at any position of the events: what is known of a room holds until somebody comes or goes. */
export class RoomHosts {
  readonly #read: RoomReaders
  readonly #outbox: OutboxReader
  /** By room: the servers in it, and the positions between which that is known to be so. */
  readonly #current = boundedCache<number, KnownHosts>('hosts_in_rooms')
  /** The same of earlier times, for servers that catch up. */
  readonly #past = boundedCache<number, KnownHosts>('hosts_in_rooms')

  constructor(read: RoomReaders, outbox: OutboxReader) {
    this.#read = read
    this.#outbox = outbox
  }

  /**
   * Looks side by side at rooms of which nothing is known: half a dozen reads each, for which, one room after another, whoever follows a
   * busy stream falls behind. What fails is asked for again by its events.
   */
  async meet(
    events: readonly StoredEvent[],
    positions: ReadonlyMap<number, number | undefined>,
  ): Promise<void> {
    const firsts = new Map<number, number>()
    for (const { roomNid, nid } of events) {
      const position = positions.get(nid)
      if (position === undefined || this.#current.has(roomNid)) continue
      firsts.set(roomNid, Math.min(position, firsts.get(roomNid) ?? position))
    }
    await forEachBounded([...firsts], ROOMS_AT_ONCE, async ([roomNid, position]) => {
      await this.at(roomNid, position)
    }).catch(() => undefined)
  }

  /** Asks once for all rooms of these events whether those who were in them still are. */
  async lookAhead(
    events: readonly StoredEvent[],
    positions: ReadonlyMap<number, number | undefined>,
  ): Promise<void> {
    const known = new Map<number, KnownHosts>()
    const upTo = Math.max(...positions.values().map(position => position ?? 0), 0)
    for (const { roomNid } of events) {
      const hosts = this.#current.get(roomNid)
      if (hosts !== undefined && hosts.upTo < upTo) known.set(roomNid, hosts)
    }
    if (known.size === 0) return
    const after = Math.min(...known.values().map(hosts => hosts.upTo))
    const { state } = this.#read
    const changed = await state.changedRooms([...known.keys()], 'm.room.member', { after, upTo })
    for (const [roomNid, hosts] of known) if (!changed.has(roomNid)) hosts.upTo = Math.max(hosts.upTo, upTo)
  }

  /** The servers in a room at a position of the events; at once where that is known. */
  at(roomNid: number, position: number): Answer<ReadonlySet<string>> {
    // What lies before all that is known of a room is asked for by servers that have been away, in order as well.
    const isPast = position < (this.#current.get(roomNid)?.from ?? 0)
    return this.#from(isPast ? this.#past : this.#current, roomNid, position)
  }

  #from(cache: LRUCache<number, KnownHosts>, roomNid: number, position: number): Answer<ReadonlySet<string>> {
    const known = cache.get(roomNid)
    const isKnown = known !== undefined && known.from <= position && position <= known.upTo
    return isKnown ? known.servers : this.#find(cache, roomNid, position)
  }

  async #find(
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
    const servers = await this.#readAt(roomNid, position, moved)
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
  async #readAt(roomNid: number, position: number, some?: ReadonlySet<string>): Promise<Set<string>> {
    const { state, events } = this.#read
    const isMeant = (userId: string): boolean => some?.has(serverNameOf(userId)) ?? true
    const { servers, changed } = await this.#ofOthers(roomNid, position, some)
    let nids: (number | undefined)[] = []
    if (changed.size > MAX_CHANGES) {
      const members = await state.ofTypes(roomNid, ['m.room.member'], position)
      nids = members.filter(entry => isMeant(entry.stateKey)).map(entry => entry.nid)
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
  async #ofOthers(
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
