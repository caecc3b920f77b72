import type { Clock } from '../../core/clock.ts'
import type { IdentityServers } from '../../network/identity-servers.ts'
import type { Mailer } from '../../network/mailer.ts'
import type { Database } from '../../storage/database.ts'
import type { Bulletin } from '../bulletin.ts'
import type { PartialAccountsOptions } from './options.ts'
import type { Provider } from './providers/options.ts'
import type { RandomBytes } from './secrets.ts'

/** What accounts are made of. */
export interface AccountsParts {
  readonly database: Database
  readonly clock: Clock
  readonly options: PartialAccountsOptions & { readonly defaultRoomVersion?: string | undefined }
  readonly random?: RandomBytes
  /** The way out for e-mail, if there is one. */
  readonly mailer?: Mailer | undefined
  /** With which accounts elsewhere people sign in. */
  readonly providers?: readonly Provider[] | undefined
  readonly identityServers?: Pick<IdentityServers, 'bind' | 'unbind'> | undefined
  /** Where other processes are told of what they have in memory and is no longer so. */
  readonly bulletin?: Bulletin | undefined
  /** Told of failures in the background, which nobody waits for. */
  readonly onError?: (error: unknown) => void
  /** Told why a provider did not say who somebody is. */
  readonly onProviderFailure?: (provider: string, reason: Error) => void
}
