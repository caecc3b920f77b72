import { localpartOf } from '../../core/ids.ts'
import type { Reader, SqlValue } from '../database.ts'
import type { PushAction } from './push-action.ts'

/**
 * Crowds: from this many users on whom an event notifies in the same way, it is not stored for each of them. A row for each lies in a
 * place of its own, so that ten thousand of them dirty ten thousand pages; those of a crowd are a hundred.
 */
export const CROWD = 500

/** A user is looked for among those of a bucket alone. So many rows are what a crowd takes. */
const BUCKETS = 128

/** Localparts that have no line feed in them: all that are given out. The few others get rows of their own. */
const PLAIN = /^[\w.=/+-]+$/

/** Where a user stands among those of a crowd. */
export interface CrowdPlace {
  readonly bucket: number
  /** As in the text of all who share the bucket. */
  readonly entry: string
}

/** A part of whom an event notifies, as it is stored. */
export interface CrowdRow extends Omit<PushAction, 'userId'> {
  readonly bucket: number
  /** Tells apart whom one event notifies in different ways. */
  readonly part: number
  readonly users: string
}

const NOWHERE: CrowdPlace = { bucket: -1, entry: '\n' }

/** Where a user of this server stands; in no bucket if they are never part of a crowd. */
export const placeInCrowd = (userId: string): CrowdPlace => {
  const localpart = localpartOf(userId)
  if (!PLAIN.test(localpart)) return NOWHERE
  // FNV-1a. It is stored, and so can never be another.
  let hash = 0x811c9dc5
  for (let i = 0; i < localpart.length; i++)
    hash = Math.imul(hash ^ localpart.charCodeAt(i), 0x01000193) >>> 0
  return { bucket: hash % BUCKETS, entry: `\n${localpart}\n` }
}

/** The users whose entries make up a text. */
export const usersOf = (text: string, serverName: string): string[] =>
  text.split('\n').flatMap(localpart => (localpart === '' ? [] : `@${localpart}:${serverName}`))

/** Parts notifications into those of crowds, and those of single users. @param crowd from how many users on */
export const crowdsIn = (
  actions: readonly PushAction[],
  crowd = CROWD,
): { readonly crowds: CrowdRow[]; readonly single: PushAction[] } => {
  if (actions.length < crowd) return { crowds: [], single: [...actions] }
  const alike = new Map<string, PushAction[]>()
  let last: PushAction[] = []
  for (const action of actions) {
    // Mostly those of one sort follow each other.
    if (last[0] === undefined || !isAlike(last[0], action)) {
      const key = `${action.position} ${action.highlight} ${action.actions}`
      last = alike.get(key) ?? []
      alike.set(key, last)
    }
    last.push(action)
  }
  const crowds: CrowdRow[] = []
  const single: PushAction[] = []
  let part = 0
  for (const some of alike.values()) {
    if (some.length < crowd) single.push(...some)
    else crowds.push(...bucketsOf(some, part++, single))
  }
  return { crowds, single }
}

const isAlike = (a: PushAction, b: PushAction): boolean =>
  a.position === b.position && a.highlight === b.highlight && a.actions === b.actions

const bucketsOf = (actions: readonly PushAction[], part: number, single: PushAction[]): CrowdRow[] => {
  const texts = new Map<number, string>()
  for (const action of actions) {
    const { bucket, entry } = placeInCrowd(action.userId)
    if (bucket === NOWHERE.bucket) single.push(action)
    else texts.set(bucket, `${texts.get(bucket) ?? '\n'}${entry.slice(1)}`)
  }
  const [first] = actions
  if (first === undefined) return []
  const { userId: _, ...shared } = first
  return [...texts].map(([bucket, users]) => ({ ...shared, bucket, part, users }))
}

const COLUMNS = 'room_nid, position, event_nid, thread_id, highlight, actions, ts'

/**
 * What notifies a user in a room, whether alone or in a crowd: a table like `push_actions`, but for `user_id`.
 *
 * @param also what else must hold, in terms of its columns; has its own parameters
 */
export const notifyingInRoom = ({ dialect }: Reader, also = ''): string =>
  `(SELECT ${COLUMNS}, dismissed FROM push_actions WHERE user_id = ? AND room_nid = ? ${also}
    UNION ALL SELECT ${COLUMNS}, 0 FROM crowd_actions
    WHERE room_nid = ? AND bucket = ? AND ${dialect.contains('users')} ${also})`

export const inRoomParameters = (
  userId: string,
  roomNid: number,
  also: readonly SqlValue[] = [],
): SqlValue[] => {
  const { bucket, entry } = placeInCrowd(userId)
  return [userId, roomNid, ...also, roomNid, bucket, entry, ...also]
}

/** The same for all rooms. Of a room that they have left nothing notifies a user. */
export const notifying = ({ dialect }: Reader, also = ''): string =>
  `(SELECT ${COLUMNS}, dismissed FROM push_actions WHERE user_id = ? ${also}
    UNION ALL SELECT ${COLUMNS}, 0 FROM crowd_actions
    WHERE room_nid IN (SELECT m.room_nid FROM memberships m WHERE m.user_id = ? AND m.membership = 'join')
      AND bucket = ? AND ${dialect.contains('users')} ${also})`

export const notifyingParameters = (userId: string, also: readonly SqlValue[] = []): SqlValue[] => {
  const { bucket, entry } = placeInCrowd(userId)
  return [userId, ...also, userId, bucket, entry, ...also]
}
