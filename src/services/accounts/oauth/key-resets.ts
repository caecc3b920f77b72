import type { WriteStatement } from '../../../storage/database.ts'
import type { Requester } from '../../requester.ts'
import type { AccountsContext } from '../context.ts'
import { InteractiveChallenge } from '../interactive-attempt.ts'
import { newOpaqueId } from '../secrets.ts'

/** How long a user's word is good that their keys may be replaced. */
const APPROVED_MS = 600_000

/** The second name is of before version 1.17 (MSC4312). */
const STAGES = ['m.oauth', 'org.matrix.cross_signing_reset']

/**
 * Replacing cross-signing keys, which users confirm on a page of this server where their client has an OAuth session
 * (client-server API, "OAuth authentication").
 */
export class KeyResets {
  readonly #context: AccountsContext
  readonly #accountUrl: string

  constructor(context: AccountsContext, accountUrl: string) {
    this.#context = context
    this.#accountUrl = accountUrl
  }

  /**
   * A user's word, or an administrator's.
   * @param deviceId the device that may replace the keys; `undefined`: any of theirs
   * @returns until when it is good, in ms since 1970
   */
  async approve(userId: string, deviceId: string | undefined): Promise<number> {
    const { clock, write } = this.#context
    const until = clock.now() + APPROVED_MS
    await this.#context.commit([write.keyResets.approve(userId, deviceId ?? '', until)])
    return until
  }

  /** Uses up what was approved, if it was. */
  async use({ userId, deviceId = '' }: Requester): Promise<boolean> {
    const { clock, write } = this.#context
    for (const approved of new Set([deviceId, ''])) {
      const used = await this.#context.commit([write.keyResets.use(userId, approved, clock.now())])
      if (used.ok) return true
    }
    return false
  }

  /**
   * Uses up what the user has approved, with or without the session that the client was given before.
   * @throws {InteractiveChallenge} where they have not
   */
  async require(requester: Requester): Promise<void> {
    if (await this.use(requester)) return
    const { random } = this.#context
    const { deviceId = '' } = requester
    const query = new URLSearchParams({ action: 'org.matrix.cross_signing_reset', device_id: deviceId })
    const params = { url: `${this.#accountUrl}?${query}` }
    throw new InteractiveChallenge(
      {
        flows: STAGES.map(stage => ({ stages: [stage] })),
        params: Object.fromEntries(STAGES.map(stage => [stage, params])),
        session: newOpaqueId(random),
      },
      undefined,
    )
  }

  /** Removes what has expired. */
  prune(): WriteStatement {
    return this.#context.write.keyResets.prune(this.#context.clock.now())
  }
}
