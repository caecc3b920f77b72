import { LRUCache } from 'lru-cache'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import type { AccountDataReader } from '../../storage/accounts/account-data.ts'

const NOBODY: ReadonlySet<string> = new Set()
const TYPE = 'm.ignored_user_list'

interface Known {
  readonly text: string | undefined
  readonly users: ReadonlySet<string>
  /** Nobody's account data has changed since this position. */
  checkedAt: number
}

/** Whom users ignore (client-server API, "Ignoring Users"): they are shown no messages and no invitations of those. */
export class IgnoredUsers {
  readonly #read: AccountDataReader
  readonly #position: () => number
  readonly #known = new LRUCache<string, Known>({ max: 20_000 })

  /** @param position where the stream `account_data` stands now */
  constructor(read: AccountDataReader, position: () => number) {
    this.#read = read
    this.#position = position
  }

  /** Whom a user ignores; never the user themselves. */
  async of(userId: string): Promise<ReadonlySet<string>> {
    const position = this.#position()
    const known = this.#known.get(userId)
    if (known?.checkedAt === position) return known.users
    const text = await this.#read.content(userId, '', TYPE)
    if (known !== undefined && known.text === text) {
      known.checkedAt = position
      return known.users
    }
    const users = text === undefined ? NOBODY : listed(text, userId)
    this.#known.set(userId, { text, users, checkedAt: position })
    return users
  }
}

const listed = (text: string, userId: string): ReadonlySet<string> => {
  const content = JSON.parse(text) as JsonValue
  const list = isJsonObject(content) ? content['ignored_users'] : undefined
  const users = new Set(isJsonObject(list) ? Object.keys(list) : [])
  users.delete(userId)
  return users
}
