import type { JsonObject } from '../../core/json.ts'
import type { RoomHead } from './room-head.ts'

/** The content of a member event beside `membership`: what was asked for, with the reason. */
export const withReason = ({
  reason,
  content = {},
}: {
  readonly reason?: string | undefined
  readonly content?: JsonObject
}): JsonObject => ({
  ...content,
  ...(reason === undefined ? {} : { reason }),
})

/** The other servers in a room. */
export const othersIn = (head: RoomHead, serverName: string): string[] =>
  head.joinedHosts().filter(host => host !== serverName)
