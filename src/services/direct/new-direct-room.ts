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
    ...powersOf(settings.version, otherId),
    initialState: [],
    ...settings,
    creator: maker,
    isPublic: false,
    invite: [otherId],
    creationContent: { ...settings.creationContent, ...directContent(pair, generation) },
  }
}

/**
 * Both may do everything that there is to do in a room of two. Where creators stand above all levels (v12) the other does
 * so by a level, which lets the maker withdraw the invitation: from an equal nobody could.
 */
const powersOf = ({ auth }: RoomVersion, otherId: string): Pick<NewRoom, 'preset' | 'powerLevelOverride'> =>
  auth.privilegedCreators
    ? { preset: 'private_chat', powerLevelOverride: { users: { [otherId]: 100 } } }
    : { preset: 'trusted_private_chat', powerLevelOverride: {} }
