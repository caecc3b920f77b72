import type { RequiredState } from './required-state.ts'

/** By what counts change without an event: what the user reads, and whom they ignore. */
export const RECOUNTING = ['receipts', 'account_data'] as const
export type RecountingStream = (typeof RECOUNTING)[number]

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
  /** The client may have been told more than this: if something has happened there since, it is sent the room anew. */
  readonly isDoubtful?: boolean
  /** Of users whose member events were sent: which. */
  readonly members: ReadonlyMap<string, number>
}

/** What rooms take of memory: as in `Connection.weight`. */
export const weightOf = (rooms: ReadonlyMap<string, SentRoom>): number =>
  [...rooms.values()].reduce((sum, { members }) => sum + 1 + Math.ceil(members.size / 2), 0)
