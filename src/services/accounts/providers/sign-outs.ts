import { OAuthError } from '../../../core/oauth/errors.ts'
import { OpenIdError } from '../../../network/openid/errors.ts'
import type { SignedOut } from '../../../network/openid/logout-token.ts'
import type { AccountsContext } from '../context.ts'
import type { Devices } from '../devices.ts'
import { originOf, originsOf } from './origin.ts'

/** People who sign out at a provider, or are barred there: what was begun with it ends here (OpenID Connect Back-Channel Logout 1.0). */
export class SignOuts {
  readonly #context: AccountsContext
  readonly #devices: Devices

  constructor(context: AccountsContext, devices: Devices) {
    this.#context = context
    this.#devices = devices
  }

  /**
   * Ends the sessions here that were begun by a session at a provider, and what could still become one; where the provider names
   * none, all that somebody has begun with it.
   *
   * @throws {OAuthError} `invalid_request`: no such provider, or the token is not in order
   */
  async end(providerId: string, logoutToken: string): Promise<void> {
    const provider = this.#context.providers.find(({ options }) => options.id === providerId)
    if (provider === undefined) throw new OAuthError('invalid_request', 'There is no such provider')
    let whom: SignedOut
    try {
      whom = await provider.client.signedOut(logoutToken)
    } catch (error) {
      if (!(error instanceof OpenIdError)) throw error
      this.#context.onProviderFailure(providerId, error)
      throw new OAuthError('invalid_request', 'The logout token is not valid')
    }
    const { read, write } = this.#context
    const { origins, owner } = await this.#begunBy(providerId, whom)
    const kept = [write.browserSessions, write.oauthCodes, write.deviceCodes, write.oneTime]
    // What an earlier version noted without a session can be anybody's, and soon expires.
    const ofOne = origins.filter(origin => origin !== originsOf(providerId))
    await this.#context.commit(kept.map(one => one.deleteFrom(ofOne)))
    for (const origin of origins) {
      for (const [userId, deviceIds] of await read.devices.from(origin)) {
        if (owner === undefined || userId === owner) await this.#devices.remove(userId, deviceIds)
      }
    }
  }

  /** The sessions at the provider that have ended, and whose they were, where it has named somebody instead. */
  async #begunBy(
    provider: string,
    { subject, sessionId }: SignedOut,
  ): Promise<{ origins: readonly string[]; owner?: string }> {
    if (sessionId !== undefined)
      return { origins: [originOf(provider, { sub: subject ?? '', sid: sessionId })] }
    const { read } = this.#context
    const owner = await read.providerAccounts.owner({ provider, subject: subject ?? '' })
    if (owner === undefined) return { origins: [] }
    const all = await read.devices.origins(owner)
    return { origins: all.filter(origin => origin.startsWith(originsOf(provider))), owner }
  }
}
