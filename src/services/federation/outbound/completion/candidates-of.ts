import { serverNameOf } from '../../../../core/ids.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { OutboundContext } from '../context.ts'
import type { Completion } from './course.ts'

/** No more servers than this are asked in one round. */
const MAX_CANDIDATES = 20

/** Whom to ask for a room's members: in each round the server that let us in, and others than in the round before. */
export const candidatesOf = (
  { core, permits }: OutboundContext,
  { servers }: Completion,
  head: RoomHead,
  round: number,
): string[] => {
  const known = [...servers, serverNameOf(head.room.creator), ...head.joinedHosts()]
  const able = [...new Set(known)].filter(
    server => server !== '' && server !== core.context.serverName && permits(server),
  )
  const others = able.slice(1)
  const from = (round * (MAX_CANDIDATES - 1)) % Math.max(1, others.length)
  return [...able.slice(0, 1), ...others.slice(from), ...others.slice(0, from)].slice(0, MAX_CANDIDATES)
}
