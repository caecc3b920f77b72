import { MatrixError } from './errors.ts'
import { fitsBytes } from './ids.ts'
import type { JsonObject } from './json.ts'

/** In code points. Display names travel in every membership event. */
export const MAX_DISPLAYNAME_LENGTH = 256

/** In bytes, for the same reason. */
export const MAX_AVATAR_URL_BYTES = 1000

/**
 * Checks what a member event that a client has written calls somebody: in one room no longer than in all of them, and texts or
 * nothing, as the event's schema has it. Throws `M_BAD_JSON`, `M_INVALID_PARAM`.
 */
export const checkShownAs = ({ displayname: name = null, avatar_url: avatar = null }: JsonObject): void => {
  if ((name !== null && typeof name !== 'string') || (avatar !== null && typeof avatar !== 'string'))
    throw new MatrixError('M_BAD_JSON', 'displayname and avatar_url must be strings.')
  if (name !== null && [...name].length > MAX_DISPLAYNAME_LENGTH) throw displaynameTooLong()
  if (avatar !== null && !fitsBytes(avatar, MAX_AVATAR_URL_BYTES))
    throw new MatrixError('M_INVALID_PARAM', `avatar_url has at most ${MAX_AVATAR_URL_BYTES} bytes.`)
}

export const displaynameTooLong = (): MatrixError =>
  new MatrixError('M_INVALID_PARAM', `A display name has at most ${MAX_DISPLAYNAME_LENGTH} characters.`)
