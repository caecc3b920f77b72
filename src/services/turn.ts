import { createHmac } from 'node:crypto'
import type { Clock } from '../core/clock.ts'

/** The TURN server of the settings. */
export interface TurnOptions {
  readonly uris: readonly string[]
  readonly sharedSecret?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Milliseconds. */
  readonly lifetime: number
}

/** What a client needs to use it. */
export interface TurnCredentials {
  readonly username: string
  readonly password: string
  readonly uris: string[]
  /** Seconds. */
  readonly ttl: number
}

/** Gives users access to the TURN server (module "Voice over IP"). */
export class Turn {
  readonly #options: TurnOptions
  readonly #clock: Clock

  constructor(options: TurnOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Credentials for a user; `undefined` if there is no TURN server. */
  credentials(userId: string): TurnCredentials | undefined {
    const { sharedSecret, username = '', password = '', lifetime } = this.#options
    const uris = [...this.#options.uris]
    const ttl = Math.floor(lifetime / 1000)
    if (uris.length === 0) return undefined
    if (sharedSecret === undefined) return { username, password, uris, ttl }
    // "TURN REST API" (draft-uberti-behave-turn-rest): the server needs no list of users, only the secret.
    const expiring = `${Math.floor(this.#clock.now() / 1000) + ttl}:${userId}`
    const mac = createHmac('sha1', sharedSecret).update(expiring).digest('base64')
    return { username: expiring, password: mac, uris, ttl }
  }
}
