import { FederationError } from '../../../../network/federation-client.ts'

/** What servers that were asked for a room's state have answered in one round instead of giving it. */
export class FailedRound {
  readonly #refusing = new Set<string>()
  #isDoubtful = false
  /** Somebody has not answered, or not now. */
  isAnyUnheard = false

  note(server: string, error: unknown): void {
    if (!(error instanceof FederationError) || error.kind === 'malformed') this.#isDoubtful = true
    else if (error.retryable || error.kind !== 'response') this.isAnyUnheard = true
    // Who cannot verify our requests says 401.
    else if (error.status === 403 && error.errcode === 'M_FORBIDDEN') this.#refusing.add(server)
    // Whoever has nobody in the room (404) knows nothing of it; who lacks members as we do (MSC3895) may come to know.
    else if (error.errcode !== 'M_NOT_FOUND') this.#isDoubtful = true
  }

  /** Nobody has begun to give something: they were not heard, or have refused at once. */
  get isCheap(): boolean {
    return !this.#isDoubtful
  }

  /**
   * Whether all who know the room hold our server not to be in it: among them the one that let us in, which must know of the
   * join, while others may not have heard of it yet.
   */
  isRefusedBy(resident: string): boolean {
    return this.#refusing.has(resident) && !this.#isDoubtful
  }
}
