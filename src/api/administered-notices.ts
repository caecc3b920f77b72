import { MatrixError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Services } from '../services/index.ts'
import type { Operations } from '../spec/types.ts'

/**
 * Writes to a user in the name of the server. @throws {MatrixError} `M_UNKNOWN` (400): nobody is named who writes; `M_INVALID_PARAM`,
 * and as `ServerNotices.write`
 */
export const sendNotice = async (
  body: Operations['adminSendServerNotice']['body'],
  { accounts, serverNotices }: Services,
  transaction?: { readonly by: string; readonly txnId: string },
): Promise<{ event_id: string }> => {
  if (serverNotices === undefined)
    throw new MatrixError('M_UNKNOWN', 'Set server_notices.localpart first', { status: 400 })
  if (!accounts.isLocalUser(body.user_id))
    throw new MatrixError('M_INVALID_PARAM', 'This is no user of this server')
  const { user_id: userId, type = 'm.room.message', state_key: stateKey, content } = body
  const event = { type, stateKey, content: content as JsonObject }
  return { event_id: await serverNotices.write(userId, event, transaction) }
}
