import type { Prepared, Reader, SqlValue, WriteStatement } from '../database.ts'

/** What a user has set, as stored. */
export interface PushRulesRow {
  readonly userId: string
  /** JSON text (`UserRules`). */
  readonly rules: string
  /** Of the stream `account_data`. */
  readonly position: number
}

/** What decides about a user beyond the predefined rules. */
export interface PushSettings {
  readonly userId: string
  readonly rules: string | undefined
  /** Content of `m.ignored_user_list`, as JSON text. */
  readonly ignored: string | undefined
}

interface Columns {
  user_id: string
  rules: string
  position: number
}

/** So many rows may be read on the calling thread. */
const FEW = 100

/** Reads push rules. */
export class PushRulesReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #settings: Prepared
  readonly #touched: Prepared
  readonly #ignoredAt: Prepared
  readonly #silentRooms: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare('SELECT user_id, rules, position FROM push_rules WHERE user_id = ?')
    this.#settings = db.prepare(
      `SELECT user_id, 'rules' AS kind, rules AS value FROM push_rules WHERE ${db.dialect.inText('user_id')}
       UNION ALL
       SELECT user_id, 'ignored' AS kind, content AS value FROM account_data
       WHERE ${db.dialect.inText('user_id')} AND room_id = '' AND type = 'm.ignored_user_list'
         AND content <> ''`,
    )
    this.#touched = db.prepare(
      `SELECT user_id FROM push_rules WHERE position > ? AND position <= ?
       UNION
       SELECT user_id FROM account_data
       WHERE room_id = '' AND type = 'm.ignored_user_list' AND position > ? AND position <= ?`,
    )
    this.#ignoredAt = db.prepare(
      `SELECT position FROM account_data WHERE user_id = ? AND room_id = '' AND type = 'm.ignored_user_list'`,
    )
    this.#silentRooms = db.prepare(
      `SELECT r.room_id FROM rooms r WHERE r.room_nid IN (
         SELECT p.room_nid FROM push_actions p WHERE p.user_id = ? AND p.silent = 1)`,
    )
  }

  async ofUser(userId: string): Promise<PushRulesRow | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [userId])
    return row && { userId: row.user_id, rules: row.rules, position: row.position }
  }

  /** The settings of those users who have any. */
  async settings(userIds: readonly string[]): Promise<PushSettings[]> {
    const list = this.#db.list(userIds)
    const read = userIds.length > 50 ? this.#db.scan.bind(this.#db) : this.#db.all.bind(this.#db)
    const rows = await read<{ user_id: string; kind: string; value: string }>(this.#settings, [list, list])
    return [...Map.groupBy(rows, row => row.user_id)].map(([userId, own]) => ({
      userId,
      rules: own.find(row => row.kind === 'rules')?.value,
      ignored: own.find(row => row.kind === 'ignored')?.value,
    }))
  }

  /** Where in the stream `account_data` a user's list of ignored people was set; 0 if it never was. */
  async ignoredAt(userId: string): Promise<number> {
    return (await this.#db.get<{ position: number }>(this.#ignoredAt, [userId]))?.position ?? 0
  }

  /** The IDs of the rooms in which something does not notify a user that notifies others, or did them before. */
  async silentRooms(userId: string): Promise<string[]> {
    return (await this.#db.scan<{ room_id: string }>(this.#silentRooms, [userId])).map(row => row.room_id)
  }

  /** Whose settings have changed after one position of `account_data` up to another. */
  async touched(after: number, upTo: number): Promise<string[]> {
    const parameters: SqlValue[] = [after, upTo, after, upTo]
    // A short stretch is read faster where we are than in another thread.
    const rows = await (upTo - after <= FEW
      ? this.#db.all<{ user_id: string }>(this.#touched, parameters)
      : this.#db.scan<{ user_id: string }>(this.#touched, parameters))
    return rows.map(row => row.user_id)
  }
}

/** Builds the statements that change push rules. */
export class PushRulesWriter {
  readonly #set: Prepared
  readonly #delete: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO push_rules (user_id, rules, position) VALUES (?, ?, ?)
       ON CONFLICT (user_id) DO UPDATE SET rules = excluded.rules, position = excluded.position
       WHERE push_rules.position = ?`,
    )
    this.#delete = db.prepare('DELETE FROM push_rules WHERE user_id = ?')
  }

  /** Guard `rules`: nobody has changed them since they were read (at `before`, a position). */
  set(userId: string, rules: string, before: number | undefined): WriteStatement {
    return {
      prepared: this.#set,
      rows: [[userId, rules, { stream: 'account_data', offset: 0 }, before ?? 0]],
      guard: { name: 'rules', expected: 1 },
    }
  }

  /** For an account that is gone. */
  delete(userId: string): WriteStatement {
    return { prepared: this.#delete, rows: [[userId]] }
  }
}
