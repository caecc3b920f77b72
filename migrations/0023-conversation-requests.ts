import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** Whom somebody waits to hear from: looked up with every message, whoever sends it. */
export const conversationRequests: Migration = {
  name: '0023-conversation-requests',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = (): string[] => [
  `CREATE INDEX notifications_requests ON notifications (user_id, room_id)
   WHERE kind = 'conversation_requested' AND removed = 0`,
]
