import type { SentRoom } from './sent-room.ts'

/** A room as it is told, and what is remembered of that. */
export interface ToldRoom {
  readonly text: string
  readonly sent: SentRoom
  /** The nids of the events in its timeline. */
  readonly timeline: ReadonlySet<number>
  /** Of a room that the user is in, where it matters: whose member events it is told with, or who speaks in it. */
  readonly people?: ReadonlySet<string> | undefined
}
