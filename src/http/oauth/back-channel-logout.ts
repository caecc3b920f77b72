import type { Clock } from '../../core/clock.ts'
import type { Pages } from '../pages.ts'
import { answer, formOf } from './answer.ts'

/**
 * Adds the endpoint by which providers tell that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0). "If the
 * logout succeeded, the RP MUST respond with HTTP 200 OK"; a token that is not in order is answered 400.
 */
export const addBackChannelLogout = (
  pages: Pages,
  options: {
    readonly path: string
    readonly clock: Clock
    /** @throws {OAuthError} */
    readonly end: (providerId: string, logoutToken: string) => Promise<void>
  },
): void => {
  pages.post(`${options.path}/:id`, context =>
    answer(context, async () => {
      const parameters = await formOf(context, options.clock)
      await options.end(String(context.params['id']), parameters.need('logout_token'))
      return {}
    }),
  )
}
