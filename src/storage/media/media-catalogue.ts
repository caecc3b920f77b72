import { containing } from '../../core/search-text.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { MEDIA_COLUMNS, type MediaRow, mediaRow } from './media.ts'
import type { Expendable } from './retention.ts'

/** By what administrators have the files of a user ordered, under the names of their tools. */
export const MEDIA_ORDERS = {
  media_id: 'media_id',
  upload_name: 'file_name',
  created_ts: 'created_ts',
  last_access_ts: 'accessed_ts',
  media_length: 'size',
  media_type: 'content_type',
  quarantined_by: 'quarantined_by',
  safe_from_quarantine: 'is_protected',
} as const
export type MediaOrder = keyof typeof MEDIA_ORDERS

/** By what they have users ordered who have files. */
export const USAGE_ORDERS = {
  media_length: 'bytes',
  media_count: 'files',
  user_id: 'u.user_id',
  displayname: 'p.displayname',
} as const
export type UsageOrder = keyof typeof USAGE_ORDERS

interface Page<Order> {
  readonly order: Order
  readonly isDescending: boolean
  readonly from: number
  readonly limit: number
}

/** Which uploads count. Instants are milliseconds since 1970, inclusive. */
export interface UsageFilter {
  readonly since: number
  readonly until: number
  /** Part of the user name or of the display name. */
  readonly term: string | undefined
}

/** What a user has uploaded. */
export interface UserUsage {
  readonly userId: string
  readonly displayName: string | undefined
  readonly files: number
  readonly bytes: number
}

const EXPENDABLE =
  'origin, media_id AS "mediaId", user_id AS "userId", content_hash AS hash, size, created_ts AS "createdTs"'

/** Reads files for administrators: those of a user, of a room, and what users have. */
export class MediaCatalogue {
  readonly #db: Reader
  readonly #ofUser = new Map<string, Prepared>()
  readonly #usages = new Map<string, Prepared>()
  readonly #countOfUser: Prepared
  readonly #countUsers: Prepared
  readonly #old: Prepared
  readonly #copies: Prepared
  readonly #expendable: Prepared
  readonly #inRoom: Prepared
  readonly #protect: Prepared

