import type { Reader } from '../database.ts'
import type { MessageIndex } from '../rooms/message-index.ts'
import { PostgresMessageIndex } from './postgres-message-index.ts'
import { SqliteMessageIndex } from './sqlite-message-index.ts'

/** The index of a database. */
export const messageIndex = (db: Reader): MessageIndex =>
  db.dialect.name === 'sqlite' ? new SqliteMessageIndex(db) : new PostgresMessageIndex(db)
