import { MatrixError } from '../core/errors.ts'
import { isRoomAlias, isRoomId } from '../core/ids.ts'
import type { DeletionOrder, DeletionStatus } from '../services/administration/room-deletion.ts'
import { checkNewRoomUser } from '../services/administration/room-shutdown.ts'
import type { Services } from '../services/index.ts'
import type { Operations } from '../spec/types.ts'

type DeletionBody = Operations['adminDeleteRoom']['body']

/** What is asked to become of a room. @throws {MatrixError} `M_INVALID_PARAM`, `M_NOT_FOUND`: who shall make a new room */
export const deletionOf = async (
  body: DeletionBody,
  { accounts, roomSettings }: Pick<Services, 'accounts' | 'roomSettings'>,
): Promise<DeletionOrder> => {
  const { new_room_user_id: newRoomUserId, room_name: roomName, message } = body
  checkNewRoomUser(newRoomUserId, roomSettings.serverName)
  if (newRoomUserId !== undefined && (await accounts.find(newRoomUserId)) === undefined)
    throw new MatrixError('M_NOT_FOUND', 'The user was not found')
  return {
    newRoomUserId,
    roomName,
    message,
    block: body.block ?? false,
    purge: body.purge ?? true,
    forcePurge: body.force_purge ?? false,
  }
}

/** How far the deletion of a room is, as it is answered. */
export const deletionStatus = ({ deleteId, roomId, status, shutdown, error }: DeletionStatus) => ({
  delete_id: deleteId,
  room_id: roomId,
  status,
  shutdown_room: shutdown,
  ...(error === undefined ? {} : { error }),
})

/** The ID of a room that is named by it or by an alias. @throws {MatrixError} `M_INVALID_PARAM`, `M_NOT_FOUND` */
export const roomNamed = async (
  name: string,
  { directory }: Pick<Services, 'directory'>,
): Promise<{ readonly roomId: string; readonly servers: readonly string[] }> => {
  if (!isRoomId(name) && !isRoomAlias(name))
    throw new MatrixError('M_INVALID_PARAM', `${name} is neither a room ID nor an alias`)
  return directory.roomOf(name)
}

/** @throws {MatrixError} `M_INVALID_PARAM` */
export const checkRoomId = (roomId: string): void => {
  if (!isRoomId(roomId)) throw new MatrixError('M_INVALID_PARAM', `${roomId} is no room ID`)
}
