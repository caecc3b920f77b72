import { serverNameOf } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { QueryRemoteAlias } from '../../rooms/directory.ts'
import { toClientError } from './client-errors.ts'

/** A user's profile as their server tells it: all of it, or one field. Throws `MatrixError` (`M_NOT_FOUND` …). */
export type QueryProfile = (userId: string, field?: string) => Promise<JsonObject>

/** Server-server API, "Querying for information": other servers' aliases and profiles, with errors for clients. */
export const remoteQueries = (
  federation: Pick<FederationClient, 'queryDirectory' | 'queryProfile'>,
): { queryAlias: QueryRemoteAlias; queryProfile: QueryProfile } => ({
  queryAlias: async (server, alias) => {
    try {
      const { roomId, servers } = await federation.queryDirectory(server, alias)
      // First the server that has just answered: it most likely knows a way into the room, and of the others only the first few
      // are asked, each of which may be gone for good.
      return { roomId, servers: [...new Set([server, ...servers])] }
    } catch (error) {
      throw toClientError(error)
    }
  },
  queryProfile: async (userId, field) => {
    try {
      return await federation.queryProfile(serverNameOf(userId), { userId, field })
    } catch (error) {
      throw toClientError(error)
    }
  },
})
