import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** One piece of account data. */
export interface AccountDataEntry {
  /** Empty for global account data. */
  readonly roomId: string
  readonly type: string
  /** JSON text of an object, as the client sent it; that of an empty one if it is deleted. */
  readonly content: string
  readonly position: number
}

interface EntryRow {
  room_id: string
  type: string
  content: string
  position: number
}

/** A list of ignored users, and of which stretches they are not heard (`core/ignored-spans.ts`), both as JSON texts. */
export interface IgnoredList {
  readonly content: string | undefined
  readonly spans: string | null
}

const COLUMNS = 'room_id, type, content, position'

/**
 * What a deleted entry (MSC3391) holds. It stays, so that clients which were away hear of it: for them it is an entry
 * without content.
 */
const DELETED = ''
const NO_CONTENT = '{}'
const IGNORED = 'm.ignored_user_list'

/** Reads account data. The room is '' for global data. */
export class AccountDataReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #all: Prepared
  readonly #ofType: Prepared
  readonly #changed: Prepared
  readonly #size: Prepared
  readonly #ignored: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare('SELECT content FROM account_data WHERE user_id = ? AND room_id = ? AND type = ?')
    this.#all = db.prepare(
      `SELECT ${COLUMNS} FROM account_data WHERE user_id = ? AND content <> '${DELETED}' ORDER BY room_id, type`,
    )
    this.#ofType = db.prepare(
      `SELECT ${COLUMNS} FROM account_data WHERE user_id = ? AND type = ? AND content <> '${DELETED}'`,
    )
    this.#changed = db.prepare(
      `SELECT ${COLUMNS} FROM account_data WHERE user_id = ? AND position > ? AND position <= ? ORDER BY position`,
    )
    this.#size = db.prepare(
      `SELECT count(*) AS entries, COALESCE(sum(octet_length(content)), 0) AS bytes FROM account_data WHERE user_id = ?`,
    )
    this.#ignored = db.prepare(
      `SELECT content, ignored_spans FROM account_data WHERE user_id = ? AND room_id = '' AND type = '${IGNORED}'`,
    )
  }

  /** The content of one entry, as JSON text; `undefined` if there is none, or it is deleted. */
  async content(userId: string, roomId: string, type: string): Promise<string | undefined> {
    const row = await this.#db.get<{ content: string }>(this.#one, [userId, roomId, type])
    return row?.content === DELETED ? undefined : row?.content
  }

  /** Whom a user ignores, and did. */
  async ignored(userId: string): Promise<IgnoredList | undefined> {
    const row = await this.#db.get<{ content: string; ignored_spans: string | null }>(this.#ignored, [userId])
    return row && { content: row.content === DELETED ? undefined : row.content, spans: row.ignored_spans }
  }

  /** Everything of a user but what is deleted, for an initial sync. */
  async all(userId: string): Promise<AccountDataEntry[]> {
    return (await this.#db.scan<EntryRow>(this.#all, [userId])).map(entry)
  }

  /** What a user has of one type, in all rooms. */
  async ofType(userId: string, type: string): Promise<AccountDataEntry[]> {
    return (await this.#db.scan<EntryRow>(this.#ofType, [userId, type])).map(entry)
  }

  /** What changed after `after` and not after `upTo`, in order of the change. */
  async changed(userId: string, after: number, upTo: number): Promise<AccountDataEntry[]> {
    return (await this.#db.all<EntryRow>(this.#changed, [userId, after, upTo])).map(entry)
  }

  /** How many entries a user has, with those that are deleted, and how many bytes they take. */
  async size(userId: string): Promise<{ entries: number; bytes: number }> {
    type Columns = { entries: number; bytes: number }
    const [row] = await this.#db.scan<Columns>(this.#size, [userId])
    return { entries: Number(row?.entries ?? 0), bytes: Number(row?.bytes ?? 0) }
  }
}

const entry = (row: EntryRow): AccountDataEntry => ({
  roomId: row.room_id,
  type: row.type,
  content: row.content === DELETED ? NO_CONTENT : row.content,
  position: row.position,
})

/** Builds the statements that change account data. */
export class AccountDataWriter {
  readonly #set: Prepared
  readonly #setIgnored: Prepared
  readonly #add: Prepared
  readonly #replace: Prepared
  readonly #clear: Prepared
  readonly #dropDeleted: Prepared
  readonly #deleteAll: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position`,
    )
    this.#setIgnored = db.prepare(
      `INSERT INTO account_data (user_id, room_id, type, content, position, ignored_spans)
       VALUES (?, '', '${IGNORED}', ?, ?, ?)
       ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position,
         ignored_spans = excluded.ignored_spans`,
    )
    this.#add = db.prepare(
      `INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position
       WHERE account_data.content = '${DELETED}'`,
    )
    this.#replace = db.prepare(
      `UPDATE account_data SET content = ?, position = ?
       WHERE user_id = ? AND room_id = ? AND type = ? AND content = ?`,
    )
    this.#clear = db.prepare(
      `UPDATE account_data SET content = '${DELETED}', position = ?
       WHERE user_id = ? AND room_id = ? AND type = ? AND content <> '${DELETED}'`,
    )
    this.#dropDeleted = db.prepare(`DELETE FROM account_data WHERE user_id = ? AND content = '${DELETED}'`)
    this.#deleteAll = db.prepare('DELETE FROM account_data WHERE user_id = ?')
  }

  /**
   * Sets an entry.
   * @param offset which position of this set in the stream `account_data` it takes.
   */
  set(userId: string, roomId: string, type: string, content: string, offset = 0): WriteStatement {
    return {
      prepared: this.#set,
      rows: [[userId, roomId, type, content, { stream: 'account_data', offset }]],
    }
  }

  /** Sets a user's list of ignored users, or deletes it. */
  setIgnored(userId: string, { content, spans }: IgnoredList): WriteStatement {
    const position = { stream: 'account_data', offset: 0 } as const
    return { prepared: this.#setIgnored, rows: [[userId, content ?? DELETED, position, spans]] }
  }

  /**
   * Replaces what was read. Guard `account-data-changed`: it is no longer that.
   * @param before `undefined`: there was no such entry
   */
  replace(
    entry: Omit<AccountDataEntry, 'position'> & { readonly userId: string },
    before: string | undefined,
  ): WriteStatement {
    const { userId, roomId, type, content } = entry
    const position = { stream: 'account_data', offset: 0 } as const
    const guard = { name: 'account-data-changed', expected: 1 }
    return before === undefined
      ? { prepared: this.#add, rows: [[userId, roomId, type, content, position]], guard }
      : { prepared: this.#replace, rows: [[content, position, userId, roomId, type, before]], guard }
  }

  /** Deletes entries of one room, or global ones (''); those that are not there are no error. Takes a position for each. */
  clear(userId: string, roomId: string, types: readonly string[]): WriteStatement {
    const rows = types.map((type, offset) => [
      ...[{ stream: 'account_data' as const, offset }, userId, roomId, type],
    ])
    return { prepared: this.#clear, rows }
  }

  /** Removes what is left of deleted entries. */
  dropDeleted(userId: string): WriteStatement {
    return { prepared: this.#dropDeleted, rows: [[userId]] }
  }

  /** Removes everything, for an erased account. */
  deleteAll(userId: string): WriteStatement {
    return { prepared: this.#deleteAll, rows: [[userId]] }
  }
}
