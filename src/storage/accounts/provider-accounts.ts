import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** An account elsewhere: which provider, and whom it knows there. */
export interface ProviderAccount {
  readonly provider: string
  readonly subject: string
}

/** Reads by which accounts elsewhere people sign in. */
export class ProviderAccountReader {
  readonly #db: Reader
  readonly #owner: Prepared
  readonly #providers: Prepared
  readonly #ofUser: Prepared
  readonly #hasEnded: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#owner = db.prepare('SELECT user_id FROM provider_accounts WHERE provider = ? AND subject = ?')
    this.#providers = db.prepare(
      'SELECT provider FROM provider_accounts WHERE user_id = ? ORDER BY linked_ts, provider',
    )
    this.#ofUser = db.prepare(
      'SELECT provider, subject FROM provider_accounts WHERE user_id = ? ORDER BY linked_ts, provider',
    )
    this.#hasEnded = db.prepare(
      'SELECT provider FROM ended_provider_accounts WHERE user_id = ? AND provider = ?',
    )
  }

  /** All of a user. */
  async ofUser(userId: string): Promise<ProviderAccount[]> {
    return this.#db.all<{ provider: string; subject: string }>(this.#ofUser, [userId])
  }

  /** Whose account it is. */
  async owner({ provider, subject }: ProviderAccount): Promise<string | undefined> {
    return (await this.#db.get<{ user_id: string }>(this.#owner, [provider, subject]))?.user_id
  }

  /** The providers with which a user signs in. */
  async providersOf(userId: string): Promise<string[]> {
    const rows = await this.#db.all<{ provider: string }>(this.#providers, [userId])
    return rows.map(({ provider }) => provider)
  }

  /** Whether a user has signed in with a provider, and no longer wants to. */
  async hasEnded(userId: string, provider: string): Promise<boolean> {
    return (await this.#db.get<{ provider: string }>(this.#hasEnded, [userId, provider])) !== undefined
  }
}

/** Builds the statements that change them. */
export class ProviderAccountWriter {
  readonly #link: Prepared
  readonly #deleteAll: Prepared
  readonly #unlink: Prepared
  readonly #keep: Prepared
  readonly #end: Prepared
  readonly #begin: Prepared
  readonly #deleteEnded: Prepared

  constructor(db: Reader) {
    this.#link = db.prepare(
      `INSERT INTO provider_accounts (provider, subject, user_id, linked_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#unlink = db.prepare(
      'DELETE FROM provider_accounts WHERE provider = ? AND subject = ? AND user_id = ?',
    )
    this.#keep = db.prepare(
      'UPDATE provider_accounts SET linked_ts = linked_ts WHERE user_id = ? AND provider = ?',
    )
    this.#deleteAll = db.prepare('DELETE FROM provider_accounts WHERE user_id = ?')
    this.#end = db.prepare(
      'INSERT INTO ended_provider_accounts (user_id, provider) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#begin = db.prepare('DELETE FROM ended_provider_accounts WHERE user_id = ? AND provider = ?')
    this.#deleteEnded = db.prepare('DELETE FROM ended_provider_accounts WHERE user_id = ?')
  }

  /** Lets somebody sign in as a user. Guard `already-linked`: they do as somebody else, or the user has another account there. */
  link({ provider, subject }: ProviderAccount, userId: string, now: number): WriteStatement[] {
    return [
      {
        prepared: this.#link,
        rows: [[provider, subject, userId, now]],
        guard: { name: 'already-linked', expected: 1 },
      },
      { prepared: this.#begin, rows: [[userId, provider]] },
    ]
  }

  /** Ends that somebody signs in as a user; where they do not, it is no error. */
  unlink({ provider, subject }: ProviderAccount, userId: string): WriteStatement {
    return { prepared: this.#unlink, rows: [[provider, subject, userId]] }
  }

  /** Lets nothing else happen where a user signs in with a provider no longer. Guard `no-longer-linked`. */
  keep(userId: string, provider: string): WriteStatement {
    return {
      prepared: this.#keep,
      rows: [[userId, provider]],
      guard: { name: 'no-longer-linked', expected: 1 },
    }
  }

  /** Notes that a user no longer wants to sign in with a provider, until they link an account there again. */
  end(userId: string, provider: string): WriteStatement {
    return { prepared: this.#end, rows: [[userId, provider]] }
  }

  /** Forgets all of a user. */
  deleteAll(userId: string): WriteStatement[] {
    return [this.#deleteAll, this.#deleteEnded].map(prepared => ({ prepared, rows: [[userId]] }))
  }
}
