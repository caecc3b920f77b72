import type { RoomHead } from './room-head.ts'

const FEW = 50_000
const TIMES = 4

/**
 * So many events the state of a room may have at another time than now, and its auth chain: many more than any that grew or
 * shrank while we missed it, and few enough for memory, whoever makes them up. Nothing is known where nobody here is in the room.
 */
export const mostOfState = (
  head: Pick<RoomHead, 'state' | 'hasHost'> | undefined,
  serverName: string,
): number | undefined => (head?.hasHost(serverName) === true ? FEW + TIMES * head.state.size : undefined)
