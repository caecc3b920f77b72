import { silentLog } from '../core/log.ts'
import { createRoomSync, type SyncStreams } from '../services/sync/room-sync.ts'
import type { Sync, SyncQuery } from '../services/sync/sync.ts'
import type { Database } from '../storage/database.ts'
import type { SyncBody } from './people.ts'
import { requesterOf, type TestRooms } from './rooms.ts'

export interface TestSync {
  readonly sync: Sync
  /** What other dialects are built over. */
  readonly streams: SyncStreams
  /** Asks as a user, without waiting. */
  ask(userId: string, query?: Partial<SyncQuery>): Promise<SyncBody>
  close(): void
}

const NEVER = { position: () => 0, rooms: () => [] }

/**
 * `/sync` of rooms, invitations and account data over test rooms.
 *
 * @param horizon how far it follows the stream of events, if not as far as there is
 */
export const testSync = (
  { core, clock }: Pick<TestRooms, 'core' | 'clock'>,
  database: Database,
  horizon: () => number = () => Number.MAX_SAFE_INTEGER,
): TestSync => {
  const { sync, notifier, streams } = createRoomSync(
    {
      core,
      database,
      clock,
      log: silentLog,
      storedFilter: () => Promise.reject(new Error('none is stored')),
    },
    watch => ({
      events: { stream: 'events', follow: upTo => watch.follow(Math.min(upTo, horizon())) },
      sources: [],
      followers: [],
      wakeBy: () => undefined,
      ready: async () => {
        if (watch.position < Math.min(database.position('events'), horizon())) await notifier.catchUp()
      },
      counted: () => Number.MAX_SAFE_INTEGER,
      recounting: { receipts: NEVER, account_data: NEVER },
    }),
  )
  return {
    sync,
    streams,
    ask: async (userId, query = {}) => {
      const whole = { fullState: false, timeoutMs: 0, stateAfter: false, ...query } as const
      const body = await sync.sync(requesterOf(userId), whole, new AbortController().signal)
      return JSON.parse(await bodyText(body)) as SyncBody
    },
    close: () => notifier.close(),
  }
}

/** The whole of a body that may come in pieces. */
export const bodyText = async (body: string | AsyncIterable<string>): Promise<string> => {
  if (typeof body === 'string') return body
  let text = ''
  for await (const piece of body) text += piece
  return text
}
