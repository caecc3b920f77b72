import { object } from './api.ts'
import type { Room } from './room.ts'

/** What somebody may do to others in a room. */
export type Deed = 'kick' | 'ban'

const level = (value: unknown): number | undefined =>
  typeof value === 'number' || (typeof value === 'string' && /^\s*-?\d+\s*$/.test(value))
    ? Number(value)
    : undefined

/** Whoever made a room of version 12 or later, and whom they named then, stand above everybody. */
const isAbove = (room: Room, userId: string): boolean => {
  const { room_version: version, additional_creators: others } = room.state('m.room.create')
  if (!(Number(version) >= 12)) return false
  return userId === room.creator || (Array.isArray(others) && others.includes(userId))
}

/** How much somebody has to say in a room (client-server API, `m.room.power_levels`). */
export const powerOf = (room: Room, userId: string): number => {
  if (isAbove(room, userId)) return Number.POSITIVE_INFINITY
  if (!room.has('m.room.power_levels')) return userId === room.creator ? 100 : 0
  const { users, users_default: others } = room.state('m.room.power_levels')
  return level(object(users)[userId]) ?? level(others) ?? 0
}

/** Whether somebody may put another out of a room; to lift a ban takes both. */
export const mayPutOut = (room: Room, by: string, whom: string, deed: Deed): boolean => {
  const own = powerOf(room, by)
  return own >= (level(room.state('m.room.power_levels')[deed]) ?? 50) && own > powerOf(room, whom)
}
