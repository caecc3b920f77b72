import { isJsonObject } from '../../../core/json.ts'
import { parseJson } from '../../../core/parse-json.ts'
import type { SqlParameter } from '../../../storage/database.ts'
import { BulkInsert } from '../../../storage/synapse/bulk-insert.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface DelayedRow {
  readonly delay_id: string
  readonly user_localpart: string
  readonly device_id: string | null
  readonly room_id: string
  readonly event_type: string
  readonly state_key: string | null
  readonly delay: number
  readonly send_ts: number
  readonly content: string | Uint8Array
}

const COLUMNS = [
  ...['delay_id', 'user_id', 'device_id', 'room_id', 'type', 'state_key', 'content'],
  ...['delay_ms', 'scheduled_ts', 'position', 'due_ts', 'wake_ts'],
]

/** What is to be sent later, such as that somebody has left a call of whom nothing more is heard; what was due meanwhile is sent at once. */
export const delayedEventsStep: ImportStep = tableStep<DelayedRow>({
  name: 'delayed events',
  table: 'delayed_events',
  query: () => ({
    from: 'delayed_events',
    columns: [
      ...['delay_id', 'user_localpart', 'device_id', 'room_id', 'event_type', 'state_key', 'delay'],
      ...['send_ts', 'content'],
    ],
    key: ['user_localpart', 'delay_id'],
    where: 'NOT is_processed',
  }),
  begin: ({ db, serverName }, progress) => {
    const delayed = new BulkInsert(db, 'delayed_events', COLUMNS)
    return rows => {
      const readable = rows.flatMap((row): Record<string, SqlParameter>[] => {
        const content = textOf(row.content)
        if (content === undefined) return []
        return [
          {
            ...{ delay_id: row.delay_id, user_id: `@${row.user_localpart}:${serverName}` },
            ...{ device_id: row.device_id, room_id: row.room_id, type: row.event_type },
            ...{ state_key: row.state_key, content, delay_ms: row.delay },
            ...{ scheduled_ts: row.send_ts - row.delay, position: db.position('events') },
            ...{ due_ts: row.send_ts, wake_ts: row.send_ts },
          },
        ]
      })
      progress.came('delayed events', readable.length)
      progress.left('Delayed events that cannot be read', rows.length - readable.length)
      return [delayed.rows(readable)]
    }
  },
})

const textOf = (content: string | Uint8Array): string | undefined => {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('utf8')
  try {
    return isJsonObject(parseJson(text)) ? text : undefined
  } catch {
    return undefined
  }
}
