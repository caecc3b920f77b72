import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A third-party identifier, canonical (appendices, "3PID Types"). */
export interface ThirdPartyId {
  readonly medium: string
  readonly address: string
}

/** One that was added to an account. Instants are milliseconds since 1970. */
export interface AddedThirdPartyId extends ThirdPartyId {
  readonly validatedTs: number
  readonly addedTs: number
}

/** One that a user has bound at an identity server through us. */
export interface Binding extends ThirdPartyId {
  readonly idServer: string
}

interface IdRow {
  medium: string
  address: string
  validated_ts: number
  added_ts: number
}

/** Reads the third-party identifiers of accounts. */
export class ThirdPartyIdReader {
  readonly #db: Reader
  readonly #owner: Prepared
  readonly #byUser: Prepared
  readonly #bindings: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#owner = db.prepare('SELECT user_id FROM user_threepids WHERE medium = ? AND address = ?')
    this.#byUser = db.prepare(
      `SELECT medium, address, validated_ts, added_ts FROM user_threepids WHERE user_id = ?
       ORDER BY added_ts, medium, address`,
    )
    this.#bindings = db.prepare(
      'SELECT medium, address, id_server FROM threepid_bindings WHERE user_id = ? ORDER BY bound_ts',
    )
  }

  /** Whose account an identifier was added to. */
  async owner({ medium, address }: ThirdPartyId): Promise<string | undefined> {
    return (await this.#db.get<{ user_id: string }>(this.#owner, [medium, address]))?.user_id
  }

  /** What a user has added, in that order. */
  async byUser(userId: string): Promise<AddedThirdPartyId[]> {
    const rows = await this.#db.all<IdRow>(this.#byUser, [userId])
    return rows.map(row => ({
      medium: row.medium,
      address: row.address,
      validatedTs: row.validated_ts,
      addedTs: row.added_ts,
    }))
  }

  /** What a user has bound, in that order. */
  async bindings(userId: string): Promise<Binding[]> {
    const rows = await this.#db.all<{ medium: string; address: string; id_server: string }>(this.#bindings, [
      userId,
    ])
    return rows.map(row => ({ medium: row.medium, address: row.address, idServer: row.id_server }))
  }
}

/** Builds the statements that change the third-party identifiers of accounts. */
export class ThirdPartyIdWriter {
  readonly #insert: Prepared
  readonly #delete: Prepared
  readonly #deleteAll: Prepared
  readonly #bind: Prepared
  readonly #unbind: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO user_threepids (medium, address, user_id, validated_ts, added_ts) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (medium, address) DO NOTHING`,
    )
    this.#delete = db.prepare('DELETE FROM user_threepids WHERE user_id = ? AND medium = ? AND address = ?')
    this.#deleteAll = db.prepare('DELETE FROM user_threepids WHERE user_id = ?')
    this.#bind = db.prepare(
      `INSERT INTO threepid_bindings (user_id, medium, address, id_server, bound_ts) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id, medium, address, id_server) DO NOTHING`,
    )
    this.#unbind = db.prepare(
      'DELETE FROM threepid_bindings WHERE user_id = ? AND medium = ? AND address = ? AND id_server = ?',
    )
  }

  /** Adds an identifier to an account. Guard `threepid-in-use`: it was added to one already. */
  insert(userId: string, id: AddedThirdPartyId): WriteStatement {
    return {
      prepared: this.#insert,
      rows: [[id.medium, id.address, userId, id.validatedTs, id.addedTs]],
      guard: { name: 'threepid-in-use', expected: 1 },
    }
  }

  /** Removes an identifier from an account; one that is not there is no error. */
  delete(userId: string, { medium, address }: ThirdPartyId): WriteStatement {
    return { prepared: this.#delete, rows: [[userId, medium, address]] }
  }

  /** Removes all identifiers from an account. What is bound stays known until it is unbound. */
  deleteAll(userId: string): WriteStatement {
    return { prepared: this.#deleteAll, rows: [[userId]] }
  }

  /** Notes where a user has bound an identifier. */
  bind(userId: string, { medium, address, idServer }: Binding, now: number): WriteStatement {
    return { prepared: this.#bind, rows: [[userId, medium, address, idServer, now]] }
  }

  /** Forgets that a user has bound identifiers there. */
  unbind(userId: string, bindings: readonly Binding[]): WriteStatement {
    return {
      prepared: this.#unbind,
      rows: bindings.map(({ medium, address, idServer }) => [userId, medium, address, idServer]),
    }
  }
}
