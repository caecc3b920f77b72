import {
  type IgnoredSpans,
  ignoredBy,
  parseIgnoredList,
  parseSpans,
  wasMissed,
} from '../../core/ignored-spans.ts'
import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Answer } from '../answer.ts'
import { AccountDataMemo } from './account-data-memo.ts'

/** Whom a user ignores, and what they have missed of those whom they ignore no longer. */
export interface IgnoredLists {
  readonly users: ReadonlySet<string>
  readonly missed: Missed | undefined
}

/** Whom users ignore (client-server API, "Ignoring Users"): they are shown no messages and no invitations of those. */
export class IgnoredUsers {
  readonly #lists: AccountDataMemo<IgnoredLists>

  /** @param position where the stream `account_data` stands now */
  constructor(read: Pick<AccountDataReader, 'ignored'>, position: () => number) {
    this.#lists = new AccountDataMemo({
      position,
      content: async userId => {
        const list = await read.ignored(userId)
        return list && JSON.stringify(list)
      },
      parse: ({ content, spans }, userId) => ({
        users: ignoredBy(userId, parseIgnoredList(typeof content === 'string' ? content : undefined)),
        missed: missedOf(parseSpans(typeof spans === 'string' ? spans : null)),
      }),
    })
  }

  /** Whom a user ignores; never the user themselves. */
  async of(userId: string): Promise<ReadonlySet<string>> {
    return (await this.#lists.of(userId)).users
  }

  /** Both of these at once. */
  lists(userId: string): Answer<IgnoredLists> {
    return this.#lists.of(userId)
  }

  /** What a user has missed of those whom they ignore no longer; `undefined` if nothing. */
  async missedBy(userId: string): Promise<Missed | undefined> {
    return (await this.#lists.of(userId)).missed
  }
}

/**
 * Whether what somebody sent at a position of the stream `events` is one of the "events that were missed while the user
 * was ignored": who goes on with a sync "should not" be sent them, only a fresh sync shows them.
 */
export type Missed = (sender: string, position: number) => boolean

const missedOf = (spans: IgnoredSpans): Missed | undefined =>
  [...spans.values()].some(([, upTo]) => upTo !== undefined)
    ? (sender, position) => wasMissed(spans, sender, position)
    : undefined
