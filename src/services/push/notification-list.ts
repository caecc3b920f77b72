import { MatrixError } from '../../core/errors.ts'
import type { Reader } from '../../storage/database.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'

/** `GET /notifications` as it was asked. */
export interface NotificationQuery {
  readonly from?: string | undefined
  readonly limit?: number | undefined
  readonly only?: string | undefined
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** Above every position, and short enough for a token. */
const NEWEST = 999_999_999_999_999

/** The list of what users were notified of (module "Push Notifications", "Listing Notifications"). */
export class NotificationList {
  readonly #actions: PushActionReader
  readonly #read: RoomReaders
  readonly #clientEvents: ClientEvents
  readonly #counted: () => Promise<void>

  /** @param parts.counted resolves once all events that are stored by now have been judged */
  constructor(parts: {
    db: Reader
    read: RoomReaders
    clientEvents: ClientEvents
    counted: () => Promise<void>
  }) {
    this.#actions = new PushActionReader(parts.db)
    this.#read = parts.read
    this.#clientEvents = parts.clientEvents
    this.#counted = parts.counted
  }

  /**
   * A page, newest first, as JSON text; with a limit of 0 only whether there are any more. The first one has whatever
   * was sent before it was asked for. Throws `M_INVALID_PARAM` for a token that is not this server's.
   */
  async page({ userId, deviceId }: Requester, query: NotificationQuery): Promise<string> {
    const limit = Math.min(Math.max(query.limit ?? DEFAULT_LIMIT, 0), MAX_LIMIT)
    const before = query.from === undefined ? NEWEST : positionOf(query.from)
    if (query.from === undefined) await this.#counted()
    const rows = await this.#actions.page(userId, {
      before,
      onlyHighlights: query.only === 'highlight',
      limit: limit + 1,
    })
    const shown = rows.slice(0, limit)
    const events = await this.#read.events.byNids(shown.map(({ eventNid }) => eventNid))
    const texts = await this.#clientEvents.render(events, { userId, deviceId }, { roomId: false })
    const byNid = new Map(events.map(({ nid, event }, index) => [nid, { event, text: texts[index] }]))
    const notifications = shown.flatMap(({ eventNid, actions, read, ts }) => {
      const found = byNid.get(eventNid)
      if (found?.text === undefined) return []
      const room = JSON.stringify(found.event.roomId)
      return `{"actions":${actions},"event":${found.text},"read":${read},"room_id":${room},"ts":${ts}}`
    })
    const next = rows.length > limit ? `"next_token":"n${shown.at(-1)?.position ?? before}",` : ''
    return `{${next}"notifications":[${notifications.join(',')}]}`
  }
}

const positionOf = (token: string): number => {
  if (!/^n\d{1,15}$/.test(token))
    throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  return Number(token.slice(1))
}
