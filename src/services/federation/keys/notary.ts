import type { Clock } from '../../../core/clock.ts'
import { isServerName } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Permits } from '../options.ts'
import type { KeyRing } from './key-ring.ts'
import type { OwnKeys } from './own-keys.ts'

/** Server name → the instant until which its keys should be valid; now if not given. */
export type KeyQuestions = ReadonlyMap<string, number | undefined>

/** More servers than this are not looked up in one request. */
const MAX_SERVERS = 100

/** Vouches for other servers' keys (server-server API, "Querying Keys Through Another Server"). */
export class Notary {
  readonly #own: OwnKeys
  readonly #ring: KeyRing
  readonly #clock: Clock
  readonly #permits: Permits

  constructor(parts: { own: OwnKeys; ring: KeyRing; clock: Clock; permits: Permits }) {
    this.#own = parts.own
    this.#ring = parts.ring
    this.#clock = parts.clock
    this.#permits = parts.permits
  }

  /** The documents of the servers that are known or answer, each with our signature beside its own. */
  async query(questions: KeyQuestions): Promise<JsonObject[]> {
    const asked = [...questions].filter(([server]) => isServerName(server)).slice(0, MAX_SERVERS)
    const answers = await Promise.all(asked.map(([server, until]) => this.#one(server, until)))
    return answers.filter(answer => answer !== undefined)
  }

  async #one(server: string, until: number | undefined): Promise<JsonObject | undefined> {
    if (server === this.#own.serverName) return this.#own.document()
    if (!this.#permits(server)) return undefined
    const known = await this.#ring.document(server, until ?? this.#clock.now())
    return known && this.#own.sign(known.document)
  }
}
