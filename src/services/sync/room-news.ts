import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Sight } from '../rooms/room-sight.ts'
import type { StateNews } from './room-state.ts'
import type { Place } from './room-timeline.ts'
import type { RoomExtras } from './sync-source.ts'

/** A room that the user is in. */
export interface JoinedNews extends StateNews {
  readonly place: Place
  /** What other streams have to say about it; the section is then wanted even if there is no event to tell. */
  readonly extras: RoomExtras | undefined
  /** All members have come to be known, and with them how many there are. */
  readonly isNewlyComplete?: boolean
}

/** A room that the user was in, or was invited to. */
export interface LeftNews {
  readonly roomNid: number
  readonly roomId: string
  readonly sight: Sight
  /** The stretch in which they were in it, as far as it is to be told. */
  readonly span: { readonly after: number | undefined; readonly upTo: number } | undefined
  /** Their own latest member event. */
  readonly own: StoredEvent | undefined
  readonly extras: RoomExtras | undefined
}
