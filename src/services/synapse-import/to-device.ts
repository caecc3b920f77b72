import { isJsonObject } from '../../core/json.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { isOfServer, objectOf } from './readable.ts'
import { tableStep } from './table-step.ts'

interface InboxRow {
  readonly user_id: string
  readonly device_id: string
  readonly stream_id: number
  readonly message_json: string
}

/** Messages that devices have not fetched yet. */
export const toDevice = tableStep<InboxRow>({
  name: 'messages to devices',
  table: 'device_inbox',
  query: () => ({
    from: 'device_inbox',
    columns: ['user_id', 'device_id', 'stream_id', 'message_json'],
    key: ['user_id', 'device_id', 'stream_id'],
  }),
  begin: ({ db, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'to_device_messages', [
      ...['user_id', 'device_id', 'position', 'sender', 'type', 'content', 'received_ts'],
    ])
    return rows => {
      const messages = rows.flatMap(row => {
        const { sender, type, content } = objectOf(row.message_json) ?? {}
        const isMessage = typeof sender === 'string' && typeof type === 'string' && isJsonObject(content)
        if (!isMessage || !isOfServer(row.user_id, serverName)) return []
        return [{ row, sender, type, content }]
      })
      progress.left('messages to devices that cannot be read', rows.length - messages.length)
      progress.came('messages to devices', messages.length)
      return [
        insert.rows(
          messages.map(({ row, sender, type, content }, offset) => ({
            user_id: row.user_id,
            device_id: row.device_id,
            position: { stream: 'to_device', offset },
            sender,
            type,
            content: JSON.stringify(content),
            received_ts: now,
          })),
        ),
      ]
    }
  },
})

interface ReceivedRow {
  readonly origin: string
  readonly message_id: string
  readonly received_ts: number
}

/** Which messages to devices have come from other servers, so that none comes twice. */
export const receivedToDevice = tableStep<ReceivedRow>({
  name: 'received messages to devices',
  table: 'device_federation_inbox',
  query: () => ({
    from: 'device_federation_inbox',
    columns: ['origin', 'message_id', 'received_ts'],
    key: ['origin', 'message_id'],
  }),
  begin: ({ db }) => {
    const insert = new BulkInsert(db, 'received_to_device', ['origin', 'message_id', 'received_ts'])
    return rows => [insert.rows(rows.map(row => ({ ...row })))]
  },
})

interface OutboxRow {
  readonly destination: string
  readonly stream_id: number
  readonly messages_json: string
}

/** Messages to devices that other servers have not fetched yet. */
export const outgoingToDevice = tableStep<OutboxRow>({
  name: 'messages to devices elsewhere',
  table: 'device_federation_outbox',
  query: () => ({
    from: 'device_federation_outbox',
    columns: ['destination', 'stream_id', 'messages_json'],
    key: ['destination', 'stream_id'],
  }),
  begin: ({ db, now }, progress) => {
    const edu = new BulkInsert(db, 'federation_edus', ['position', 'payload', 'created_ts'])
    const destination = new BulkInsert(db, 'federation_edu_destinations', ['server', 'position'])
    return rows => {
      const edus = rows.flatMap(row => {
        const content = objectOf(row.messages_json)
        return content === undefined ? [] : [{ server: row.destination, content }]
      })
      progress.left('messages to devices of other servers that cannot be read', rows.length - edus.length)
      progress.came('messages to devices of other servers', edus.length)
      return [
        edu.rows(
          edus.map(({ content }, offset) => ({
            position: { stream: 'federation_edus', offset },
            payload: JSON.stringify({ edu_type: 'm.direct_to_device', content }),
            created_ts: now,
          })),
        ),
        destination.rows(
          edus.map(({ server }, offset) => ({ server, position: { stream: 'federation_edus', offset } })),
        ),
      ]
    }
  },
})
