import type { AccountDataEntry, AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { Answer } from '../answer.ts'
import { INVITATION_SETTINGS } from '../rooms/invite-policies.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type RoomExtras, type SyncSource, type ToldRoom } from './sync-source.ts'
import type { UserStream } from './user-stream.ts'

/** The `account_data` stream of `/sync`. */
export class AccountDataStream implements SyncSource {
  readonly stream = 'account_data'
  readonly #read: AccountDataReader
  readonly #sync: SyncReader
  readonly #changes: UserStream

  constructor(parts: { read: AccountDataReader; sync: SyncReader; changes: UserStream }) {
    this.#read = parts.read
    this.#sync = parts.sync
    this.#changes = parts.changes
  }

  position(): number {
    return this.#changes.position
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const isQuiet = after !== undefined && !this.#changes.mayHaveNews(request.requester.userId, after)
    return isQuiet ? NO_NEWS : this.#changed(request, after, upTo)
  }

  async roomAccountData(request: SyncRequest, { roomId, span }: ToldRoom): Promise<readonly string[]> {
    const { userId } = request.requester
    // Who has the room already may have what is deleted by now.
    const withDeleted = span?.after !== undefined
    const entries = await this.#sync.accountDataOf(userId, roomId, { withDeleted })
    return entries.filter(({ type }) => passes(request, roomId, type)).map(eventText)
  }

  async #changed(request: SyncRequest, after: number | undefined, upTo: number): Promise<News> {
    const { userId } = request.requester
    const { accountData, matchesRoom } = request.filter
    const entries = await (after === undefined
      ? this.#read.all(userId)
      : this.#read.changed(userId, after, upTo))
    const global: string[] = []
    const rooms = new Map<string, RoomExtras>()
    for (const entry of entries) {
      if (entry.roomId === '') {
        if (accountData.matches({ type: entry.type })) global.push(eventText(entry))
      } else if (matchesRoom(entry.roomId) && passes(request, entry.roomId, entry.type)) {
        const before = rooms.get(entry.roomId)?.accountData ?? []
        rooms.set(entry.roomId, { accountData: [...before, eventText(entry)] })
      }
    }
    const { limit = global.length } = accountData
    // "The maximum number of events to return": the newest, where it is asked for.
    const told = global.slice(Math.max(global.length - limit, 0))
    const reviewsInvitations = entries.some(
      ({ roomId, type }) => roomId === '' && INVITATION_SETTINGS.has(type),
    )
    return { events: new Map([['account_data', told]]), rooms, reviewsInvitations }
  }
}

const passes = ({ filter }: SyncRequest, roomId: string, type: string): boolean =>
  filter.roomAccountData.matchesRoom(roomId) && filter.roomAccountData.matches({ type })

const eventText = ({ type, content }: Pick<AccountDataEntry, 'type' | 'content'>): string =>
  `{"type":${JSON.stringify(type)},"content":${content}}`
