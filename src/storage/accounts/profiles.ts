import { parseJson } from '../../core/canonical-json.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { listedRows } from '../listed-rows.ts'
import { changesFrom, changesText, type ProfileChanges, type ProfileContent } from './profile-changes.ts'

/** A local user's profile. */
export interface StoredProfile extends ProfileContent {
  /** Moves with every change: the row's place in the stream `profiles`. */
  readonly position: number
  /** Of fields that have not changed since this is kept track of nothing is there. */
  readonly changes: ProfileChanges
}

interface ProfileRow {
  user_id: string
  displayname: string | null
  avatar_url: string | null
  fields: string
  position: number
  changes: string
}

const COLUMNS = 'user_id, displayname, avatar_url, fields, position, changes'

const storedProfile = (row: ProfileRow): StoredProfile => ({
  displayname: row.displayname ?? undefined,
  avatarUrl: row.avatar_url ?? undefined,
  fields: parseJson(row.fields) as JsonObject,
  position: row.position,
  changes: changesFrom(row.changes, row.position),
})

/** Reads profiles. */
export class ProfileReader {
  readonly #db: Reader
  readonly #byUser: Prepared
  readonly #ofUsers: Prepared
  readonly #changed: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byUser = db.prepare(`SELECT ${COLUMNS} FROM profiles WHERE user_id = ?`)
    this.#ofUsers = db.prepare(`SELECT ${COLUMNS} FROM profiles WHERE ${db.dialect.inText('user_id')}`)
    this.#changed = db.prepare(
      'SELECT user_id, position FROM profiles WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
    )
  }

  /** A user's profile; `undefined` for users who never had an account here. */
  async byUser(userId: string): Promise<StoredProfile | undefined> {
    const row = await this.#db.get<ProfileRow>(this.#byUser, [userId])
    return row && storedProfile(row)
  }

  /** The profiles of these users, as far as they have one. */
  async ofUsers(userIds: readonly string[]): Promise<ReadonlyMap<string, StoredProfile>> {
    if (userIds.length === 0) return new Map()
    const rows = await listedRows<ProfileRow>(this.#db, this.#ofUsers, userIds)
    return new Map(rows.map(row => [row.user_id, storedProfile(row)]))
  }

  /** Whose profile changed after `after` and not after `upTo`: the first `limit` in order of the change. */
  async changed(after: number, upTo: number, limit: number): Promise<{ userId: string; position: number }[]> {
    const rows = await this.#db.scan<{ user_id: string; position: number }>(this.#changed, [
      after,
      upTo,
      limit,
    ])
    return rows.map(row => ({ userId: row.user_id, position: row.position }))
  }
}

/** Builds the statements that change profiles. */
export class ProfileWriter {
  readonly #insert: Prepared
  readonly #update: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(`INSERT INTO profiles (${COLUMNS}) VALUES (?, ?, NULL, '{}', ?, '[]')`)
    this.#update = db.prepare(
      'UPDATE profiles SET displayname = ?, avatar_url = ?, fields = ?, changes = ?, position = ? WHERE user_id = ? AND position = ?',
    )
  }

  /** The profile of a new account. */
  insert(userId: string, displayname: string | undefined): WriteStatement {
    return {
      prepared: this.#insert,
      rows: [[userId, displayname ?? null, { stream: 'profiles', offset: 0 }]],
    }
  }

  /** Replaces a profile. Guard `profile-changed`: it is no longer the one that was read. */
  update(userId: string, from: StoredProfile, to: ProfileContent): WriteStatement {
    return {
      prepared: this.#update,
      rows: [
        [
          to.displayname ?? null,
          to.avatarUrl ?? null,
          JSON.stringify(to.fields),
          changesText(from, to),
          { stream: 'profiles', offset: 0 },
          userId,
          from.position,
        ],
      ],
      guard: { name: 'profile-changed', expected: 1 },
    }
  }
}
