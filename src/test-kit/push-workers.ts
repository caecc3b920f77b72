import { silentLog } from '../core/log.ts'
import { AtMost } from '../network/at-most.ts'
import { PushWorker } from '../services/push/push-worker.ts'
import type { WorkerContext } from '../services/push/worker-context.ts'
import type { PushAction } from '../storage/push/push-action.ts'
import type { PusherRow } from '../storage/push/pushers.ts'
import { FakeClock } from './fake-clock.ts'

export const PUSHER = {
  ...{ userId: '@a:x', appId: 'app', pushkey: 'key', kind: 'http', updatedTs: 0 },
  ...{ data: '{"url":"https://gateway.test"}', eventPosition: 0, invitePosition: 0 },
} as PusherRow

interface PushedTo {
  readonly event_id?: string
  readonly counts?: { readonly unread?: number }
}

/** A worker whose user has more than enough that was never told. */
export const busyWorker = (parts: {
  one: () => PusherRow | undefined
  notify: (url: string, notification: PushedTo) => Promise<string[]>
  /** What is unread; 1, if not given. */
  badge?: () => number
  /** The last event that notifies. */
  upTo?: () => number
  clock?: FakeClock
  troubles?: WorkerContext['troubles']
  reached?: (at: { events: number }) => void
}) => {
  const {
    one,
    notify,
    badge = () => 1,
    upTo = () => 1_000,
    clock = new FakeClock(),
    troubles,
    reached,
  } = parts
  const context = {
    db: { position: upTo, commit: async () => ({ ok: true }) },
    gateway: { notify },
    pushers: {
      read: { one: async () => one() },
      write: { reached: (_: unknown, at: { events: number }) => reached?.(at) },
    },
    actions: {
      missedCalls: async () => 0,
      unreadAfter: async (_: string, { after, limit }: { after: number; limit: number }) =>
        Array.from({ length: Math.min(limit, upTo() - after) }, (__, index) => ({
          position: after + index + 1,
        })),
    },
    invitations: { someChanged: async () => ({ rows: [], upTo: upTo() }) },
    announcements: {
      ofEvent: async ({ position }: PushAction) => ({
        eventId: `$${position}`,
        content: {},
        actions: ['notify'],
      }),
    },
    unread: { badge: async () => badge() },
    ...{ counted: upTo, reading: new AtMost(1), troubles: troubles ?? { failed: () => undefined } },
    ...{ clock, log: silentLog, random: () => 0, closing: new AbortController().signal },
  } as unknown as WorkerContext
  return new PushWorker(context, PUSHER)
}
