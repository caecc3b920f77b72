import type { StreamToken } from '../../core/stream-token.ts'
import {
  type ConnectionSnapshot,
  type RoomSnapshot,
  roomsFrom,
  snapshotOf,
  VERSION,
} from './connection-snapshot.ts'
import { type ConnectionToken, formatConnectionToken } from './connection-token.ts'
import type { KnownRooms } from './known-rooms.ts'
import { NOTHING_OWED, type Owed, owedFrom, snapshotOfOwed } from './owed.ts'
import { RequiredState, type Wish } from './required-state.ts'
import { type SentRoom, weightOf } from './sent-room.ts'

/** What a response tells. */
export interface Told {
  readonly positions: StreamToken
  readonly rooms: ReadonlyMap<string, SentRoom>
  readonly owed: Owed
}

/** A response that the client may not have received. */
interface Unconfirmed extends Told {
  readonly serial: number
}

/** By what tokens of a connection are told apart. */
export interface ConnectionName {
  /** From where its serial numbers go on; nobody else's may be guessed from it. */
  readonly serial: number
  /** See `ConnectionToken`. */
  readonly openedAt: number
  /** The number of this process, where there may be others. */
  readonly maker?: number | undefined
}

/** Who cancels a request and asks otherwise may be answered twice for one token; more than this nobody does at a time. */
const MAX_UNCONFIRMED = 4

/**
 * One loop of requests of one device: what rooms the client was sent. Where the streams stand its tokens say, as those of `/sync` do, so
 * that responses which tell of no room change nothing here.
 */
export class Connection {
  readonly known: KnownRooms = {
    ...{ activity: new Map(), left: [], invitations: [], ended: [], isRead: false, upTo: undefined },
    recounts: { receipts: { rooms: new Map() }, account_data: { rooms: new Map() } },
  }
  readonly openedAt: number
  /** When its client came last; milliseconds since 1970. */
  usedTs = 0
  readonly #maker: number | undefined
  readonly #rooms = new Map<string, SentRoom>()
  #serial: number
  #generation = 0
  #positions: StreamToken = {}
  #owed = NOTHING_OWED
  /** What was answered since, the newest last: the client goes on from one of these, and then has not processed the others. */
  #unconfirmed: readonly Unconfirmed[] = []
  #newest: number
  /** It was read from the database: the streams are followed from where it was stored, whatever the client's token says. */
  #wasStored = false
  #isDoubtful = false
  #doubtfulSince: StreamToken | undefined

  constructor({ serial, openedAt, maker }: ConnectionName) {
    this.#serial = serial
    this.#newest = serial
    this.openedAt = openedAt
    this.#maker = maker
  }

