import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import { MatrixError } from '../../core/errors.ts'
import { formatStreamToken, parseStreamToken, type StreamToken } from '../../core/stream-token.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import { RequiredState, type Wish } from './required-state.ts'

/** What a connection was last told of a room. */
export interface SentRoom {
  readonly kind: 'joined' | 'invited' | 'left'
  /** Of the stream of events (`invited`: of invitations): what came later is news. */
  readonly upTo: number
  /** The latest so many events have been sent, as far as there are. */
  readonly timelineLimit: number
  readonly requiredState: RequiredState | undefined
  readonly isDirect: boolean
  /** Of users whose member events were sent: which. */
  readonly members: ReadonlyMap<string, number>
}

/** A joined room's place in the list. */
export interface Activity {
  readonly roomId: string
  /** Of its newest event. */
  readonly position: number
  /** Where something of it changed last, as far as the connection has looked. */
  readonly touched: number
}

/** A room that the user has left, or was made to leave. */
export interface LeftRoom {
  readonly row: MembershipRow
  /** Somebody else has put them out of it. */
  readonly isShownUnasked: boolean
}

/** What is known of a user's rooms between two requests, so that it is not read again. */
export interface KnownRooms {
  /** Joined rooms by nid. */
  readonly activity: Map<number, Activity>
  left: readonly LeftRoom[]
  invitations: readonly InvitationRow[]
  /** Those of rooms that the connection was told of as such, and that have ended without an event that is stored. */
  ended: readonly InvitationRow[]
  /** Whether they were read at all. */
  isRead: boolean
}

/** A response that the client may not have received. */
interface Pending {
  readonly serial: number
  readonly positions: StreamToken
  readonly rooms: ReadonlyMap<string, SentRoom>
}

type RoomSnapshot = Omit<SentRoom, 'members' | 'requiredState'> & {
  readonly roomId: string
  readonly members: readonly (readonly [userId: string, nid: number])[]
  readonly wishes: readonly Wish[] | undefined
}

/** A connection as JSON, without what can be read again. */
export interface ConnectionSnapshot {
  readonly serial: number
  readonly positions: StreamToken
  readonly rooms: readonly RoomSnapshot[]
  readonly pending?: {
    readonly serial: number
    readonly positions: StreamToken
    readonly rooms: readonly RoomSnapshot[]
  }
}

const snapshotOf = (rooms: ReadonlyMap<string, SentRoom>): RoomSnapshot[] =>
  [...rooms].map(([roomId, { members, requiredState, ...room }]) => ({
    ...{ ...room, roomId },
    members: [...members],
    wishes: requiredState?.wishes,
  }))

const roomsFrom = (rooms: readonly RoomSnapshot[]): Map<string, SentRoom> =>
  new Map(
    rooms.map(({ roomId, members, wishes, ...room }) => [
      roomId,
      { ...room, members: new Map(members), requiredState: wishes && new RequiredState(wishes) },
    ]),
  )

/** One loop of requests of one device. */
export class Connection {
  readonly known: KnownRooms = { activity: new Map(), left: [], invitations: [], ended: [], isRead: false }
  readonly #rooms = new Map<string, SentRoom>()
  #serial: number
  #positions: StreamToken = {}
  #pending: Pending | undefined
  readonly #maker: number | undefined

  /**
   * @param serial what its tokens are told apart by; nobody else's may be guessed from it
   * @param maker the number of this process, where there may be others
   */
  constructor(serial: number, maker?: number) {
    this.#serial = serial
    this.#maker = maker
  }

  /** One that another process has given up, for this one. */
  static from({ serial, positions, rooms, pending }: ConnectionSnapshot, maker?: number): Connection {
    const connection = new Connection(serial, maker)
    connection.#positions = positions
    for (const [roomId, room] of roomsFrom(rooms)) connection.#rooms.set(roomId, room)
    connection.#pending = pending && { ...pending, rooms: roomsFrom(pending.rooms) }
    return connection
  }

