import { isJsonObject, type JsonValue } from '../../core/json.ts'
import type { Answer } from '../answer.ts'
import type { NotificationCenter, NotificationNews } from '../notifications/notification-center.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type SyncSource } from './sync-source.ts'
import type { UserStream } from './user-stream.ts'

/** The member of filters that asks for notifications, and of responses that holds them. */
const MEMBER = 'chat.tessera.notifications'

/** What a client that did not ask for notifications was told of them. */
const NOTHING_TOLD: News = { upTo: 0 }

/**
 * The notifications of Tessera in `/sync`, for clients whose filter asks for them: the first of the list with how many
 * there are, from then on what changes.
 */
export class NotificationsStream implements SyncSource {
  readonly stream = 'notifications'
  readonly #center: NotificationCenter
  readonly #changes: UserStream

  constructor(center: NotificationCenter, changes: UserStream) {
    this.#center = center
    this.#changes = changes
  }

  position(): number {
    return this.#changes.position
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const asked = request.filter.source[MEMBER]
    return isAsked(asked) ? this.#told(request, asked, { after, upTo }) : NOTHING_TOLD
  }

  async #told(
    { requester, since }: SyncRequest,
    asked: JsonValue | undefined,
    { after, upTo }: { after: number | undefined; upTo: number },
  ): Promise<News> {
    const limit = limitOf(asked)
    // A token without a position, or of a response that was not asked for any: whatever was told before is old.
    if (after === undefined || after === 0)
      return told(await this.#center.beginning(requester, limit, since !== undefined))
    if (!this.#changes.mayHaveNews(requester.userId, after)) return NO_NEWS
    const changes = await this.#center.changes(requester, { after, upTo }, limit)
    return changes === undefined ? NO_NEWS : told(changes)
  }
}

/** `true`, or an object, which may hold a `limit`. */
const isAsked = (asked: JsonValue | undefined): boolean => asked === true || isJsonObject(asked)

const limitOf = (asked: JsonValue | undefined): number | undefined => {
  const limit = isJsonObject(asked) ? asked['limit'] : undefined
  return typeof limit === 'number' && Number.isSafeInteger(limit) ? limit : undefined
}

const told = ({ items, removed, total, nextBatch, isReset }: NotificationNews): News => {
  const further =
    (nextBatch === undefined ? '' : `,"next_batch":${JSON.stringify(nextBatch)}`) +
    (isReset ? ',"reset":true' : '')
  const body = `{"items":[${items.join(',')}],"removed":${JSON.stringify(removed)},"total":${total}${further}}`
  return { members: [`${JSON.stringify(MEMBER)}:${body}`] }
}
