import type { QueryRemoteAlias } from '../../rooms/directory.ts'
import type { RemoteMemberships } from '../../rooms/ports.ts'
import type { OutboundContext } from './context.ts'
import { type QueryProfile, remoteQueries } from './queries.ts'
import { RemoteMembershipHandshakes } from './remote-memberships.ts'

/** What this server asks of other servers, and sends to them. */
export interface Outbound {
  readonly remote: RemoteMemberships
  /** Settles when no join of the room through another server is under way. */
  readonly joinsIdle: (roomId: string) => Promise<void>
  readonly queryAlias: QueryRemoteAlias
  readonly queryProfile: QueryProfile
}

export const createOutbound = (context: OutboundContext): Outbound => {
  const remote = new RemoteMembershipHandshakes(context)
  return {
    remote,
    joinsIdle: roomId => remote.joinsIdle(roomId),
    ...remoteQueries(context.federation),
  }
}