  constructor(db: Reader) {
    this.#db = db
    const directions = ['ASC', 'DESC'] as const
    const uploads = "kind = 'upload' AND content_hash IS NOT NULL"
    for (const direction of directions) {
      for (const [name, column] of Object.entries(MEDIA_ORDERS)) {
        const sql = `SELECT ${MEDIA_COLUMNS} FROM media WHERE user_id = ? AND ${uploads}
          ORDER BY CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END, ${column} ${direction}, media_id LIMIT ? OFFSET ?`
        this.#ofUser.set(`${name} ${direction}`, db.prepare(sql))
      }
    }
    this.#countOfUser = db.prepare(`SELECT COUNT(*) AS n FROM media WHERE user_id = ? AND ${uploads}`)
    const bigint = db.dialect.name === 'postgres' ? 'bigint' : 'integer'
    const users = `SELECT m.user_id, CAST(COUNT(*) AS ${bigint}) AS files, CAST(SUM(m.size) AS ${bigint}) AS bytes
      FROM media m WHERE m.user_id IS NOT NULL AND m.${uploads} AND m.created_ts >= ? AND m.created_ts <= ? GROUP BY m.user_id`
    const joined = `(${users}) u LEFT JOIN profiles p ON p.user_id = u.user_id
      WHERE (LOWER(u.user_id) LIKE ? ESCAPE '!' OR LOWER(COALESCE(p.displayname, '')) LIKE ? ESCAPE '!')`
    for (const direction of directions) {
      for (const [name, column] of Object.entries(USAGE_ORDERS)) {
        const sql = `SELECT u.user_id, p.displayname, u.files, u.bytes FROM ${joined}
          ORDER BY CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END, ${column} ${direction}, u.user_id LIMIT ? OFFSET ?`
        this.#usages.set(`${name} ${direction}`, db.prepare(sql))
      }
    }
    this.#countUsers = db.prepare(`SELECT COUNT(*) AS n FROM ${joined}`)
    this.#old = db.prepare(
      `SELECT ${EXPENDABLE}, accessed_ts AS "accessedTs" FROM media
       WHERE ${uploads} AND quarantined_ts IS NULL AND is_protected = 0
         AND accessed_ts < ? AND size > ? AND (accessed_ts > ? OR (accessed_ts = ? AND media_id > ?))
       ORDER BY accessed_ts, media_id LIMIT ?`,
    )
    this.#copies = db.prepare(
      `SELECT ${EXPENDABLE} FROM media WHERE kind = 'remote' AND content_hash IS NOT NULL
         AND quarantined_ts IS NULL AND accessed_ts < ? ORDER BY accessed_ts LIMIT ?`,
    )
    this.#expendable = db.prepare(
      `SELECT ${EXPENDABLE} FROM media WHERE origin = ? AND media_id = ? AND ${uploads}`,
    )
    this.#inRoom = db.prepare(
      `SELECT e.event_nid, e.position FROM events e JOIN event_json j ON j.event_nid = e.event_nid
       WHERE e.room_nid = ? AND e.position > ? AND e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0
         AND e.type NOT IN ('m.room.member', 'm.room.encrypted') AND j.json LIKE '%mxc://%'
       ORDER BY e.position LIMIT ?`,
    )
    this.#protect = db.prepare('UPDATE media SET is_protected = ? WHERE origin = ? AND media_id = ?')
  }

  /** The uploads of a user. */
  async ofUser(userId: string, page: Page<MediaOrder>): Promise<MediaRow[]> {
    const prepared = this.#ofUser.get(nameOf(page))
    if (prepared === undefined) return []
    return (await this.#db.scan(prepared, [userId, page.limit, page.from])).map(mediaRow)
  }

  async countOfUser(userId: string): Promise<number> {
    return Number((await this.#db.get<{ n: number }>(this.#countOfUser, [userId]))?.n ?? 0)
  }

  /** What users have uploaded in a span of time. */
  async usages(filter: UsageFilter, page: Page<UsageOrder>): Promise<UserUsage[]> {
    const prepared = this.#usages.get(nameOf(page))
    if (prepared === undefined) return []
    const rows = await this.#db.scan<{
      user_id: string
      displayname: string | null
      files: number
      bytes: number
    }>(prepared, [...parametersOf(filter), page.limit, page.from])
    return rows.map(row => ({
      userId: row.user_id,
      displayName: row.displayname ?? undefined,
      files: Number(row.files),
      bytes: Number(row.bytes),
    }))
  }

  /** How many users have uploaded anything in a span of time. */
  async countUsers(filter: UsageFilter): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#countUsers, parametersOf(filter))
    return Number(row?.n ?? 0)
  }

  /** Uploads larger than `size` that nobody has asked for since an instant, the longest first, after a place among them. */
  async old(
    wanted: { readonly accessedBefore: number; readonly size: number },
    after: { readonly accessedTs: number; readonly mediaId: string },
    limit: number,
  ): Promise<(Expendable & { readonly accessedTs: number })[]> {
    const { accessedTs, mediaId } = after
    const parameters = [wanted.accessedBefore, wanted.size, accessedTs, accessedTs, mediaId, limit]
    return this.#db.scan(this.#old, parameters)
  }

  /** Copies of others' files that nobody has asked for since an instant, the longest first. */
  copies(accessedBefore: number, limit: number): Promise<Expendable[]> {
    return this.#db.scan<Expendable>(this.#copies, [accessedBefore, limit])
  }

  /** An upload of this server, as it is deleted. */
  async upload(origin: string, mediaId: string): Promise<Expendable | undefined> {
    return this.#db.get<Expendable>(this.#expendable, [origin, mediaId])
  }

  /** Events of a room that may show files, in the order of their positions, after one of these. */
  async inRoom(roomNid: number, after: number, limit: number): Promise<{ nid: number; position: number }[]> {
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#inRoom, [
      ...[roomNid, after, limit],
    ])
    return rows.map(row => ({ nid: row.event_nid, position: row.position }))
  }

  /** Keeps a file from being hidden together with others, or no longer. Guard `media-unknown`. */
  protect(origin: string, mediaId: string, isProtected: boolean): WriteStatement {
    const guard = { name: 'media-unknown', expected: 1 }
    return { prepared: this.#protect, rows: [[isProtected ? 1 : 0, origin, mediaId]], guard }
  }
}

const nameOf = ({ order, isDescending }: Pick<Page<string>, 'order' | 'isDescending'>): string =>
  `${order} ${isDescending ? 'DESC' : 'ASC'}`

const parametersOf = ({ since, until, term = '' }: UsageFilter): (string | number)[] => {
  const pattern = containing(term.toLowerCase())
  return [since, until, pattern, pattern]
}
