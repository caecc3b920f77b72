import { formatStreamToken, type StreamToken } from '../../core/stream-token.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import { RequiredState, type Wish } from './required-state.ts'

/** By what counts change without an event: what the user reads, and whom they ignore. */
export const RECOUNTING = ['receipts', 'account_data'] as const
type RecountingStream = (typeof RECOUNTING)[number]

/** Where these streams stand. */
export type RecountedAt = Readonly<Record<RecountingStream, number>>

/** What a connection was last told of a room. */
export interface SentRoom {
  readonly kind: 'joined' | 'invited' | 'left'
  /** Of the stream of events (`invited`: of invitations): what came later is news. */
  readonly upTo: number
  /** Up to where its counts were right, where that was not up to there. */
  readonly counted?: number
  /** Of a joined room, where the streams stood by which its counts change. */
  readonly recounted?: RecountedAt
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
  /** What lists are filtered by, once that was read: when something changes in the room, there is a new activity without it. */
  kind?: RoomKind
}

/** What a room is, as lists are filtered by it. */
export interface RoomKind {
  readonly roomType: string | null
  readonly isEncrypted: boolean
}

/** A room that the user has left, or was made to leave. */
export interface LeftRoom {
  readonly row: MembershipRow
  /** Somebody else has put them out of it. */
  readonly isShownUnasked: boolean
}

/** An invitation, or a knock, that is over, or a room that was removed: of a room of which nothing else is known here. */
export interface EndedRoom {
  readonly roomId: string
  readonly membership: 'leave' | 'ban'
  /** The member event by which it ended, as JSON text. */
  readonly text: string
  /** What connections may have been told of it before; `undefined`: nothing. */
  readonly after: readonly (SentRoom['kind'] | undefined)[]
  readonly strippedState: InvitationRow['strippedState']
  readonly order: number
}

/** What is known of a user's rooms between two requests, so that it is not read again. */
export interface KnownRooms {
  /** Joined rooms by nid. */
  readonly activity: Map<number, Activity>
  left: readonly LeftRoom[]
  invitations: readonly InvitationRow[]
  /** Rooms that have ended for the user without an event that is stored. */
  ended: readonly EndedRoom[]
  /** Whether they were read at all. */
  isRead: boolean
  /** By which position counts had changed, by room ID; up to where the connection has looked. */
  readonly recounts: Readonly<Record<RecountingStream, { readonly rooms: Map<string, number>; at?: number }>>
}

/** A response that the client may not have received. */
interface Unconfirmed {
  readonly serial: number
  readonly positions: StreamToken
  readonly rooms: ReadonlyMap<string, SentRoom>
}

type RoomSnapshot = Omit<SentRoom, 'members' | 'requiredState'> & {
  readonly roomId: string
  readonly members: readonly (readonly [userId: string, nid: number])[]
  /** Which of the snapshot's `wishes` its state was sent by. */
  readonly wishesAt: number | undefined
}

/** A connection as JSON, without what can be read again. */
export interface ConnectionSnapshot {
  readonly serial: number
  readonly positions: StreamToken
  readonly rooms: readonly RoomSnapshot[]
  readonly unconfirmed?: readonly {
    readonly serial: number
    readonly positions: StreamToken
    readonly rooms: readonly RoomSnapshot[]
  }[]
  /** Each once: most rooms are sent by the same, and it is most of what there is to say of them. */
  readonly wishes?: readonly (readonly Wish[])[]
}

/** @param all what the rooms' state was sent by, by its key; what is new is added */
const snapshotOf = (
  rooms: ReadonlyMap<string, SentRoom>,
  all: Map<string, { readonly at: number; readonly wishes: readonly Wish[] }>,
): RoomSnapshot[] =>
  [...rooms].map(([roomId, { members, requiredState, ...room }]) => {
    const known =
      requiredState && (all.get(requiredState.key) ?? { at: all.size, wishes: requiredState.wishes })
    if (requiredState !== undefined && known !== undefined) all.set(requiredState.key, known)
    return { ...room, roomId, members: [...members], wishesAt: known?.at }
  })

const roomsFrom = (rooms: readonly RoomSnapshot[], states: readonly RequiredState[]): Map<string, SentRoom> =>
  new Map(
    rooms.map(({ roomId, members, wishesAt, ...room }) => [
      roomId,
      {
        ...{ ...room, members: new Map(members) },
        requiredState: wishesAt === undefined ? undefined : states[wishesAt],
      },
    ]),
  )

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
    { serial, positions, rooms, unconfirmed = [], wishes = [] }: ConnectionSnapshot,
    newest: number,
    maker?: number,
  ): Connection {
    const connection = new Connection(serial, maker)
    const states = wishes.map(one => new RequiredState(one))
    connection.#positions = positions
    for (const [roomId, room] of roomsFrom(rooms, states)) connection.#rooms.set(roomId, room)
    connection.#unconfirmed = unconfirmed.map(one => ({ ...one, rooms: roomsFrom(one.rooms, states) }))
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
      unconfirmed: this.#unconfirmed.map(one => ({ ...one, rooms: roomsOf(one.rooms) })),
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

  /**
   * "The server cannot assume that a client has received a response until it receives a new request with the `pos` token set to
   * the `pos` it returned in the response." Answers whether the client may go on from there.
   */
  resume(serial: number): boolean {
    const confirmed = this.#unconfirmed.find(one => one.serial === serial)
    if (confirmed !== undefined) {
      this.#serial = serial
      this.#positions = confirmed.positions
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
  answer(base: number, positions: StreamToken, rooms: ReadonlyMap<string, SentRoom>): string {
    this.#newest += 1
    const serial = this.#newest
    if (base === this.#serial)
      this.#unconfirmed = [...this.#unconfirmed, { serial, positions, rooms }].slice(-MAX_UNCONFIRMED)
    const token = this.#maker === undefined ? positions : { ...positions, maker: this.#maker }
    return `${formatStreamToken(token)}.${SERIAL}${serial}`
  }
}

/** The serial number in a `pos`; `NaN` if there is none. */
export const serialOf = (pos: string): number => Number(new RegExp(`\\.${SERIAL}(\\d{1,15})$`).exec(pos)?.[1])
