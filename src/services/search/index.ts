import type { RoomCore, RoomServices } from '../rooms/index.ts'
import { MessageSearch } from './message-search.ts'
import { type DirectorySettings, UserDirectory } from './user-directory.ts'

/** How messages and people are found. */
export interface SearchServices {
  readonly messageSearch: MessageSearch
  readonly userDirectory: UserDirectory
}

/** Builds search over the room services. */
export const createSearch = (
  { context, views, clientEvents }: RoomCore,
  { roomReading }: Pick<RoomServices, 'roomReading'>,
  directory?: DirectorySettings,
): SearchServices => ({
  messageSearch: new MessageSearch({ read: context.read, views, clientEvents, roomReading }),
  userDirectory: new UserDirectory(context.read, directory),
})
