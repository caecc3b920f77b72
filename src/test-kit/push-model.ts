/** What happens to what people have unread, as a plain model knows it. */
import { KEYWORD, USERS, type User } from './push-steps.ts'

/** Something that a user was notified of. */
export interface Notification {
  readonly eventId: string
  readonly thread: string
  readonly highlight: boolean
  readonly isRead: boolean
}

/** What users have set for all rooms. */
export class Tastes {
  /** Who wants to hear of a word. */
  readonly listening = new Set<User>()
  /** Whom each wants to hear nothing of, or does not want to know of at all. */
  readonly hushed = new Map<User, Set<User>>(USERS.map(user => [user, new Set()]))
  readonly ignored = new Map<User, Set<User>>(USERS.map(user => [user, new Set()]))

  /** Whether a message notifies a user, and by a highlight; `undefined`: not at all. The rules, one after the other. */
  judge(
    user: User,
    message: { sender: User; mentions: readonly string[]; body: string },
    isMuted: boolean,
  ): boolean | undefined {
    const { sender, mentions, body } = message
    if (user === sender || this.ignored.get(user)?.has(sender) === true) return undefined
    if (mentions.includes(user)) return true
    if (this.listening.has(user) && body === KEYWORD) return true
    return isMuted || this.hushed.get(user)?.has(sender) === true ? undefined : false
  }
}

/** An event as the model knows it; its index is its place in the timeline. */
export interface Said {
  readonly eventId: string
  readonly sender: User
  readonly thread: string
  /** Relates to another. */
  readonly isChild: boolean
  readonly hops: number
  /** Whom it notified when it came: `highlight` or not. */
  readonly notified: ReadonlyMap<User, boolean>
  redacted: boolean
}

/** A room, what happened there, and what should be unread, counted anew each time. */
export class Model {
  readonly said: Said[] = []
  readonly here = new Set<User>(USERS)
  readonly muted = new Set<User>()
  /** Where each user last came in. */
  readonly cameAt = new Map<User, number>()
  readonly receipts: { user: User; thread: string; at: number }[] = []
  /** What came before this one is so old that it may be gone where it was read. */
  agedUpTo = 0

  /** What must be listed, and not only may be. */
  isKept({ eventId, isRead }: Notification): boolean {
    return !isRead || this.said.findIndex(one => one.eventId === eventId) >= this.agedUpTo
  }

  /** What is listed for a user, newest first. */
  notifications(user: User): Notification[] {
    if (!this.here.has(user)) return []
    const listed: Notification[] = []
    for (const [index, { eventId, thread, redacted, notified }] of this.said.entries()) {
      const highlight = notified.get(user)
      if (highlight === undefined || redacted || index < (this.cameAt.get(user) ?? 0)) continue
      const isRead = this.receipts.some(
        receipt =>
          receipt.user === user &&
          receipt.at >= index &&
          (receipt.thread === '' || receipt.thread === thread),
      )
      listed.unshift({ eventId, thread, highlight, isRead })
    }
    return listed
  }

  unread(user: User): string {
    const counts = new Map<string, [number, number]>()
    for (const { thread, highlight, isRead } of this.notifications(user)) {
      if (isRead) continue
      const [all, high] = counts.get(thread) ?? [0, 0]
      counts.set(thread, [all + 1, high + (highlight ? 1 : 0)])
    }
    return [...counts]
      .map(([thread, [all, high]]) => `${thread} ${all}/${high}`)
      .toSorted()
      .join(', ')
  }
}
