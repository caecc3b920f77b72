import { directContent, otherOf, type Pair } from '../../core/direct-rooms.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { NewRoom } from '../rooms/room-templates.ts'

type OwnSettings = Partial<Omit<NewRoom, 'creator' | 'invite' | 'isPublic'>>

/** What a room of two that has to be made first is made like, and what whoever opens one may do. */
export type DirectRoomSettings = OwnSettings & {
  /** Throws where the user may make none. */
  readonly beforeMaking?: () => void
  /** The user is to reach nobody, without their knowing: the other is said to be invited, and is not. */
  readonly isUnheard?: boolean
}

/** What is asked of the room that one of a pair makes: its create event says whose it is, and which of theirs. */
export const newDirectRoom = (
  { pair, generation, maker }: { pair: Pair; generation: number; maker: string },
  settings: OwnSettings & { readonly version: RoomVersion },
): NewRoom => {
  const otherId = otherOf(pair, maker)
  return {
    ...powersAmong(settings.version, [otherId]),
    initialState: [],
    ...settings,
    creator: maker,
    isPublic: false,
    invite: [otherId],
    creationContent: { ...settings.creationContent, ...directContent(pair, generation) },
  }
}

/**
 * All may do everything that there is to do among a few people. Where creators stand above all levels (v12) the others do so by a level,
 * which lets the maker withdraw their invitations: from an equal nobody could.
 */
export const powersAmong = (
  { auth }: RoomVersion,
  others: readonly string[],
): Pick<NewRoom, 'preset' | 'powerLevelOverride'> =>
  auth.privilegedCreators
    ? {
        preset: 'private_chat',
        powerLevelOverride: { users: Object.fromEntries(others.map(userId => [userId, 100])) },
      }
    : { preset: 'trusted_private_chat', powerLevelOverride: {} }
