import type { Reader } from '../../storage/database.ts'
import type { RoomReader } from '../../storage/rooms/rooms.ts'
import type { Ephemeral } from '../ephemeral/index.ts'
import type { Follower, Notifier } from './notifier.ts'
import { PresenceStream } from './presence-stream.ts'
import { ReceiptsStream } from './receipts-stream.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncSource } from './sync-source.ts'
import { TypingStream } from './typing-stream.ts'

/** The streams of what passes, and how they wake who waits. */
export interface EphemeralStreams {
  readonly sources: readonly SyncSource[]
  readonly followers: readonly Follower[]
  wakeBy(notifier: Notifier): void
}

/** Connects typing, receipts and presence with `/sync`, and them with what it knows of who comes and goes. */
export const connectEphemeral = (parts: {
  ephemeral: Ephemeral
  db: Reader
  watch: RoomWatch
  rooms: RoomReader
}): EphemeralStreams => {
  const { ephemeral, watch } = parts
  const { typing, presence } = ephemeral.services
  const receipts = new ReceiptsStream(parts)
  watch.onMember = (userId, roomNid, cameIn) => {
    ephemeral.memberChanged(userId, roomNid)
    if (cameIn !== undefined) presence.welcome(userId, roomNid, cameIn)
  }
  watch.onCompleted = roomNid => ephemeral.roomCompleted(roomNid)
  return {
    sources: [receipts, new TypingStream({ ...parts, typing }), new PresenceStream(presence, watch)],
    followers: [receipts],
    wakeBy: notifier => {
      typing.onChange(roomNid => notifier.wake(watch.usersIn(roomNid)))
      presence.states.onAnnouncement(({ userId, rooms }) => {
        const concerned = new Set([userId])
        for (const roomNid of rooms) for (const other of watch.usersIn(roomNid)) concerned.add(other)
        notifier.wake(concerned)
      })
    },
  }
}
