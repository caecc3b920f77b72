import type { RoomEvent } from '../../../core/event/event.ts'
import { serverNameOf } from '../../../core/ids.ts'
import { isServerAllowed, parseServerAcl } from '../../../core/server-acl.ts'
import { receiveRecommended } from '../../rooms/receive-recommended.ts'
import type { Received } from '../../rooms/received.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import { needsOthers } from './missing-events.ts'

type Judged = Exclude<Received, { outcome: 'missing' | 'unrecommended' }>

/**
 * Receives an event for which nobody gives what lies before it, if there may be no later one with which it could come: it shuts this
 * server out of the room, or puts one of its users out, so that it is told nothing any more; or one of the sender's own server, which
 * may have nobody in the room then, and there are servers that answer nothing about such rooms.
 * It is judged by the current state, and what its own auth events say: nobody can do by it what they could not do anyway.
 *
 * @returns `undefined` if it is another event, or its auth events are lacking: nothing has become of it then
 */
export const receiveShutOut = async (writer: RoomWriter, event: RoomEvent): Promise<Judged | undefined> => {
  if (!shutsOut(event, writer.context.serverName)) return undefined
  const received = await receiveRecommended(writer, event, { gapStays: true })
  return needsOthers(received) ? undefined : received
}

const shutsOut = ({ type, stateKey, sender, content }: RoomEvent, serverName: string): boolean => {
  if (stateKey === undefined) return false
  if (type === 'm.room.server_acl')
    return stateKey === '' && !isServerAllowed(parseServerAcl(content), serverName)
  const { membership } = content
  const isOut = membership === 'leave' || membership === 'ban'
  return (
    type === 'm.room.member' && isOut && [serverName, serverNameOf(sender)].includes(serverNameOf(stateKey))
  )
}
