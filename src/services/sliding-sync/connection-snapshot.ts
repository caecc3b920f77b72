import type { StreamToken } from '../../core/stream-token.ts'
import type { OwedSnapshot } from './owed.ts'
import type { RequiredState, Wish } from './required-state.ts'
import type { SentRoom } from './sent-room.ts'

export type RoomSnapshot = Omit<SentRoom, 'members' | 'requiredState'> & {
  readonly roomId: string
  readonly members: readonly (readonly [userId: string, nid: number])[]
  /** Which of the snapshot's `wishes` its state was sent by. */
  readonly wishesAt: number | undefined
}

/** A connection as JSON, without what can be read again. */
export interface ConnectionSnapshot {
  readonly version: typeof VERSION
  readonly openedAt: number
  readonly serial: number
  readonly generation: number
  readonly positions: StreamToken
  readonly rooms: readonly RoomSnapshot[]
  readonly owed: OwedSnapshot
  readonly doubtfulSince?: StreamToken | undefined
  /** The client has taken no answer since it was read from the database. */
  readonly wasStored?: boolean
  readonly unconfirmed: readonly {
    readonly serial: number
    readonly positions: StreamToken
    readonly rooms: readonly RoomSnapshot[]
    readonly owed: OwedSnapshot
  }[]
  /** Each once: most rooms are sent by the same, and it is most of what there is to say of them. */
  readonly wishes: readonly (readonly Wish[])[]
}

/** Grows with each change of what is above: what another version of this program has stored is not read. */
export const VERSION = 1

/** What is larger as JSON, though it says nothing of members, is neither handed over nor stored: its client begins anew. */
const MAX_SIZE = 1_000_000

/** A connection's snapshot, and the same as text; without members where there are very many, `undefined` where it is too large all the same. */
export const bearable = (connection: {
  snapshot(options: { readonly withMembers: boolean }): ConnectionSnapshot
}): { readonly snapshot: ConnectionSnapshot; readonly text: string } | undefined => {
  for (const withMembers of [true, false]) {
    const snapshot = connection.snapshot({ withMembers })
    const text = JSON.stringify(snapshot)
    if (text.length <= MAX_SIZE) return { snapshot, text }
  }
  return undefined
}

/** A snapshot that was stored; `undefined` if another version of this program did it. */
export const readSnapshot = (text: string): ConnectionSnapshot | undefined => {
  const snapshot = JSON.parse(text) as ConnectionSnapshot
  return snapshot.version === VERSION ? snapshot : undefined
}

/** @param all what the rooms' state was sent by, by its key; what is new is added */
export const snapshotOf = (
  rooms: ReadonlyMap<string, SentRoom>,
  all: Map<string, { readonly at: number; readonly wishes: readonly Wish[] }>,
): RoomSnapshot[] =>
  [...rooms].map(([roomId, { members, requiredState, ...room }]) => {
    const known =
      requiredState && (all.get(requiredState.key) ?? { at: all.size, wishes: requiredState.wishes })
    if (requiredState !== undefined && known !== undefined) all.set(requiredState.key, known)
    return { ...room, roomId, members: [...members], wishesAt: known?.at }
  })

export const roomsFrom = (
  rooms: readonly RoomSnapshot[],
  states: readonly RequiredState[],
): Map<string, SentRoom> =>
  new Map(
    rooms.map(({ roomId, members, wishesAt, ...room }) => [
      roomId,
      {
        ...{ ...room, members: new Map(members) },
        requiredState: wishesAt === undefined ? undefined : states[wishesAt],
      },
    ]),
  )
