import type { GroupAction, OwnAction } from '../../storage/push/push-action.ts'

/** How an event notifies somebody. */
export interface Notice {
  readonly highlight: boolean
  /** JSON text. */
  readonly actions: string
}

/** Users of one group of a room's listeners to whom an event is the same; nothing, without a notice. */
export interface Alike {
  readonly groupId: number
  readonly people: readonly { readonly userId: string }[]
  readonly notice: Notice | undefined
}

/** The event that is told of, and to whom it may be. */
export interface Occurrence
  extends Pick<GroupAction, 'roomNid' | 'position' | 'eventNid' | 'threadId' | 'ts'> {
  readonly sender: string
  /** The room's listeners, with the IDs of their groups. */
  readonly members: ReadonlyMap<string, number>
}

/**
 * Whom an event notifies: groups of its room's listeners, as it is the same to nearly all of a group, and exceptions from that.
 * How much there is of it does not depend on how many they are.
 */
export interface EventNotices extends Occurrence {
  readonly groups: ReadonlyMap<number, Notice>
  /** What it is to some of a group, where that is not what it is to the group. */
  readonly exceptions: ReadonlyMap<string, Notice | undefined>
}

/** How an event notifies a user; `undefined` if it does not. */
export const noticeOf = (
  { groups, exceptions, members, sender }: EventNotices,
  userId: string,
): Notice | undefined => {
  if (userId === sender) return undefined
  if (exceptions.has(userId)) return exceptions.get(userId)
  const groupId = members.get(userId)
  return groupId === undefined ? undefined : groups.get(groupId)
}

/** What of an event is said of groups, and what of single users. @param silenced who is not notified, whatever their rules say */
export const noticesOf = (
  occurrence: Occurrence,
  alike: readonly Alike[],
  silenced: ReadonlySet<string>,
): EventNotices => {
  const { sender, members } = occurrence
  const groups = new Map<number, Notice>()
  const exceptions = new Map<string, Notice | undefined>()
  for (const [groupId, classes] of Map.groupBy(alike, one => one.groupId)) {
    const common = isOnePerson(classes) ? undefined : mostOf(classes, silenced, sender)
    if (common !== undefined) groups.set(groupId, common)
    for (const { people, notice } of classes) {
      if (isSame(notice, common)) continue
      for (const { userId } of people) if (userId !== sender) exceptions.set(userId, notice)
    }
  }
  for (const userId of silenced) {
    const groupId = members.get(userId)
    if (groupId !== undefined && groups.has(groupId) && userId !== sender) exceptions.set(userId, undefined)
    else exceptions.delete(userId)
  }
  return { ...occurrence, groups, exceptions }
}

/**
 * Whoever has rules like nobody else is told of as a single user. It is a row either way; but whoever counts what is unread goes through the
 * rows of all groups of the room, which must not be as many as there are people.
 */
const isOnePerson = ([first, ...others]: readonly Alike[]): boolean =>
  others.length === 0 && first?.people.length === 1

/** What an event is to the most of a group. */
const mostOf = (
  classes: readonly Alike[],
  silenced: ReadonlySet<string>,
  sender: string,
): Notice | undefined => {
  const counts: { notice: Notice | undefined; count: number }[] = []
  for (const { people, notice } of classes) {
    const found = counts.find(one => isSame(one.notice, notice))
    const count = countOf(people, silenced, sender)
    if (found === undefined) counts.push({ notice, count })
    else found.count += count
  }
  const heard = counts.filter(({ notice, count }) => notice !== undefined && count > 0)
  const most = heard.reduce((max, one) => (one.count > max.count ? one : max), {
    notice: undefined,
    count: 0,
  })
  const unheard = counts.find(({ notice }) => notice === undefined)?.count ?? 0
  return most.count > unheard ? most.notice : undefined
}

/** How many of these are not silenced; where they are many more than those, about how many. */
const countOf = (people: Alike['people'], silenced: ReadonlySet<string>, sender: string): number =>
  people.length > 2 * silenced.size + 2
    ? people.length
    : people.filter(({ userId }) => userId !== sender && !silenced.has(userId)).length

const isSame = (a: Notice | undefined, b: Notice | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.highlight === b.highlight && a.actions === b.actions)

/** The same as it is stored. */
export const storedActions = (
  all: readonly EventNotices[],
): { readonly groups: GroupAction[]; readonly own: OwnAction[] } => {
  const groups: GroupAction[] = []
  const own: OwnAction[] = []
  for (const notices of all) {
    const { roomNid, position, eventNid, threadId, ts, sender } = notices
    const shared = { roomNid, position, eventNid, threadId, ts }
    for (const [groupId, notice] of notices.groups) groups.push({ ...shared, ...notice, groupId, sender })
    for (const [userId, notice] of notices.exceptions) {
      const isSilent = notice === undefined
      own.push({ ...shared, ...(notice ?? NOTHING), userId, isSilent })
    }
  }
  return { groups, own }
}

const NOTHING: Notice = { highlight: false, actions: '[]' }

/** Whom some events notify. */
export class NotifiedUsers {
  readonly #all: readonly EventNotices[]

  constructor(all: readonly EventNotices[]) {
    this.#all = all
  }

  /** Those of some users. */
  among(users: ReadonlyMap<string, unknown>): Set<string> {
    const found = new Set<string>()
    if (users.size === 0) return found
    for (const notices of this.#all) {
      const { members } = notices
      const [fewer, others] = members.size < users.size ? [members, users] : [users, members]
      for (const userId of fewer.keys())
        if (!found.has(userId) && others.has(userId) && noticeOf(notices, userId) !== undefined)
          found.add(userId)
    }
    return found
  }
}
