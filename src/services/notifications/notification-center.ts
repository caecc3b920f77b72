import { MatrixError } from '../../core/errors.ts'
import type { Reader } from '../../storage/database.ts'
import { FollowedStreams } from '../../storage/followed-streams.ts'
import {
  NOTIFICATION_KINDS,
  type NotificationKind,
  type NotificationPlace,
  type NotificationReader,
  type NotificationRow,
} from '../../storage/notifications/notifications.ts'
import type { Requester } from '../requester.ts'
import type { Inbox } from './inbox.ts'
import type { Inboxes } from './inboxes.ts'
import type { NotificationViews } from './notification-view.ts'
import type { WantedInvitations } from './wanted-invitations.ts'

/** `GET …/notifications` as it was asked. */
export interface NotificationListQuery {
  readonly from?: string | undefined
  readonly limit?: number | undefined
  readonly kind?: string | undefined
}

/** What is to be closed: what any of these names. */
export interface NotificationChoice {
  readonly ids?: readonly string[] | undefined
  readonly roomId?: string | undefined
  readonly kind?: string | undefined
}

/** What `/sync` tells of notifications. */
export interface NotificationNews {
  /** JSON texts, newest first. */
  readonly items: readonly string[]
  /** IDs. */
  readonly removed: readonly string[]
  /** How many wait in all. */
  readonly total: number
  /** Where the list goes on. */
  readonly nextBatch: string | undefined
  /** The client has to begin anew: this is the beginning of the whole list. */
  readonly isReset: boolean
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100
/** More changes than this are told as a new beginning. */
const MAX_CHANGES = 200
/** A list waits no longer (ms) for what its user has just set, as when a large database is followed for the first time. */
const MAX_WAIT_MS = 5_000
/** Closed by one request. */
const MAX_CLOSED = 1_000

/** Under this name stands up to where changes have been forgotten. */
export const FORGOTTEN = 'notifications forgotten'

/** Users' notifications as they are listed, told in `/sync`, and closed. */
export class NotificationCenter {
  readonly #inbox: Inbox
  readonly #inboxes: Inboxes
  readonly #views: NotificationViews
  readonly #followed: FollowedStreams
  readonly #wanted: Pick<WantedInvitations, 'caughtUp'>

  constructor(parts: {
    db: Reader
    inbox: Inbox
    inboxes: Inboxes
    views: NotificationViews
    wanted: Pick<WantedInvitations, 'caughtUp'>
  }) {
    this.#inbox = parts.inbox
    this.#inboxes = parts.inboxes
    this.#views = parts.views
    this.#wanted = parts.wanted
    this.#followed = new FollowedStreams(parts.db)
  }

  get #read(): NotificationReader {
    return this.#inbox.read
  }

