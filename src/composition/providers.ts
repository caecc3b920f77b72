import type { Config } from '../config/schema/index.ts'
import type { Clock } from '../core/clock.ts'
import { OpenIdProviderClient } from '../network/openid/provider.ts'
import { ANYWHERE, openHttpClient } from '../network/outgoing.ts'
import type { Provider } from '../services/accounts/providers/options.ts'
import { outgoingOf } from './options.ts'
import type { Running } from './running.ts'

/**
 * The providers with which people sign in, and the connections to them; none where the operator has named none.
 * @param timeoutMs how long to wait for each of their answers, if not as for whoever signs in
 */
export const openProviders = (
  config: Config,
  clock: Clock,
  timeoutMs?: number,
): {
  providers: readonly (Provider & { readonly client: OpenIdProviderClient })[]
  running: readonly Running[]
} => {
  const { signIn } = config
  if (signIn.providers.length === 0) return { providers: [], running: [] }
  const patience = timeoutMs === undefined ? {} : { timeoutMs }
  const http = openHttpClient(
    { ...outgoingOf(config, clock), ...ANYWHERE },
    timeoutMs === undefined ? {} : { connectTimeoutMs: timeoutMs },
  )
  const providers = signIn.providers.map(options => ({
    options,
    client: new OpenIdProviderClient(options, { http, clock, ...patience }),
  }))
  return { providers, running: [http] }
}
