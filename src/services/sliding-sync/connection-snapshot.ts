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
  readonly serial: number
  readonly positions: StreamToken
  readonly rooms: readonly RoomSnapshot[]
  readonly owed?: OwedSnapshot
  readonly unconfirmed?: readonly {
    readonly serial: number
    readonly positions: StreamToken
    readonly rooms: readonly RoomSnapshot[]
    readonly owed?: OwedSnapshot
  }[]
  /** Each once: most rooms are sent by the same, and it is most of what there is to say of them. */
  readonly wishes?: readonly (readonly Wish[])[]
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
