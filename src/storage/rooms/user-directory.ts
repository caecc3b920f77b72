import { containing } from '../../core/search-text.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What a local user is called everywhere. */
export interface OwnProfile {
  readonly displayname: string | undefined
  readonly avatarUrl: string | undefined
}

/** Somebody who was found, with the newest member event that a room both may know calls them by. */
export interface FoundUser {
  readonly userId: string
  /** `undefined` for a local user whom the searcher knows by no room. */
  readonly memberNid: number | undefined
  /** Of local users. */
  readonly profile: OwnProfile | undefined
}

interface ProfileRow {
  readonly owner: string | null
  readonly displayname: string | null
  readonly avatar_url: string | null
}

/** Among whom is searched, beyond those whom the searcher may know by a room. */
export interface DirectoryScope {
  /** Also all users of this server. */
  readonly allUsers: boolean
  /** Also users of other servers. */
  readonly remoteUsers: boolean
}

/** Further phrases of a search are not looked for. */
export const MAX_USER_PHRASES = 3
/** Of more people than this whose names fit, the others are not looked at. */
const MAX_FITTING = 5_000

/** Finds people by ID and display name. */
export class UserDirectoryReader {
  readonly #db: Reader
  readonly #search: Prepared
  readonly #profile: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#profile = db.prepare(
      'SELECT user_id AS owner, displayname, avatar_url FROM profiles WHERE user_id = ?',
    )
    const fits = `u.search_text LIKE ? ESCAPE '!'`
    // The shorter the text, the more of it is what was looked for.
    this.#search = db.prepare(
      `SELECT found.user_id, member_nid, p.user_id AS owner, p.displayname, p.avatar_url FROM (
         SELECT u.user_id, LENGTH(u.search_text) AS size, (
           SELECT m.event_nid FROM memberships m LEFT JOIN room_summaries s ON s.room_nid = m.room_nid
           WHERE m.user_id = u.user_id AND m.membership = 'join' AND (s.is_open = 1 OR EXISTS (
             SELECT 1 FROM memberships o
             WHERE o.user_id = ? AND o.room_nid = m.room_nid AND o.membership = 'join'))
           ORDER BY m.position DESC LIMIT 1) AS member_nid
         FROM (SELECT u.user_id, u.search_text FROM user_directory u
           WHERE ${fits} AND ${fits} AND ${fits}
           ORDER BY LENGTH(u.search_text), u.user_id LIMIT ${MAX_FITTING}) u
       ) found LEFT JOIN profiles p ON p.user_id = found.user_id LEFT JOIN users a ON a.user_id = found.user_id
       WHERE (member_nid IS NOT NULL OR (? = 1 AND a.kind = 'user' AND a.deactivated_ts IS NULL))
         AND (? = 1 OR a.user_id IS NOT NULL) ORDER BY size, found.user_id LIMIT ?`,
    )
  }

  /**
   * People whose tokens hold all of these phrases (rows of tokens, the last of which may go on), and who share a room
   * with the searcher or are in one that anybody may join or read (the searcher, too, as soon as they are in any), or are in the
   * wider scope.
   */
  async search(
    searcher: string,
    phrases: readonly (readonly string[])[],
    { allUsers, remoteUsers }: DirectoryScope,
    limit: number,
  ): Promise<FoundUser[]> {
    const patterns = Array.from({ length: MAX_USER_PHRASES }, (_, index) => {
      const phrase = phrases[index]
      return phrase === undefined ? '%' : containing(` ${phrase.join(' ')}`)
    })
    const rows = await this.#db.scan<ProfileRow & { user_id: string; member_nid: number | null }>(
      this.#search,
      [searcher, ...patterns, Number(allUsers), Number(remoteUsers), limit],
    )
    return rows.map(row => ({
      userId: row.user_id,
      memberNid: row.member_nid ?? undefined,
      profile: profileIn(row),
    }))
  }

  /** What a local user is called; `undefined` for whoever has no account here. */
  async profile(userId: string): Promise<OwnProfile | undefined> {
    const row = await this.#db.get<ProfileRow>(this.#profile, [userId])
    return row && profileIn(row)
  }
}

const profileIn = (row: ProfileRow): OwnProfile | undefined =>
  row.owner === null
    ? undefined
    : { displayname: row.displayname ?? undefined, avatarUrl: row.avatar_url ?? undefined }

/** Builds the statement that keeps the directory. */
export class UserDirectoryWriter {
  readonly #put: Prepared

  constructor(db: Reader) {
    this.#put = db.prepare(
      `INSERT INTO user_directory (user_id, search_text) VALUES (?, ?)
       ON CONFLICT (user_id) DO UPDATE SET search_text = excluded.search_text
       WHERE user_directory.search_text <> excluded.search_text`,
    )
  }

  /** What people are found by now. */
  put(users: readonly { readonly userId: string; readonly searchText: string }[]): WriteStatement[] {
    if (users.length === 0) return []
    return [{ prepared: this.#put, rows: users.map(({ userId, searchText }) => [userId, searchText]) }]
  }
}
