import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What a cross-signing key is for. */
export type KeyUsage = 'master' | 'self_signing' | 'user_signing'

/** A cross-signing key of a local or remote user. */
export interface CrossSigningKeyRow {
  readonly userId: string
  readonly usage: KeyUsage
  /** Unpadded base64. */
  readonly publicKey: string
  /** JSON text, as uploaded. */
  readonly json: string
}

interface Columns {
  user_id: string
  usage: KeyUsage
  public_key: string
  json: string
}

/** Reads cross-signing keys. */
export class CrossSigningKeyReader {
  readonly #db: Reader
  readonly #ofUsers: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofUsers = db.prepare(
      `SELECT user_id, usage, public_key, json FROM cross_signing_keys WHERE ${db.dialect.inText('user_id')}`,
    )
  }

  /** All keys of these users. */
  async ofUsers(userIds: readonly string[]): Promise<CrossSigningKeyRow[]> {
    if (userIds.length === 0) return []
    const rows = await this.#db.scan<Columns>(this.#ofUsers, [this.#db.list(userIds)])
    return rows.map(row => ({
      userId: row.user_id,
      usage: row.usage,
      publicKey: row.public_key,
      json: row.json,
    }))
  }
}

/** Builds the statements that change cross-signing keys. */
export class CrossSigningKeyWriter {
  readonly #set: Prepared
  readonly #setFirst: Prepared
  readonly #drop: Prepared

  constructor(db: Reader) {
    const insert = 'INSERT INTO cross_signing_keys (user_id, usage, public_key, json) VALUES (?, ?, ?, ?)'
    this.#setFirst = db.prepare(`${insert} ON CONFLICT DO NOTHING`)
    this.#set = db.prepare(
      `${insert}
       ON CONFLICT (user_id, usage) DO UPDATE SET public_key = excluded.public_key, json = excluded.json`,
    )
    this.#drop = db.prepare('DELETE FROM cross_signing_keys WHERE user_id = ? AND usage = ?')
  }

  set(keys: readonly CrossSigningKeyRow[]): WriteStatement[] {
    return keys.length === 0 ? [] : [{ prepared: this.#set, rows: keys.map(columnsOf) }]
  }

  /** Sets a user's first keys. Guard `keys-exist`: there are none yet. */
  setFirst(keys: readonly CrossSigningKeyRow[]): WriteStatement[] {
    if (keys.length === 0) return []
    const guard = { name: 'keys-exist', expected: keys.length }
    return [{ prepared: this.#setFirst, rows: keys.map(columnsOf), guard }]
  }

  drop(userId: string, usages: readonly KeyUsage[]): WriteStatement[] {
    if (usages.length === 0) return []
    return [{ prepared: this.#drop, rows: usages.map(usage => [userId, usage]) }]
  }
}

const columnsOf = ({ userId, usage, publicKey, json }: CrossSigningKeyRow): string[] => [
  userId,
  usage,
  publicKey,
  json,
]
