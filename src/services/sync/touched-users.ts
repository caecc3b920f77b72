/** Users of whom it is remembered where something last concerned them; beyond that all are forgotten. */
const MAX_REMEMBERED = 100_000

/** Whom a stream concerned lately, as far as it was followed: who is not among them need not ask the database. */
export class TouchedUsers {
  readonly #newest = new Map<string, number>()
  /** Nothing is known of what came up to here. */
  #from: number
  #followed: number

  /** @param from the position at which following starts */
  constructor(from: number) {
    this.#from = from
    this.#followed = from
  }

  get followed(): number {
    return this.#followed
  }

  /** What came up to a position concerns these users. */
  follow(users: Iterable<string>, upTo: number): void {
    if (this.#newest.size > MAX_REMEMBERED) {
      this.#newest.clear()
      this.#from = this.#followed
    }
    for (const userId of users) this.#newest.set(userId, upTo)
    this.#followed = upTo
  }

  /** Whether a span holds nothing for a user; `true` is certain. */
  areWithout(userId: string, after: number, upTo: number): boolean {
    if (after >= upTo) return true
    return after >= this.#from && upTo <= this.#followed && (this.#newest.get(userId) ?? 0) <= after
  }
}
