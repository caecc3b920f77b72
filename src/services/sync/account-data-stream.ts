import type { AccountDataEntry, AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { SyncRequest } from './sync-request.ts'

/** JSON texts of account-data events: global ones, and by room ID. */
export interface AccountDataTexts {
  readonly global: readonly string[]
  readonly rooms: ReadonlyMap<string, readonly string[]>
}

/** The `account_data` stream of `/sync`. */
export class AccountDataStream {
  readonly #read: AccountDataReader

  constructor(read: AccountDataReader) {
    this.#read = read
  }

  /** What is there (initially) or has changed in a span of the stream. */
  async texts(request: SyncRequest, after: number | undefined, upTo: number): Promise<AccountDataTexts> {
    if (after === upTo) return { global: [], rooms: new Map() }
    const { userId } = request.requester
    const { accountData, roomAccountData, matchesRoom } = request.filter
    const entries = await (after === undefined
      ? this.#read.all(userId)
      : this.#read.changed(userId, after, upTo))
    const global: string[] = []
    const rooms = new Map<string, string[]>()
    for (const entry of entries) {
      // A deleted entry is told as one without content; who starts afresh need not hear of it.
      if (after === undefined && entry.content === '{}') continue
      if (entry.roomId === '') {
        if (accountData.matches({ type: entry.type })) global.push(eventText(entry))
      } else if (matchesRoom(entry.roomId) && roomAccountData.matches({ type: entry.type })) {
        rooms.set(entry.roomId, [...(rooms.get(entry.roomId) ?? []), eventText(entry)])
      }
    }
    return { global, rooms }
  }
}

const eventText = ({ type, content }: AccountDataEntry): string =>
  `{"type":${JSON.stringify(type)},"content":${content}}`
