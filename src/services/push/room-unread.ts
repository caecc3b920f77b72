import { isEventId } from '../../core/ids.ts'
import { MAIN_TIMELINE } from '../../core/relations.ts'
import type { PushAction, ThreadCount } from '../../storage/push/push-actions.ts'
import type { Reading } from '../../storage/push/push-source.ts'

/** `unread_notifications` of `/sync`. */
export interface UnreadCount {
  readonly notification_count: number
  readonly highlight_count: number
}

/** What is unread in a room. */
export interface RoomUnread {
  /** All threads and the main timeline together. */
  readonly total: UnreadCount
  readonly main: UnreadCount
  /** By the ID of the root; threads without anything are left out. */
  readonly threads: ReadonlyMap<string, UnreadCount>
}

/** The counts of a user in a room, with what tells whether another notification adds to them. */
export interface KnownCounts {
  readonly unread: RoomUnread
  /** Of the notifications that are counted, read or not. */
  readonly newest: number
  /** The furthest receipt, whatever its thread. */
  readonly readUpTo: number
  /** The last reading that the counts were lowered by. */
  readonly lastReading?: Reading
}

const NOTHING: UnreadCount = { notification_count: 0, highlight_count: 0 }

/** Counts as they are stored. */
export const roomUnread = (rows: readonly ThreadCount[]): RoomUnread => {
  const threads = new Map(
    rows.map(({ threadId, notifications, highlights }) => [
      threadId,
      { notification_count: notifications, highlight_count: highlights },
    ]),
  )
  const total = [...threads.values()].reduce(sum, NOTHING)
  const main = threads.get(MAIN_TIMELINE) ?? NOTHING
  // Earlier versions have taken anything for the ID of a thread.
  const named = new Map([...threads].filter(([threadId]) => isEventId(threadId)))
  return { total, main, threads: named }
}

/** With one more. */
export const raised = (
  { total, main, threads }: RoomUnread,
  { threadId, highlight }: Pick<PushAction, 'threadId' | 'highlight'>,
): RoomUnread => {
  const one = { notification_count: 1, highlight_count: highlight ? 1 : 0 }
  if (threadId === MAIN_TIMELINE) return { total: sum(total, one), main: sum(main, one), threads }
  const thread = sum(threads.get(threadId) ?? NOTHING, one)
  return { total: sum(total, one), main, threads: new Map(threads).set(threadId, thread) }
}

/** After a receipt; `undefined` where it has to be counted what is left. */
export const lowered = (known: KnownCounts, reading: Reading): KnownCounts | undefined => {
  const { threadId, eventPosition } = reading
  const { lastReading, newest } = known
  if (eventPosition === undefined) return undefined
  if (threadId === lastReading?.threadId && eventPosition <= (lastReading.eventPosition ?? 0)) return known
  if (eventPosition < newest) return undefined
  const readUpTo = Math.max(known.readUpTo, eventPosition)
  return { unread: without(known.unread, threadId), newest, readUpTo, lastReading: reading }
}

/** With a thread read to its end, or all of them. */
const without = ({ main, threads }: RoomUnread, threadId: string): RoomUnread => {
  const left = new Map(threadId === '' ? [] : threads)
  left.delete(threadId)
  const mainLeft = threadId === '' || threadId === MAIN_TIMELINE ? NOTHING : main
  return { total: [...left.values()].reduce(sum, mainLeft), main: mainLeft, threads: left }
}

const sum = (a: UnreadCount, b: UnreadCount): UnreadCount => ({
  notification_count: a.notification_count + b.notification_count,
  highlight_count: a.highlight_count + b.highlight_count,
})
