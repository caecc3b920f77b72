import type { RoomEvent } from '../../core/event/event.ts'
import { searchTokens } from '../../core/search-text.ts'

/** By what somebody is found in the user directory: the tokens of their ID and of what a member event calls them. */
export const userSearchText = (userId: string, member: Pick<RoomEvent, 'content'> | undefined): string => {
  const name = member?.content['displayname']
  return searchTokens(`${typeof name === 'string' ? name : ''} ${userId}`)
    .map(token => ` ${token}`)
    .join('')
}
