import type { Prepared, Reader } from './database.ts'

/** The streams whose rows each belong to one user, with their tables. */
const TABLES = {
  invites: ['invitations', 'removed_memberships'],
  account_data: ['account_data'],
  notifications: ['notifications'],
} as const

export type UserStreamName = keyof typeof TABLES

/** Tells whom new rows of a stream belong to. */
export class StreamTouches {
  readonly #db: Reader
  readonly #users: Readonly<Record<UserStreamName, Prepared>>

  constructor(db: Reader) {
    this.#db = db
    const users = (tables: readonly string[]): Prepared =>
      db.prepare(
        tables
          .map(table => `SELECT DISTINCT user_id FROM ${table} WHERE position > ? AND position <= ?`)
          .join(' UNION '),
      )
    this.#users = {
      invites: users(TABLES.invites),
      account_data: users(TABLES.account_data),
      notifications: users(TABLES.notifications),
    }
  }

  /** The users with rows after one position up to another. */
  async users(stream: UserStreamName, after: number, upTo: number): Promise<string[]> {
    const parameters = TABLES[stream].flatMap(() => [after, upTo])
    const rows = await this.#db.all<{ user_id: string }>(this.#users[stream], parameters)
    return rows.map(row => row.user_id)
  }
}
