import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { PresenceAnnouncer } from './presence-announcer.ts'
import type { PresenceStates } from './presence-states.ts'

/** Users whose rooms are read at once. */
const MAX_READ = 200

/**
 * The members of a room (nid) have come to be known, which no event says: of whom it is known how they are, and who are there, are
 * announced, unless they were seen there already.
 */
export const announceLearnt = async (
  roomNid: number,
  states: Pick<PresenceStates, 'entries'>,
  announcer: Pick<PresenceAnnouncer, 'told' | 'moved'>,
  { memberships }: Pick<RoomReaders, 'memberships'>,
): Promise<void> => {
  const known = [...states.entries()].map(([userId]) => userId)
  // What is being told of them may not have seen them there.
  await Promise.all(known.map(userId => announcer.told(userId)))
  for (let start = 0; start < known.length; start += MAX_READ) {
    const some = known.slice(start, start + MAX_READ)
    const rooms = await memberships.joinedRooms(some)
    const present = some.filter(userId => rooms.get(userId)?.has(roomNid))
    await Promise.all(present.map(userId => announcer.moved(userId, roomNid, true)))
  }
}

/**
 * Those of some users of another server who concern anybody here: who is in no room with ours would only take up room. Where members
 * are not known yet, all may be among them: their server tells of them as soon as somebody of ours comes.
 */
export const concerningHere = async (
  server: string,
  userIds: readonly string[],
  { memberships, partial }: Pick<RoomReaders, 'memberships' | 'partial'>,
): Promise<ReadonlySet<string>> => {
  const met = await memberships.joinedAmong(userIds)
  if (met.size === userIds.length) return met
  const isLacking = (await partial.allOpen()).some(({ servers }) => servers.includes(server))
  return isLacking ? new Set(userIds) : met
}
