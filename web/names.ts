/** Control characters but ends of lines and tabs, and what turns the direction of all that follows. */
const TROUBLESOME = /[\u202a-\u202e\u2066-\u2069]|(?![\n\t])\p{Cc}/gu

/** What somebody wrote, without what would disturb the words beside it. */
export const harmless = (text: string): string => text.replace(TROUBLESOME, '')

/** Anything that leaves a mark on the page: no blanks, no marks without a letter, nothing that is made not to be seen. */
const MARK = /[^\p{Z}\p{M}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u

/** A name as it can be shown; `undefined` where there is none, or nothing of it could be seen. */
export const visible = (name: unknown): string | undefined =>
  typeof name === 'string' && MARK.test(name) ? harmless(name).trim() : undefined

/** A user's name where they have given themselves none. */
export const localpart = (userId: string): string => userId.replace(/^@([^:]*).*$/, '$1')

/** How the people of a room are called: whoever calls themselves like somebody else, or by a user ID, is told apart by their own. */
export class Names {
  readonly #own = new Map<string, string>()
  readonly #users = new Map<string, Set<string>>()

  set(userId: string, displayName: unknown): void {
    this.delete(userId)
    const name = visible(displayName) ?? localpart(userId)
    this.#own.set(userId, name)
    const users = this.#users.get(alike(name)) ?? new Set()
    this.#users.set(alike(name), users.add(userId))
  }

  delete(userId: string): void {
    const name = this.#own.get(userId)
    if (name === undefined) return
    this.#own.delete(userId)
    this.#users.get(alike(name))?.delete(userId)
  }

  of(userId: string): string {
    const name = this.#own.get(userId) ?? localpart(userId)
    const users = this.#users.get(alike(name)) ?? new Set()
    const isDoubtful = users.size > (users.has(userId) ? 1 : 0) || LIKE_A_USER_ID.test(alike(name))
    return isDoubtful ? `${name} (${userId})` : name
  }
}

/** As if told apart already, by the user ID of somebody else. */
const LIKE_A_USER_ID = /@\S*:/

/** Names that look alike are the same. */
const alike = (name: string): string => name.normalize('NFKC').toLowerCase()