  /** A page as JSON text, newest first. Throws `M_INVALID_PARAM` for what is no token or kind. */
  async page(requester: Requester, query: NotificationListQuery): Promise<string> {
    const { userId } = requester
    const kinds = query.kind === undefined ? NOTIFICATION_KINDS : [kindOf(query.kind)]
    const after = query.from === undefined ? undefined : placeOf(query.from)
    const limit = Math.min(Math.max(query.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT)
    await this.#inboxes.ensure(userId)
    // Whoever has just ignored somebody finds nothing of them here, as in the list of invitations.
    await this.#wanted.caughtUp(MAX_WAIT_MS)
    const { items, next } = await this.#list(requester, { kinds, after, limit })
    const total = await this.#read.count(userId, kinds)
    const nextBatch = next === undefined ? '' : `,"next_batch":${JSON.stringify(next)}`
    return `{"items":[${items.join(',')}],"total":${total}${nextBatch}}`
  }

  /** The beginning of the list, for a client that knows nothing of it. */
  async beginning(requester: Requester, limit = DEFAULT_LIMIT, isReset = false): Promise<NotificationNews> {
    const { userId } = requester
    await this.#inboxes.ensure(userId)
    const { items, next } = await this.#list(requester, {
      kinds: NOTIFICATION_KINDS,
      after: undefined,
      limit: Math.min(Math.max(limit, 0), MAX_LIMIT),
    })
    const total = await this.#read.count(userId, NOTIFICATION_KINDS)
    return { items, removed: [], total, nextBatch: next, isReset }
  }

  /** What has changed between two positions of `notifications`; `undefined` if nothing has. */
  async changes(
    requester: Requester,
    span: { readonly after: number; readonly upTo: number },
    limit?: number,
  ): Promise<NotificationNews | undefined> {
    const { userId } = requester
    const isForgotten = span.after < (await this.#followed.position(FORGOTTEN))
    const rows = isForgotten ? [] : await this.#read.changed(userId, { ...span, limit: MAX_CHANGES + 1 })
    if (isForgotten || rows.length > MAX_CHANGES) return this.beginning(requester, limit, true)
    if (rows.length === 0) return undefined
    const waiting = rows.filter(({ removal }) => removal === 'waiting').sort(newestFirst)
    return {
      items: await this.#views.texts(requester, waiting),
      removed: rows.filter(({ removal }) => removal !== 'waiting').map(({ id }) => id),
      total: await this.#read.count(userId, NOTIFICATION_KINDS),
      nextBatch: undefined,
      isReset: false,
    }
  }

  /** Closes one. Throws `M_NOT_FOUND`, also for what is another's. */
  async close(userId: string, id: string): Promise<void> {
    const rows = await this.#read.byIds(userId, [id])
    if (rows.length === 0) throw new MatrixError('M_NOT_FOUND', 'You have no such notification')
    await this.#inbox.dismiss(userId, rows)
  }

  /**
   * Closes several; answers how many. What is not the user's, or is gone already, is passed over.
   * Throws `M_MISSING_PARAM` if nothing is chosen, `M_INVALID_PARAM`.
   */
  async closeAll(userId: string, { ids, roomId, kind }: NotificationChoice): Promise<number> {
    if (ids === undefined && roomId === undefined && kind === undefined)
      throw new MatrixError('M_MISSING_PARAM', 'ids, room_id or kind must say which notifications are meant')
    if ((ids?.length ?? 0) > MAX_CLOSED)
      throw new MatrixError('M_INVALID_PARAM', `At most ${MAX_CLOSED} IDs may be given at once`)
    const chosen = kind === undefined ? undefined : kindOf(kind)
    const found = new Map<string, NotificationRow>()
    const add = (rows: readonly NotificationRow[]): void => {
      for (const row of rows) found.set(row.id, row)
    }
    if (ids !== undefined) add(await this.#read.byIds(userId, ids))
    if (roomId !== undefined) add(await this.#read.inRoom(userId, roomId))
    if (chosen !== undefined)
      add(await this.#read.page(userId, { kinds: [chosen], after: undefined, limit: MAX_CLOSED }))
    await this.#inbox.dismiss(userId, [...found.values()])
    return found.size
  }

  async #list(
    requester: Requester,
    query: {
      kinds: readonly NotificationKind[]
      after: NotificationPlace | undefined
      limit: number
    },
  ): Promise<{ items: string[]; next: string | undefined }> {
    const rows = await this.#read.page(requester.userId, { ...query, limit: query.limit + 1 })
    const shown = rows.slice(0, query.limit)
    const last = shown.at(-1)
    return {
      items: await this.#views.texts(requester, shown),
      next: rows.length > query.limit && last !== undefined ? `n${last.ts}.${last.id}` : undefined,
    }
  }
}

const newestFirst = (a: NotificationPlace, b: NotificationPlace): number =>
  b.ts - a.ts || (a.id < b.id ? 1 : -1)

const kindOf = (kind: string): NotificationKind => {
  const found = NOTIFICATION_KINDS.find(one => one === kind)
  if (found === undefined) throw new MatrixError('M_INVALID_PARAM', 'There is no such kind of notification')
  return found
}

const placeOf = (token: string): NotificationPlace => {
  const match = /^n(\d{1,15})\.([\w-]{1,64})$/.exec(token)
  const [, ts, id] = match ?? []
  if (ts === undefined || id === undefined)
    throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  return { ts: Number(ts), id }
}
