import type { Prepared, Reader, SqlList, SqlValue } from '../database.ts'
import type { UserKind } from './users.ts'

/** An account as administrators see it in lists. Instants are milliseconds since 1970. */
export interface PagedUser {
  readonly userId: string
  readonly kind: UserKind
  readonly userType: string | undefined
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  readonly isShadowBanned: boolean
  readonly isErased: boolean
  readonly createdTs: number
  readonly deactivatedTs: number | undefined
  readonly lastSeenTs: number | undefined
  readonly displayName: string | undefined
  readonly avatarUrl: string | undefined
}

/** Which accounts; what is `undefined` does not matter. */
export interface UserFilter {
  /** A part of the localpart or the display name, in whatever case. */
  readonly name?: string | undefined
  /** A part of the user ID, in whatever case. */
  readonly userId?: string | undefined
  readonly isGuest?: boolean | undefined
  readonly isAdmin?: boolean | undefined
  readonly isLocked?: boolean | undefined
  readonly isSuspended?: boolean | undefined
  readonly isDeactivated?: boolean | undefined
  /** Types that are left out; '' stands for those who have none. */
  readonly notTypes?: readonly string[] | undefined
}

/** By what accounts can be put in order; those that are equal in it are in the order of their user IDs. */
const ORDERS = {
  name: 'u.user_id',
  displayname: "coalesce(p.displayname, '')",
  avatar_url: "coalesce(p.avatar_url, '')",
  user_type: "coalesce(u.user_type, '')",
  is_guest: "CASE WHEN u.kind = 'guest' THEN 1 ELSE 0 END",
  admin: 'u.is_admin',
  locked: 'u.is_locked',
  shadow_banned: 'u.is_shadow_banned',
  deactivated: 'CASE WHEN u.deactivated_ts IS NULL THEN 0 ELSE 1 END',
  creation_ts: 'u.created_ts',
  last_seen_ts: 'coalesce((SELECT max(d.last_seen_ts) FROM devices d WHERE d.user_id = u.user_id), 0)',
} as const

export type UserOrder = keyof typeof ORDERS

/** One page of a list. */
export interface UserPage extends UserFilter {
  readonly order: UserOrder
  readonly isDescending: boolean
  /** How many are passed over. */
  readonly from: number
  readonly limit: number
}

interface Columns {
  user_id: string
  kind: UserKind
  user_type: string | null
  is_admin: number
  is_locked: number
  is_suspended: number
  is_shadow_banned: number
  erase: number
  created_ts: number
  deactivated_ts: number | null
  displayname: string | null
  avatar_url: string | null
  last_seen_ts: number | null
}

const LAST_SEEN = '(SELECT max(d.last_seen_ts) FROM devices d WHERE d.user_id = u.user_id) AS last_seen_ts'
const COLUMNS = `u.user_id, u.kind, u.user_type, u.is_admin, u.is_locked, u.is_suspended, u.is_shadow_banned, u.erase, u.created_ts, u.deactivated_ts,
  p.displayname, p.avatar_url, ${LAST_SEEN}`
const FROM = 'FROM users u LEFT JOIN profiles p ON p.user_id = u.user_id'

/** Reads accounts for administrators, page by page. Reads as many accounts as there are. */
export class UserPages {
  readonly #db: Reader
  readonly #where: string
  readonly #count: Prepared
  readonly #one: Prepared
  /** Made when they are first asked for: there are as many as there are orders, twice. */
  readonly #pages = new Map<string, Prepared>()

  constructor(db: Reader) {
    this.#db = db
    this.#where = `WHERE lower(u.user_id) LIKE ? ESCAPE '!'
      AND (lower(u.user_id) LIKE ? ESCAPE '!' OR lower(p.displayname) LIKE ? ESCAPE '!')
      AND CASE WHEN u.kind = 'guest' THEN 1 ELSE 0 END BETWEEN ? AND ?
      AND u.is_admin BETWEEN ? AND ? AND u.is_locked BETWEEN ? AND ? AND u.is_suspended BETWEEN ? AND ?
      AND CASE WHEN u.deactivated_ts IS NULL THEN 0 ELSE 1 END BETWEEN ? AND ?
      AND NOT ${db.dialect.inText("coalesce(u.user_type, '')")}`
    this.#count = db.prepare(`SELECT count(*) AS total ${FROM} ${this.#where}`)
    this.#one = db.prepare(`SELECT ${COLUMNS} ${FROM} WHERE u.user_id = ?`)
  }

  /** A page of the accounts that fit, and how many fit altogether. */
  async page(wanted: UserPage): Promise<{ users: PagedUser[]; total: number }> {
    const { order, isDescending, from, limit } = wanted
    const filter = this.#parametersOf(wanted)
    const [count] = await this.#db.scan<{ total: number }>(this.#count, filter)
    const rows = await this.#db.scan<Columns>(this.#pageBy(order, isDescending), [...filter, limit, from])
    return { users: rows.map(pagedUser), total: Number(count?.total ?? 0) }
  }

  /** One account. */
  async one(userId: string): Promise<PagedUser | undefined> {
    const [row] = await this.#db.scan<Columns>(this.#one, [userId])
    return row && pagedUser(row)
  }

  #pageBy(order: UserOrder, isDescending: boolean): Prepared {
    const direction = isDescending ? 'DESC' : 'ASC'
    const key = `${order} ${direction}`
    const ordered = `ORDER BY ${ORDERS[order]} ${direction}, u.user_id`
    const prepared =
      this.#pages.get(key) ??
      this.#db.prepare(
        `WITH page AS (SELECT u.user_id ${FROM} ${this.#where} ${ordered} LIMIT ? OFFSET ?)
         SELECT ${COLUMNS} ${FROM} JOIN page ON page.user_id = u.user_id ${ordered}`,
      )
    this.#pages.set(key, prepared)
    return prepared
  }

  #parametersOf(filter: UserFilter): (SqlValue | SqlList)[] {
    const { name, userId, isGuest, isAdmin, isLocked, isSuspended, isDeactivated, notTypes = [] } = filter
    const flags = [isGuest, isAdmin, isLocked, isSuspended, isDeactivated]
    const localpart = name === undefined ? '%' : `@${containing(name)}:%`
    return [
      userId === undefined ? '%' : containing(userId),
      localpart,
      name === undefined ? '' : containing(name),
      ...flags.flatMap(range),
      this.#db.list(notTypes),
    ]
  }
}

/** A pattern for what has a text within it. */
const containing = (text: string): string => `%${text.toLowerCase().replace(/[!%_]/g, '!$&')}%`

/** Between which two a flag is to be. */
const range = (wanted: boolean | undefined): [number, number] => [
  wanted === true ? 1 : 0,
  wanted === false ? 0 : 1,
]

const pagedUser = (row: Columns): PagedUser => ({
  userId: row.user_id,
  kind: row.kind,
  userType: row.user_type ?? undefined,
  isAdmin: row.is_admin === 1,
  isLocked: row.is_locked === 1,
  isSuspended: row.is_suspended === 1,
  isShadowBanned: row.is_shadow_banned === 1,
  isErased: row.erase === 1,
  createdTs: row.created_ts,
  deactivatedTs: row.deactivated_ts ?? undefined,
  lastSeenTs: row.last_seen_ts === null ? undefined : Number(row.last_seen_ts),
  displayName: row.displayname ?? undefined,
  avatarUrl: row.avatar_url ?? undefined,
})
