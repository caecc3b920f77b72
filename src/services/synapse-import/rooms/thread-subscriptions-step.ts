import { BulkInsert } from '../../../storage/synapse/bulk-insert.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import { positionOf } from '../../../storage/synapse/rooms/positions.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface SubscriptionRow {
  readonly stream_id: number
  readonly room_id: string
  readonly event_id: string
  readonly user_id: string
  readonly subscribed: number
  readonly automatic: number
  /** Where in the stream of events it ended. */
  readonly ended: number | null
}

const COLUMNS = [
  ...['user_id', 'room_nid', 'thread_id', 'is_subscribed', 'is_automatic', 'event_position', 'position'],
]

/** Which threads users follow, and which no more. */
export const threadSubscriptionsStep: ImportStep = tableStep<SubscriptionRow>({
  name: 'thread subscriptions',
  table: 'thread_subscriptions',
  query: ({ source }) => ({
    from: 'thread_subscriptions',
    columns: [
      ...['stream_id', 'room_id', 'event_id', 'user_id', 'subscribed', 'automatic'],
      source.has('thread_subscriptions', 'unsubscribed_at_stream_ordering')
        ? 'unsubscribed_at_stream_ordering AS ended'
        : 'NULL AS ended',
    ],
    key: ['stream_id'],
  }),
  begin: ({ db }, progress) => {
    const places = new Places(db)
    const subscriptions = new BulkInsert(db, 'thread_subscriptions', COLUMNS)
    return async rows => {
      const rooms = await places.rooms(rows.map(row => row.room_id))
      const known = rows.flatMap((row, offset) => {
        const roomNid = rooms.get(row.room_id)
        if (roomNid === undefined) return []
        return [
          {
            ...{ user_id: row.user_id, room_nid: roomNid, thread_id: row.event_id },
            ...{ is_subscribed: Number(row.subscribed), is_automatic: Number(row.automatic) },
            event_position: positionOf(row.ended ?? 0),
            position: { stream: 'account_data', offset } as const,
          },
        ]
      })
      progress.came('thread subscriptions', known.length)
      progress.left('Thread subscriptions in rooms that did not come over', rows.length - known.length)
      return [subscriptions.rows(known)]
    }
  },
})
