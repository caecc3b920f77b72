import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'

/**
 * "Homeservers SHOULD reject `m.room.message` events which don't have a `msgtype` key, or which don't have a textual `body`
 * key, with an HTTP status code of 400" (module "Instant Messaging", "Server behaviour"). Throws `M_BAD_JSON`.
 */
export const checkMessageContent = (type: string, content: JsonObject): void => {
  if (type !== 'm.room.message') return
  for (const key of ['msgtype', 'body'])
    if (typeof content[key] !== 'string')
      throw new MatrixError('M_BAD_JSON', `The ${key} of a message must be a string`)
}
