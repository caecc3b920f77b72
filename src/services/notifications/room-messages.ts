import type { NotificationFact, NotificationKind } from '../../storage/notifications/notifications.ts'
import type { UnreadMessage } from '../../storage/notifications/unread-messages.ts'
import { notificationId } from './subjects.ts'

/** Messages of one room that stand for themselves; beyond that they are one entry with a count. */
export const MAX_SINGLE = 3
/** The newest mentions of a room that stand for themselves. */
export const MAX_MENTIONS = 10
/** So many of the newest unread messages have to be looked at to know all that. */
export const MESSAGES_READ = 30

/** An unread message with what its event says. */
export interface KnownMessage extends UnreadMessage {
  readonly eventId: string
  readonly type: string
  readonly sender: string
}

/**
 * What should be in a user's inbox about the messages of one room, from the newest of those that they have not read and
 * how many these are: mentions and a call each for itself, other messages for themselves as long as they are few. All
 * entries together stand for exactly `count` messages.
 */
export const messageFacts = (
  { userId, roomId }: { readonly userId: string; readonly roomId: string },
  { newest, count }: { readonly newest: readonly KnownMessage[]; readonly count: number },
): NotificationFact[] => {
  const mentions = newest.filter(message => message.highlight).slice(0, MAX_MENTIONS)
  const calls = newest.filter(message => !message.highlight && isCall(message)).slice(0, 1)
  const alone = new Set([...mentions, ...calls])
  const others = newest.filter(message => !alone.has(message))
  const rest = count - alone.size
  const fact = (message: KnownMessage, kind: NotificationKind, stands = 1): NotificationFact => ({
    userId,
    id: notificationId(
      userId,
      stands > 1 ? { about: 'messages', roomId } : { about: 'event', eventId: message.eventId },
    ),
    kind,
    roomId,
    sender: message.sender,
    eventId: message.eventId,
    eventPosition: message.position,
    count: stands,
    details: {},
    ts: message.ts,
  })
  const [latest] = others
  const messages =
    rest > MAX_SINGLE && latest !== undefined
      ? [fact(latest, 'message', rest)]
      : others.map(message => fact(message, 'message'))
  return [
    ...mentions.map(message => fact(message, 'mention')),
    ...calls.map(message => fact(message, 'call')),
    ...messages,
  ]
}

const isCall = ({ type }: KnownMessage): boolean => type === 'm.call.invite'