  /**
   * One that another process has, for this one as well, or had: see `goOn`.
   * @param newest from where its serial numbers go on here, as in the constructor: what the other process still answers, to requests
   *   that were given up, is told apart from what is answered here
   */
  static from(snapshot: ConnectionSnapshot, newest: number, maker?: number): Connection {
    const connection = new Connection({ ...snapshot, maker })
    const states = snapshot.wishes.map(one => new RequiredState(one))
    connection.#generation = snapshot.generation
    connection.#positions = snapshot.positions
    for (const [roomId, room] of roomsFrom(snapshot.rooms, states)) connection.#rooms.set(roomId, room)
    connection.#owed = owedFrom(snapshot.owed)
    connection.#unconfirmed = snapshot.unconfirmed.map(({ rooms, owed, ...one }) => ({
      ...{ ...one, rooms: roomsFrom(rooms, states), owed: owedFrom(owed) },
    }))
    connection.#doubtfulSince = snapshot.doubtfulSince
    connection.#wasStored = snapshot.wasStored === true
    connection.#newest = newest
    return connection
  }

  /**
   * One that was stored, for a client that was told more since: what, nobody knows. Rooms in which nothing has happened since are as
   * they were; the others are sent anew. `undefined` where the client had not come as far as that, and where nothing says from where on
   * to follow the streams: at a beginning no changes of devices are told, and the client has to know that it is one.
   */
  static fromStored(
    snapshot: ConnectionSnapshot,
    { serial, generation }: ConnectionToken,
    newest: number,
    maker?: number,
  ): Connection | undefined {
    const connection = Connection.from(snapshot, newest, maker)
    const isExact = connection.resume(serial)
    connection.#wasStored = true
    // Such is one that had taken nothing; its client's token may be known all the same, if no room was told by it.
    if (connection.#positions.events === undefined) return undefined
    if (isExact) return connection
    if (generation <= connection.#generation) return undefined
    connection.#serial = serial
    connection.#generation = generation
    connection.#unconfirmed = []
    connection.#isDoubtful = true
    connection.#doubtfulSince ??= snapshot.positions
    for (const [roomId, room] of connection.#rooms)
      connection.#rooms.set(roomId, { ...room, isDoubtful: true })
    return connection
  }

  /** @param withMembers whether it says which members were sent; those are sent again otherwise */
  snapshot({ withMembers = true } = {}): ConnectionSnapshot {
    const all = new Map<string, { readonly at: number; readonly wishes: readonly Wish[] }>()
    const roomsOf = (rooms: ReadonlyMap<string, SentRoom>): RoomSnapshot[] => {
      const snapshots = snapshotOf(rooms, all)
      return withMembers ? snapshots : snapshots.map(room => ({ ...room, members: [] }))
    }
    return {
      ...{ version: VERSION, openedAt: this.openedAt, serial: this.#serial, generation: this.#generation },
      ...{ positions: this.#positions, rooms: roomsOf(this.#rooms), owed: snapshotOfOwed(this.#owed) },
      ...{ doubtfulSince: this.#doubtfulSince, wasStored: this.#wasStored },
      unconfirmed: this.#unconfirmed.map(({ serial, positions, rooms, owed }) => ({
        ...{ serial, positions, rooms: roomsOf(rooms), owed: snapshotOfOwed(owed) },
      })),
      wishes: [...all.values()].map(one => one.wishes),
    }
  }

  /** The serial number of the response that the client has processed last, of those that told of rooms. */
  get serial(): number {
    return this.#serial
  }

  /** How many of those there were before it. */
  get generation(): number {
    return this.#generation
  }

  /** Changes with everything that `snapshot` tells, but for the positions. */
  get change(): string {
    return `${this.#serial} ${this.#newest}`
  }

  /** What it takes of memory, in what is known of a room or of two members that were sent: 200 bytes. */
  get weight(): number {
    const rooms = [this.#rooms, ...this.#unconfirmed.map(one => one.rooms)]
    return rooms.reduce((sum, some) => sum + weightOf(some), 1 + this.known.activity.size)
  }

  /** Whether the client may go on from the response with this serial number. */
  has(serial: number): boolean {
    return this.#serial === serial || this.#unconfirmed.some(one => one.serial === serial)
  }

  /** Where the streams stood in the last response that the client has received. */
  get positions(): StreamToken {
    return this.#positions
  }

  get rooms(): ReadonlyMap<string, SentRoom> {
    return this.#rooms
  }

  /**
   * Where the streams stood of which the client was told more than is known here: it may have rooms that are not among these, and of what has
   * ended since then it is told.
   */
  get doubtfulSince(): StreamToken | undefined {
    return this.#doubtfulSince
  }

  /**
   * Of a room that the client had as left it may have been told since that they are invited: it is told what became of that. Once what has
   * happened in rooms is known, such doubts are over.
   */
  doubtLeft(roomId: string): void {
    const room = this.#rooms.get(roomId)
    if (this.#isDoubtful && room?.kind === 'left')
      this.#rooms.set(roomId, { ...room, kind: 'invited', upTo: 0 })
  }

  get owed(): Owed {
    return this.#owed
  }

  /**
   * "The server cannot assume that a client has received a response until it receives a new request with the `pos` token set to
   * the `pos` it returned in the response." Answers whether the client may go on from there.
   * @param positions what the token says of where the streams stand
   */
  resume(serial: number, positions?: StreamToken): boolean {
    const confirmed = this.#unconfirmed.find(one => one.serial === serial)
    if (confirmed !== undefined) {
      this.#serial = serial
      this.#generation += 1
      this.#positions = confirmed.positions
      this.#owed = confirmed.owed
      for (const [roomId, room] of confirmed.rooms) this.#rooms.set(roomId, room)
      this.#unconfirmed = []
      this.#wasStored = false
    }
    if (this.#serial !== serial) return false
    // A database that was restored from a backup may not have come as far as the token of before.
    if (positions !== undefined && !this.#wasStored) this.#positions = positions
    return true
  }

  /**
   * Once it is known what has happened in rooms: forgets the doubt about those where that is nothing.
   * @param touched by room ID, where something of it changed last
   */
  settle(touched: Iterable<{ readonly roomId: string; readonly touched: number }>): void {
    if (!this.#isDoubtful) return
    this.#isDoubtful = false
    for (const { roomId, touched: at } of touched) {
      const room = this.#rooms.get(roomId)
      if (room?.kind === 'joined' && at <= room.upTo) this.#rooms.set(roomId, { ...room, isDoubtful: false })
    }
  }

  /**
   * Takes notice of what a response tells; answers its `pos`. "The client … decides to cancel and resend a request with different
   * parameters": the request that was given up may be answered last, and takes nothing from the other.
   * @param base the serial number of the response from which this one goes on; where the client has gone on from another meanwhile,
   *   nobody waits for this one any more
   */
  answer(base: number, told: Told): string {
    const { openedAt } = this
    const positions = this.#maker === undefined ? told.positions : { ...told.positions, maker: this.#maker }
    const generation = this.#generation
    const tellsNothing = told.rooms.size === 0 && told.owed === this.#owed && !this.#wasStored
    if (tellsNothing) return formatConnectionToken({ positions, openedAt, generation, serial: base })
    this.#newest += 1
    const serial = this.#newest
    if (base === this.#serial)
      this.#unconfirmed = [...this.#unconfirmed, { serial, ...told }].slice(-MAX_UNCONFIRMED)
    return formatConnectionToken({ positions, openedAt, generation: generation + 1, serial })
  }
}
