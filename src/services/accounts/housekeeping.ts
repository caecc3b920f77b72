import type { AccountManagement } from './account-management.ts'
import type { Authentication } from './authentication.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { AccountsContext } from './context.ts'
import type { Devices } from './devices.ts'
import type { EmailValidations } from './email-validation.ts'
import type { OAuth } from './oauth/index.ts'
import type { ProviderSignIns } from './providers/index.ts'
import type { Rendezvous } from './rendezvous.ts'
import type { UserInteractive } from './user-interactive.ts'

/** How often what was collected in memory is written, and what has expired is removed. Milliseconds. */
const ROUND_MS = 60_000

/** How often devices that nobody uses are looked for: that reads all of them. */
const UNUSED_DEVICES_MS = 60 * 60_000

/** Tokens that expired so long ago, for good, are removed; until then their holder is told to log in again. */
const EXPIRED_TOKENS_KEPT_MS = 30 * 86_400_000

/** What is looked after. */
interface Kept {
  readonly authentication: Authentication
  readonly interactive: UserInteractive
  readonly emails: EmailValidations
  readonly management: AccountManagement
  readonly devices: Devices
  readonly browsers: BrowserSessions
  readonly oauth: OAuth
  readonly providers: ProviderSignIns
  readonly rendezvous: Rendezvous
}

/** Writes what was collected in memory, removes what has expired, and goes on with what was interrupted. */
export class Housekeeping {
  readonly #context: AccountsContext
  readonly #kept: Kept
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #unusedDevicesAt = 0

  constructor(context: AccountsContext, kept: Kept) {
    this.#context = context
    this.#kept = kept
  }

  /** Begins, with what a stop has interrupted. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends, and writes what was only collected in memory. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#attempt(() => this.#kept.authentication.lastSeen.flush())
  }

  /** One round. What fails keeps nothing else from being done, and is done again the next time. */
  async round(): Promise<void> {
    const { clock, write } = this.#context
    const { authentication, interactive, emails, management, devices, browsers } = this.#kept
    const { oauth, providers, rendezvous } = this.#kept
    const works: (() => Promise<unknown>)[] = [
      () => authentication.lastSeen.flush(),
      () => interactive.prune(),
      () => emails.prune(),
      () => browsers.prune(),
      () => oauth.prune(),
      () => providers.prune(),
      () => this.#context.commit([rendezvous.prune()]),
      () => this.#context.commit(write.tokens.dropExpired(clock.now() - EXPIRED_TOKENS_KEPT_MS)),
      () => management.resume(),
    ]
    if (clock.now() >= this.#unusedDevicesAt) {
      this.#unusedDevicesAt = clock.now() + UNUSED_DEVICES_MS
      works.push(() => devices.removeUnused())
    }
    for (const work of works) await this.#attempt(work)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    await this.#attempt(() => this.#kept.management.resume())
    while (!signal.aborted) {
      await this.#context.clock.sleep(ROUND_MS, signal).catch(() => {})
      if (!signal.aborted) await this.round()
    }
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#context.onError(error)
    }
  }
}
