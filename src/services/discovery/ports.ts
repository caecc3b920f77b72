import type { Hierarchy, PublicRooms, PublicRoomsQuery } from '../../network/federation/directory.ts'
import type { ReachBack } from '../federation/outbound/history/reach-back.ts'

export type {
  Hierarchy,
  HierarchyRoom,
  PublicRooms,
  PublicRoomsQuery,
} from '../../network/federation/directory.ts'
export type { Instant } from '../federation/outbound/history/reach-back.ts'

/** What is asked of other servers about rooms that nobody here is in. */
export interface RemoteDiscovery {
  /** A page of a server's room directory. Throws `MatrixError` for the client if that server does not give it. */
  publicRooms(server: string, query: PublicRoomsQuery): Promise<PublicRooms>
  /** A room, and the rooms in it if it is a space, from the first of these servers that answers. */
  hierarchy(
    servers: readonly string[],
    ask: { readonly roomId: string; readonly suggestedOnly: boolean },
  ): Promise<Hierarchy | undefined>
  /**
   * Fetches a room's history back to the event that servers in the room have closest to an instant, so that it can be read
   * with what surrounds it. Answers whether any came.
   */
  readonly reachBack: ReachBack
}
