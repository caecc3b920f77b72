import type { Clock } from '../../core/clock.ts'
import type { JsonObject } from '../../core/json.ts'
import { AccessTokenWriter } from '../../storage/accounts/access-token-writer.ts'
import { AccessTokenReader } from '../../storage/accounts/access-tokens.ts'
import { AccountDataReader, AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { BrowserSessionReader, BrowserSessionWriter } from '../../storage/accounts/browser-sessions.ts'
import { DeviceCodeReader, DeviceCodeWriter } from '../../storage/accounts/device-codes.ts'
import { DeviceReader, DeviceWriter } from '../../storage/accounts/devices.ts'
import { EmailValidationReader, EmailValidationWriter } from '../../storage/accounts/email-validations.ts'
import { FilterReader, FilterWriter } from '../../storage/accounts/filters.ts'
import {
  InteractiveSessionReader,
  InteractiveSessionWriter,
} from '../../storage/accounts/interactive-sessions.ts'
import { KeyResetApprovalWriter } from '../../storage/accounts/key-reset-approvals.ts'
import { OAuthClientReader, OAuthClientWriter } from '../../storage/accounts/oauth-clients.ts'
import { OAuthCodeReader, OAuthCodeWriter } from '../../storage/accounts/oauth-codes.ts'
import { OneTimeTokenReader, OneTimeTokenWriter } from '../../storage/accounts/one-time-tokens.ts'
import { ProfileReader, ProfileWriter } from '../../storage/accounts/profiles.ts'
import { ProviderAccountReader, ProviderAccountWriter } from '../../storage/accounts/provider-accounts.ts'
import { ProviderSignInReader, ProviderSignInWriter } from '../../storage/accounts/provider-sign-ins.ts'
import {
  RegistrationTokenReader,
  RegistrationTokenWriter,
} from '../../storage/accounts/registration-tokens.ts'
import { RendezvousReader, RendezvousWriter } from '../../storage/accounts/rendezvous.ts'
import { ThirdPartyIdReader, ThirdPartyIdWriter } from '../../storage/accounts/third-party-ids.ts'
import { UserWriter } from '../../storage/accounts/user-writer.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { CommitResult, Database, Reader, StreamName, WriteStatement } from '../../storage/database.ts'
import { ThreadSubscriptionWriter } from '../../storage/push/thread-subscriptions.ts'
import type { Bulletin } from '../bulletin.ts'
import type { AccountsOptions } from './options.ts'
import { Passwords } from './passwords.ts'
import type { Provider } from './providers/options.ts'
import type { RandomBytes } from './secrets.ts'

/**
 * What accounts ask of services that are built after them. Each is optional: what is not there yet has nothing to
 * say.
 */
export interface AccountsHooks {
  /** Whether an application service claims the user ID for itself (`M_EXCLUSIVE`). */
  isExclusive?(userId: string): boolean
  /** Has an application service make a local user who is not there; answers whether one has. */
  makeUser?(userId: string): Promise<boolean>
  /**
   * The display name or avatar of a local user has changed, durably. Called after the commit; to survive a crash
   * in between, follow the stream `profiles`.
   */
  onProfileChange?(userId: string, profile: DisplayProfile): Promise<void>
  /** Makes a deactivated user leave all rooms. Called again, also after a restart, until it has resolved once. */
  onDeactivate?(userId: string, options: { erase: boolean }): Promise<void>
  /**
   * Statements that belong into the write set that changes these devices, such as those that drop their keys; before the statement
   * that removes any.
   */
  onDevicesChange?(userId: string, change: DevicesChange): readonly WriteStatement[]
  /** Statements that remove what a user has beside their devices, such as pushers that were set without one, with their account. */
  onAccountEnd?(userId: string): readonly WriteStatement[]
  /** Statements that belong into the write set by which a user comes to ignore these people. */
  onIgnoring?(userId: string, ignored: readonly string[]): Promise<readonly WriteStatement[]>
  /** Whether an ID is that of one of a local user's cross-signing keys, and so no name for a device. */
  isSigningKey?(userId: string, id: string): Promise<boolean>
  /** Where there is a picture of a new user, who has none yet. Called after the commit. */
  onPicture?(userId: string, url: string): Promise<void>
  /** A local user has shown that one more e-mail address is theirs. Called after the commit. */
  onAddress?(userId: string): Promise<void>
  /** Asks a remote user's server for their profile, or one field of it. Refuses with `M_NOT_FOUND`. */
  remoteProfile?(userId: string, key: string | undefined): Promise<JsonObject>
  /** Counts wrong passwords by whom they were tried for. Both throw `M_LIMIT_EXCEEDED` where there have been too many. */
  guesses?: { check(whom: string): void; wrong(whom: string): void }
}

/** The part of a profile that membership events carry. */
export type DisplayProfile = { readonly displayname?: string; readonly avatar_url?: string }

export interface DevicesChange {
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
  readonly renamed?: readonly string[]
}

/** Readers and writers of all account tables. */
const storesOf = (db: Reader) => ({
  read: {
    users: new UserReader(db),
    devices: new DeviceReader(db),
    tokens: new AccessTokenReader(db),
    registrationTokens: new RegistrationTokenReader(db),
    interactive: new InteractiveSessionReader(db),
    oneTime: new OneTimeTokenReader(db),
    profiles: new ProfileReader(db),
    accountData: new AccountDataReader(db),
    filters: new FilterReader(db),
    threepids: new ThirdPartyIdReader(db),
    emails: new EmailValidationReader(db),
    oauthClients: new OAuthClientReader(db),
    oauthCodes: new OAuthCodeReader(db),
    deviceCodes: new DeviceCodeReader(db),
    browserSessions: new BrowserSessionReader(db),
    rendezvous: new RendezvousReader(db),
    providerAccounts: new ProviderAccountReader(db),
    providerSignIns: new ProviderSignInReader(db),
  },
  write: {
    users: new UserWriter(db),
    devices: new DeviceWriter(db),
    tokens: new AccessTokenWriter(db),
    registrationTokens: new RegistrationTokenWriter(db),
    interactive: new InteractiveSessionWriter(db),
    oneTime: new OneTimeTokenWriter(db),
    profiles: new ProfileWriter(db),
    accountData: new AccountDataWriter(db),
    threadSubscriptions: new ThreadSubscriptionWriter(db),
    filters: new FilterWriter(db),
    threepids: new ThirdPartyIdWriter(db),
    emails: new EmailValidationWriter(db),
    oauthClients: new OAuthClientWriter(db),
    oauthCodes: new OAuthCodeWriter(db),
    deviceCodes: new DeviceCodeWriter(db),
    browserSessions: new BrowserSessionWriter(db),
    rendezvous: new RendezvousWriter(db),
    keyResets: new KeyResetApprovalWriter(db),
    providerAccounts: new ProviderAccountWriter(db),
    providerSignIns: new ProviderSignInWriter(db),
  },
})

/** What all parts of the accounts service share. */
export interface AccountsContext extends ReturnType<typeof storesOf> {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly options: AccountsOptions
  readonly passwords: Passwords
  readonly hooks: AccountsHooks
  /** With which people sign in elsewhere, in the order in which they are offered. */
  readonly providers: readonly Provider[]
  /** Told of failures that the request which met them does not depend on. */
  readonly onError: (error: unknown) => void
  /** Told why a provider did not say who somebody is. */
  readonly onProviderFailure: (provider: string, reason: Error) => void
  /** Commits statements as one write set. */
  commit(statements: readonly WriteStatement[]): Promise<CommitResult>
  /** Where a stream stands now. */
  position(stream: StreamName): number
  /** Where caches of other processes are told what to forget. */
  readonly bulletin: Bulletin | undefined
}

/** Builds the context once; statements are prepared here. */
export const accountsContext = (parts: {
  database: Database
  clock: Clock
  random: RandomBytes
  options: AccountsOptions
  hooks: AccountsHooks
  providers: readonly Provider[]
  onError: (error: unknown) => void
  onProviderFailure: (provider: string, reason: Error) => void
  bulletin?: Bulletin | undefined
}): AccountsContext => ({
  ...storesOf(parts.database),
  clock: parts.clock,
  random: parts.random,
  options: parts.options,
  passwords: new Passwords(parts.options.passwords),
  hooks: parts.hooks,
  providers: parts.providers,
  onError: parts.onError,
  onProviderFailure: parts.onProviderFailure,
  bulletin: parts.bulletin,
  commit: statements => parts.database.commit({ statements }),
  position: stream => parts.database.position(stream),
})
