import type { AccountDataEntry, AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type RoomExtras, type SyncSource } from './sync-source.ts'

/** The `account_data` stream of `/sync`. */
export class AccountDataStream implements SyncSource {
  readonly stream = 'account_data'
  readonly #read: AccountDataReader
  readonly position: () => number

  constructor(read: AccountDataReader, position: () => number) {
    this.#read = read
    this.position = position
  }

  async news(request: SyncRequest, after: number | undefined, upTo: number): Promise<News> {
    if (after !== undefined && after >= upTo) return NO_NEWS
    const { userId } = request.requester
    const { accountData, roomAccountData, matchesRoom } = request.filter
    const entries = await (after === undefined
      ? this.#read.all(userId)
      : this.#read.changed(userId, after, upTo))
    const global: string[] = []
    const rooms = new Map<string, RoomExtras>()
    for (const entry of entries) {
      // A deleted entry is told as one without content; who starts afresh need not hear of it.
      if (after === undefined && entry.content === '{}') continue
      if (entry.roomId === '') {
        if (accountData.matches({ type: entry.type })) global.push(eventText(entry))
      } else if (matchesRoom(entry.roomId) && roomAccountData.matches({ type: entry.type })) {
        const before = rooms.get(entry.roomId)?.accountData ?? []
        rooms.set(entry.roomId, { accountData: [...before, eventText(entry)] })
      }
    }
    return { events: new Map([['account_data', global]]), rooms }
  }
}

const eventText = ({ type, content }: AccountDataEntry): string =>
  `{"type":${JSON.stringify(type)},"content":${content}}`
