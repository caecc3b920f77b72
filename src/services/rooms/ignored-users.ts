import { isJsonObject } from '../../core/json.ts'
import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import { AccountDataMemo } from './account-data-memo.ts'

const NOBODY: ReadonlySet<string> = new Set()

/** Whom users ignore (client-server API, "Ignoring Users"): they are shown no messages and no invitations of those. */
export class IgnoredUsers {
  readonly #lists: AccountDataMemo<ReadonlySet<string>>

  /** @param position where the stream `account_data` stands now */
  constructor(read: AccountDataReader, position: () => number) {
    this.#lists = new AccountDataMemo({
      ...{ read, position, type: 'm.ignored_user_list' },
      parse: ({ ignored_users: list }, userId) => {
        if (!isJsonObject(list)) return NOBODY
        return new Set(Object.keys(list).filter(ignored => ignored !== userId))
      },
    })
  }

  /** Whom a user ignores; never the user themselves. */
  of(userId: string): Promise<ReadonlySet<string>> {
    return this.#lists.of(userId)
  }
}
