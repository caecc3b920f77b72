import type { FederationError } from '../../../../network/federation-client.ts'
import { MAX_EDUS, MAX_PDUS } from './transaction.ts'

const EVERYTHING = MAX_PDUS + MAX_EDUS
/** So many refusals of the content may be the peer's bad hour. */
const PATIENCE = 3
/** Whoever has not taken one of so many in a row, each by itself, takes nothing for now, whatever it is. */
const MAX_SET_ASIDE = 3

/** Statuses that speak of what was sent. All others may be different tomorrow for the same transaction. */
const OF_THE_CONTENT: ReadonlySet<number | undefined> = new Set([400, 413, 422])

/**
 * Whether a peer has read a transaction and does not want what is in it. A homeserver says so in its own words (`errcode`): a page is
 * that of a proxy, which has only measured it.
 */
export const refusesContent = ({ kind, status, errcode }: FederationError): boolean =>
  kind === 'response' && OF_THE_CONTENT.has(status) && (errcode !== undefined || status === 413)

/**
 * How much is put into one transaction for a destination that refuses what it is sent. Somewhere in it is an event or
 * EDU that this peer cannot take: halves are tried until it stands alone, to be set aside, so that it does not hold up
 * everything behind it for ever.
 */
export class Portion {
  #refusals = 0
  #limit = EVERYTHING
  /** In a row. */
  #setAside = 0

  /** Events and EDUs together. */
  get limit(): number {
    return this.#limit
  }

  /** Whether the culprit is being looked for. */
  get isSearching(): boolean {
    return this.#limit < EVERYTHING
  }

  /** A transaction was taken: the next may be larger again. */
  taken(): void {
    this.#refusals = 0
    this.#setAside = 0
    this.#limit = Math.min(EVERYTHING, this.#limit * 2)
  }

  /** A transaction of so many was refused for its content; answers what to do about it. */
  refused(size: number, { status }: FederationError): 'repeat' | 'split' | 'set aside' {
    this.#refusals += 1
    // What is too large does not become smaller by waiting.
    if (!this.isSearching && this.#refusals < PATIENCE && (status !== 413 || size <= 1)) return 'repeat'
    if (this.#setAside >= MAX_SET_ASIDE) {
      this.#refusals = 0
      this.#setAside = 0
      this.#limit = EVERYTHING
      return 'repeat'
    }
    if (size <= 1) {
      this.#setAside += 1
      return 'set aside'
    }
    this.#limit = Math.ceil(size / 2)
    return 'split'
  }
}
