import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { JsonValue } from '../../core/json.ts'
import { searchTokens } from '../../core/search-text.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { RoomsContext } from './rooms-context.ts'

/** By what somebody is found in the user directory: the tokens of their ID and of their display name. */
export const userSearchText = (userId: string, name: JsonValue | undefined): string =>
  searchTokens(`${typeof name === 'string' ? name : ''} ${userId}`)
    .map(token => ` ${token}`)
    .join('')

/**
 * Lets somebody who is in a room now be found. Local users are found by their profile, which all may read: what one room calls
 * them would hide them from those who know them by their name. Of users elsewhere this server knows nothing but that.
 */
export const directoryStatements = async (
  { read, write, serverName }: Pick<RoomsContext, 'read' | 'write' | 'serverName'>,
  userId: string,
  { content }: Pick<RoomEvent, 'content'>,
): Promise<WriteStatement[]> => {
  const own = serverNameOf(userId) === serverName ? await read.userDirectory.profile(userId) : undefined
  const name = own === undefined ? content['displayname'] : own.displayname
  return write.userDirectory.put([{ userId, searchText: userSearchText(userId, name) }])
}