  snapshot(): ConnectionSnapshot {
    const pending = this.#pending && { ...this.#pending, rooms: snapshotOf(this.#pending.rooms) }
    return {
      ...{ serial: this.#serial, positions: this.#positions, rooms: snapshotOf(this.#rooms) },
      ...(pending === undefined ? {} : { pending }),
    }
  }

  /** Whether this is the serial number of one of its last two tokens. */
  has(serial: number): boolean {
    return this.#serial === serial || this.#pending?.serial === serial
  }

  /** Where the streams stood in the last response that the client has received. */
  get positions(): StreamToken {
    return this.#positions
  }

  get rooms(): ReadonlyMap<string, SentRoom> {
    return this.#rooms
  }

  /**
   * "The server cannot assume that a client has received a response until it receives a new request with the `pos` token set to
   * the `pos` it returned in the response." Answers whether the token is one of the last two.
   */
  resume(serial: number): boolean {
    if (this.#pending?.serial === serial) {
      this.#serial = serial
      this.#positions = this.#pending.positions
      for (const [roomId, room] of this.#pending.rooms) this.#rooms.set(roomId, room)
      this.#pending = undefined
    }
    return this.#serial === serial
  }

  /** Takes notice of what a response tells; answers its `pos`. */
  answer(positions: StreamToken, rooms: ReadonlyMap<string, SentRoom>): string {
    const serial = Math.max(this.#serial, this.#pending?.serial ?? 0) + 1
    this.#pending = { serial, positions, rooms }
    const token = this.#maker === undefined ? positions : { ...positions, maker: this.#maker }
    return `${formatStreamToken(token)}.${SERIAL}${serial}`
  }
}

/** The letter of the serial number in `pos`, which otherwise is a token of `/sync`. */
const SERIAL = 'c'

/** Connections of one device; the one that was used least recently makes room. */
const MAX_OF_DEVICE = 8

/**
 * The connections of all devices, in memory: a client whose connection is gone, as after a restart, is told so and begins
 * anew ("a server may decide to expire connections"). Where there are several processes, each connection is in the memory of one.
 */
export class Connections {
  /** Asks another process, the last to have answered, for a connection that is not here. */
  elsewhere: (key: string, serial: number, maker: number | undefined) => Promise<Connection | undefined> =
    async () => undefined
  readonly #random: () => number
  readonly #maker: number | undefined
  /** They count by the rooms that they have been told of. */
  readonly #byKey: LRUCache<string, Connection>
  readonly #ofDevice = new Map<string, Set<string>>()

  /**
   * @param random an integer that cannot be guessed, small enough to be counted up from
   * @param maker the number of this process, where there may be others
   */
  constructor(random: () => number, maker?: number) {
    this.#random = random
    this.#maker = maker
    this.#byKey = boundedCache('sliding_connections', {
      size: connection => connection.rooms.size + connection.known.activity.size + 1,
      dispose: (_, key, reason) => {
        if (reason !== 'set') this.#forget(key)
      },
    })
  }

  /** Begins a connection, in place of the one that went by this name before. */
  open(device: string, connectionId: string): Connection {
    return this.#keep(device, connectionId, new Connection(this.#random(), this.#maker))
  }

  /** Gives up a connection, if the token with this serial number is one of its last two. */
  take(key: string, serial: number): Connection | undefined {
    const connection = this.#byKey.peek(key)
    if (connection?.has(serial) !== true) return undefined
    this.#byKey.delete(key)
    return connection
  }

  #keep(device: string, connectionId: string, connection: Connection): Connection {
    const key = keyOf(device, connectionId)
    this.#byKey.set(key, connection)
    const keys = this.#ofDevice.get(device) ?? new Set()
    keys.delete(key)
    keys.add(key)
    this.#ofDevice.set(device, keys)
    for (const oldest of keys) {
      if (keys.size <= MAX_OF_DEVICE) break
      this.#byKey.delete(oldest)
    }
    return connection
  }

  /** Goes on with a connection. Throws `M_UNKNOWN_POS` for a token that is not one of its last two. */
  async resume(device: string, connectionId: string, pos: string): Promise<Connection> {
    const key = keyOf(device, connectionId)
    const serial = Number(new RegExp(`\\.${SERIAL}(\\d{1,15})$`).exec(pos)?.[1])
    const here = this.#byKey.get(key)
    const isElsewhere = here?.has(serial) !== true && Number.isSafeInteger(serial)
    const connection = isElsewhere ? await this.elsewhere(key, serial, parseStreamToken(pos)?.maker) : here
    if (connection?.resume(serial) !== true) {
      throw new MatrixError('M_UNKNOWN_POS', 'This connection has ended: begin anew')
    }
    // What it has been told counts anew.
    return this.#keep(device, connectionId, connection)
  }

  #forget(key: string): void {
    const device = key.slice(0, key.indexOf('\n'))
    const keys = this.#ofDevice.get(device)
    keys?.delete(key)
    if (keys?.size === 0) this.#ofDevice.delete(device)
  }
}

const keyOf = (device: string, connectionId: string): string => `${device}\n${connectionId}`
