import type { Hierarchy, PublicRooms, PublicRoomsQuery } from '../../network/federation/directory.ts'

export type {
  Hierarchy,
  HierarchyRoom,
  PublicRooms,
  PublicRoomsQuery,
} from '../../network/federation/directory.ts'

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
   * Asks servers in the room for the event closest to an instant (ms since 1970) and stores it, so that its context
   * can be read; `undefined` if nobody knows one.
   */
  eventByTimestamp(
    roomId: string,
    ask: { readonly ts: number; readonly dir: 'f' | 'b' },
  ): Promise<{ readonly eventId: string; readonly originServerTs: number } | undefined>
}
