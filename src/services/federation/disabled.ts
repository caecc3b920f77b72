import { MatrixError } from '../../core/errors.ts'
import type { QueryRemoteAlias } from '../rooms/directory.ts'
import type { RemoteMemberships } from '../rooms/ports.ts'
import type { FetchHistory } from '../rooms/room-history.ts'

const refuse = async (): Promise<never> => {
  throw new MatrixError('M_FORBIDDEN', 'This server does not talk to other servers')
}

/** What stands in for other servers where federation is switched off: nobody is there, and nobody is let in. */
export const disabledFederation: {
  readonly remote: RemoteMemberships
  readonly queryAlias: QueryRemoteAlias
  readonly fetchHistory: FetchHistory
  readonly verifyRequest: () => Promise<void>
} = {
  remote: { join: refuse, leave: refuse, knock: refuse, invite: refuse },
  queryAlias: refuse,
  fetchHistory: async () => false,
  verifyRequest: refuse,
}
