/** What everybody may see of a conversation, worked out from the whole of it by the letter of the specification. */
import type { RoomReaders } from '../storage/rooms/index.ts'

/** An event of a room, in the order in which the server has them. */
export interface LoggedEvent {
  readonly eventId: string
  readonly type: string
  readonly sender: string
  readonly stateKey: string | undefined
  readonly content: Readonly<Record<string, unknown>>
}

/** All events of a room, oldest first. */
export const logOf = async (read: RoomReaders, roomId: string): Promise<LoggedEvent[]> => {
  const room = await read.rooms.byId(roomId)
  const range = { roomNid: room?.nid ?? 0, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }
  return (await read.events.forwards(range)).map(({ event }) => ({
    eventId: event.eventId,
    type: event.type,
    sender: event.sender,
    stateKey: event.stateKey,
    content: event.content,
  }))
}

/** What a user has of one event. */
export interface Seen {
  readonly event: LoggedEvent
  readonly isVisible: boolean
  /** The user's membership after it; `leave` before there was any. */
  readonly membership: string
}

const isMemberEvent = (event: LoggedEvent, userId: string): boolean =>
  event.type === 'm.room.member' && event.stateKey === userId

/** Goes through a log as one user, at the end of it. */
export const asSeenBy = (userId: string, log: readonly LoggedEvent[]): Seen[] => {
  let visibility = 'shared'
  let membership = 'none'
  return log.map((event, index) => {
    const [visibilityBefore, membershipBefore] = [visibility, membership]
    if (event.type === 'm.room.history_visibility') visibility = String(event.content['history_visibility'])
    if (isMemberEvent(event, userId)) membership = String(event.content['membership'])
    // "The user joined the room at any point after the event was sent": a join that comes later, or one that lasts.
    const joinsLater = log
      .slice(index)
      .some(later => isMemberEvent(later, userId) && later.content['membership'] === 'join')
    const joinedSince = joinsLater || membership === 'join'
    const isVisible = [visibilityBefore, visibility].some(rule =>
      [membershipBefore, membership].some(
        place =>
          rule === 'world_readable' ||
          place === 'join' ||
          (rule === 'shared' && joinedSince) ||
          (rule === 'invited' && place === 'invite'),
      ),
    )
    return { event, isVisible, membership: membership === 'none' ? 'leave' : membership }
  })
}

/** The state at the end of a log: event IDs by type and state key. */
export const stateAtEnd = (log: readonly LoggedEvent[]): Map<string, string> =>
  new Map(
    log
      .filter(event => event.stateKey !== undefined)
      .map(event => [`${event.type} ${event.stateKey}`, event.eventId]),
  )

/** Whether a user is in the room at the end of a log, and the index behind all that happened while they last were. */
export const stayOf = (userId: string, log: readonly LoggedEvent[]): { isJoined: boolean; end: number } => {
  let end = 0
  let isJoined = false
  for (const [index, event] of log.entries()) {
    if (!isMemberEvent(event, userId)) continue
    const joins = event.content['membership'] === 'join'
    if (isJoined && !joins) end = index + 1
    isJoined = joins
  }
  return { isJoined, end: isJoined ? log.length : end }
}
