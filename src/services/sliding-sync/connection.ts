import { formatStreamToken, type StreamToken } from '../../core/stream-token.ts'
import { type ConnectionSnapshot, type RoomSnapshot, roomsFrom, snapshotOf } from './connection-snapshot.ts'
import type { KnownRooms } from './known-rooms.ts'
import { NOTHING_OWED, type Owed, owedFrom, snapshotOfOwed } from './owed.ts'
import { RequiredState, type Wish } from './required-state.ts'
import type { SentRoom } from './sent-room.ts'

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

/** The letter of the serial number in `pos`, which otherwise is a token of `/sync`. */
const SERIAL = 'c'

/** Who cancels a request and asks otherwise may be answered twice for one token; more than this nobody does at a time. */
const MAX_UNCONFIRMED = 4

/** One loop of requests of one device. */
export class Connection {
  readonly known: KnownRooms = {
    ...{ activity: new Map(), left: [], invitations: [], ended: [], isRead: false },
    recounts: { receipts: { rooms: new Map() }, account_data: { rooms: new Map() } },
  }
  readonly #rooms = new Map<string, SentRoom>()
  #serial: number
  #positions: StreamToken = {}
  #owed = NOTHING_OWED
  /** What was answered since, the newest last: the client goes on from one of these, and then has not processed the others. */
  #unconfirmed: readonly Unconfirmed[] = []
  #newest: number
  readonly #maker: number | undefined

  /**
   * @param serial what its tokens are told apart by; nobody else's may be guessed from it
   * @param maker the number of this process, where there may be others
   */
  constructor(serial: number, maker?: number) {
    this.#serial = serial
    this.#newest = serial
    this.#maker = maker
  }

  /**
   * One that another process has, for this one as well.
   * @param newest from where its serial numbers go on here, as in the constructor: what the other process still answers, to requests
   *   that were given up, is told apart from what is answered here
   */
  static from(
    { serial, positions, rooms, owed = {}, unconfirmed = [], wishes = [] }: ConnectionSnapshot,
    newest: number,
    maker?: number,
  ): Connection {
    const connection = new Connection(serial, maker)
    const states = wishes.map(one => new RequiredState(one))
    connection.#positions = positions
    for (const [roomId, room] of roomsFrom(rooms, states)) connection.#rooms.set(roomId, room)
    connection.#owed = owedFrom(owed)
    connection.#unconfirmed = unconfirmed.map(one => ({
      ...{ serial: one.serial, positions: one.positions },
      ...{ rooms: roomsFrom(one.rooms, states), owed: owedFrom(one.owed ?? {}) },
    }))
    connection.#newest = newest
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
      ...{ serial: this.#serial, positions: this.#positions, rooms: roomsOf(this.#rooms) },
      owed: snapshotOfOwed(this.#owed),
      unconfirmed: this.#unconfirmed.map(one => ({
        ...{ serial: one.serial, positions: one.positions },
        ...{ rooms: roomsOf(one.rooms), owed: snapshotOfOwed(one.owed) },
      })),
      wishes: [...all.values()].map(one => one.wishes),
    }
  }

  /** The serial number of the response that the client has processed last. */
  get serial(): number {
    return this.#serial
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

  get owed(): Owed {
    return this.#owed
  }

  /**
   * "The server cannot assume that a client has received a response until it receives a new request with the `pos` token set to
   * the `pos` it returned in the response." Answers whether the client may go on from there.
   */
  resume(serial: number): boolean {
    const confirmed = this.#unconfirmed.find(one => one.serial === serial)
    if (confirmed !== undefined) {
      this.#serial = serial
      this.#positions = confirmed.positions
      this.#owed = confirmed.owed
      for (const [roomId, room] of confirmed.rooms) this.#rooms.set(roomId, room)
      this.#unconfirmed = []
    }
    return this.#serial === serial
  }

  /**
   * Takes notice of what a response tells; answers its `pos`. "The client … decides to cancel and resend a request with different
   * parameters": the request that was given up may be answered last, and takes nothing from the other.
   * @param base the serial number of the response from which this one goes on; where the client has gone on from another meanwhile,
   *   nobody waits for this one any more
   */
  answer(base: number, told: Told): string {
    this.#newest += 1
    const serial = this.#newest
    if (base === this.#serial)
      this.#unconfirmed = [...this.#unconfirmed, { serial, ...told }].slice(-MAX_UNCONFIRMED)
    const { positions } = told
    const token = this.#maker === undefined ? positions : { ...positions, maker: this.#maker }
    return `${formatStreamToken(token)}.${SERIAL}${serial}`
  }
}

/** The serial number in a `pos`; `NaN` if there is none. */
export const serialOf = (pos: string): number => Number(new RegExp(`\\.${SERIAL}(\\d{1,15})$`).exec(pos)?.[1])
