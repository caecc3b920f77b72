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
    const origins = await this.#origins(providerId, whom)
    const kept = [write.browserSessions, write.oauthCodes, write.deviceCodes, write.oneTime]
    await this.#context.commit(kept.map(one => one.deleteFrom(origins)))
    for (const origin of origins) {
      for (const [userId, deviceIds] of await read.devices.from(origin)) {
        await this.#devices.remove(userId, deviceIds)
      }
    }
  }

  async #origins(provider: string, { subject, sessionId }: SignedOut): Promise<readonly string[]> {
    if (sessionId !== undefined) return [originOf(provider, sessionId)]
    const { read } = this.#context
    const account = { provider, subject: subject ?? '' }
    const userId = await read.providerAccounts.owner(account)
    const all = userId === undefined ? [] : await read.devices.origins(userId)
    return all.filter(origin => origin.startsWith(originsOf(provider)))
  }
}
