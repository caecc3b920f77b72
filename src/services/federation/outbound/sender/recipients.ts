import { serverNameOf } from '../../../../core/ids.ts'
import type { Log } from '../../../../core/log.ts'
import { DatabaseUnavailable } from '../../../../storage/database.ts'
import type { OutboxReader, OutgoingRow } from '../../../../storage/federation/outbox-reader.ts'
import type { RelayedEventReader } from '../../../../storage/federation/relayed-events.ts'
import type { StoredEvent } from '../../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../../storage/rooms/index.ts'
import type { Answer } from '../../../answer.ts'
import { RoomHosts } from './room-hosts.ts'

const NOWHERE: readonly string[] = []

/** An event that goes out, and to whom. */
export interface Addressed {
  readonly stored: StoredEvent
  readonly position: number
  readonly servers: readonly string[]
}

/** Decides which events this server sends, and to which servers. */
export class Recipients {
  readonly #read: RoomReaders
  readonly #hosts: RoomHosts
  readonly #relayed: RelayedEventReader
  readonly #serverName: string
  readonly #permits: (server: string) => boolean
  readonly #isHandedIn: (eventId: string) => boolean
  readonly #log: Log

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
    this.#hosts = new RoomHosts(parts.read, parts.outbox)
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
    await this.#hosts.meet(events, positions)
    await this.#hosts.lookAhead(events, positions)
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
    const before = await this.#hosts.at(roomNid, after)
    const now = [...(await this.#hosts.at(roomNid, upTo))]
    return now.filter(server => !before.has(server) && server !== this.#serverName && this.#permits(server))
  }

  /** Whether a server is in a room at a position. */
  async isIn(server: string, roomNid: number, position: number): Promise<boolean> {
    return (await this.#hosts.at(roomNid, position)).has(server)
  }

  /** The servers joined after the event, and that of a member who was put out by it; never ours nor the sender's. */
  #serversFor(stored: StoredEvent, position: number): Answer<readonly string[]> {
    const hosts = this.#hosts.at(stored.roomNid, position)
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
}
