import { baseUrlOf } from '../../composition/options.ts'
import { openProviders } from '../../composition/providers.ts'
import type { Config } from '../../config/schema/index.ts'
import { OpenIdError } from '../../network/openid/errors.ts'
import { OAUTH_PATHS } from '../../services/accounts/oauth/metadata.ts'
import { systemClock } from '../../system-clock.ts'
import { explain, type Finding, fail, ok, skip, warn } from './finding.ts'

/**
 * Whether people can sign in with the providers that are named: each is there, knows this server, and sends people back to it.
 * @param timeoutMs how long to wait for each answer
 */
export async function* checkProviders(config: Config, timeoutMs: number): AsyncGenerator<Finding> {
  const { providers, running } = openProviders(config, systemClock, timeoutMs)
  const redirectUri = baseUrlOf(config) + OAUTH_PATHS.callback
  if (providers.length === 0) yield skip('sign-in', 'no provider is named (sign_in.providers)')
  for (const { options, client } of providers) {
    try {
      const { sendsBack } = await client.check(redirectUri)
      const fix = `See that the redirect URI ${redirectUri} is registered there. If people come back, all is well.`
      yield sendsBack
        ? ok('sign-in', `${options.id} knows this server`)
        : warn('sign-in', `${options.id} knows this server, but does not say that it sends people back`, fix)
    } catch (error) {
      const fix = `Correct issuer, client_id and client_secret of ${options.id} under sign_in.providers.`
      yield fail(
        'sign-in',
        `${options.id}: ${error instanceof OpenIdError ? error.message : explain(error)}`,
        fix,
      )
    }
  }
  await Promise.all(running.map(one => one.close()))
}
