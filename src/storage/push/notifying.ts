import type { SqlValue } from '../database.ts'

const COLUMNS = ['room_nid', 'position', 'event_nid', 'thread_id', 'highlight', 'actions', 'ts']
const OWN = COLUMNS.join(', ')
const OF_GROUP = COLUMNS.map(column => `g.${column}`).join(', ')

/** Up to where a whole room is read, whatever the thread. */
const readUpTo = (roomNid: string, userId: string): string =>
  `SELECT r.event_position FROM receipts r WHERE r.room_nid = ${roomNid} AND r.user_id = ${userId}
   AND r.type IN ('m.read', 'm.read.private') AND r.thread_id = ''`

/**
 * Up to where all of a group's notifications are read with the main timeline: as long as they kept nothing of threads since. Most rooms have
 * none, and many clients read them so.
 */
const readWithTimeline = `SELECT r.event_position FROM receipts r WHERE r.room_nid = m.room_nid AND r.user_id = m.user_id
   AND r.type IN ('m.read', 'm.read.private') AND r.thread_id = 'main'
   AND NOT EXISTS (SELECT 1 FROM group_actions t WHERE t.room_nid = m.room_nid AND t.thread_id <> 'main'
     AND t.position > m.since AND t.position <= r.event_position)`

/** What after the user came to be in a group has not to be looked at: what is certainly read, or is of before a position, a parameter. */
type Below = 'read' | 'read or before' | 'nothing'

/** What notifies the groups that a user belonged to when it came, but for what has a row of their own. */
const ofGroups = (which: string, also: string, below: Below): string => {
  const whole = `UNION ALL ${readUpTo('m.room_nid', 'm.user_id')}`
  const more = {
    read: `${whole} UNION ALL ${readWithTimeline}`,
    // That is mostly a moment ago: nothing is saved by a look for threads.
    'read or before': `${whole} UNION ALL SELECT ?`,
    nothing: '',
  }[below]
  // One of several bounds would be taken for the search, whichever it is.
  const since =
    more === '' ? 'm.since' : `(SELECT MAX(low.position) FROM (SELECT m.since AS position ${more}) low)`
  return `SELECT ${OF_GROUP}, 0 AS dismissed FROM group_members m JOIN group_actions g
      ON g.room_nid = m.room_nid AND g.position > ${since} AND g.position <= m.up_to AND g.group_id = m.group_id
    WHERE ${which} AND g.sender <> m.user_id AND NOT EXISTS (SELECT 1 FROM push_actions p
      WHERE p.user_id = m.user_id AND p.room_nid = g.room_nid AND p.position = g.position) ${also}`
}

/**
 * What notifies a user in a room and may not be read, whether they are notified alone or with the others of their group:
 * a table like `push_actions`, but for `user_id`.
 *
 * @param also what else must hold, in terms of `position`, `ts` and `highlight`; has its own parameters
 */
export const unreadInRoom = (also = ''): string =>
  `(SELECT ${OWN}, dismissed FROM push_actions WHERE user_id = ? AND room_nid = ? AND silent = 0
      AND position > COALESCE((SELECT MAX(t.event_position) FROM (${readUpTo('?', '?')}) t), 0) ${also}
    UNION ALL ${ofGroups('m.user_id = ? AND m.room_nid = ?', also, 'read')})`

export const unreadInRoomParameters = (
  userId: string,
  roomNid: number,
  also: readonly SqlValue[] = [],
): SqlValue[] => [userId, roomNid, roomNid, userId, ...also, userId, roomNid, ...also]

/** The same for all rooms, read or not. */
export const notifying = (also = ''): string => everywhere(also, 'nothing')

export const notifyingParameters = (userId: string, also: readonly SqlValue[] = []): SqlValue[] => [
  ...[userId, ...also],
  ...[userId, ...also],
]

/** The same without most of what is read of groups. */
export const unread = (also = ''): string => everywhere(also, 'read')

/** The same of what stands after a position. */
export const unreadAfter = (also = ''): string => everywhere(`AND position > ? ${also}`, 'read or before')

export const unreadAfterParameters = (
  userId: string,
  after: number,
  also: readonly SqlValue[] = [],
): SqlValue[] => [userId, after, ...also, after, userId, after, ...also]

const everywhere = (also: string, below: Below): string =>
  `(SELECT ${OWN}, dismissed FROM push_actions WHERE user_id = ? AND silent = 0 ${also}
    UNION ALL ${ofGroups('m.user_id = ?', also, below)})`
