import type { MailLanguage } from '../../core/mail-words/index.ts'
import { DEFAULT_PASSWORD_OPTIONS, type PasswordOptions } from './passwords.ts'

/** A policy document that new users must accept: its version, and name and address by language. */
export interface PolicyDocument {
  readonly version: string
  readonly translations: Readonly<Record<string, { readonly name: string; readonly url: string }>>
}

/** How accounts work on this server. */
export interface AccountsOptions {
  /** The server part of local user IDs. */
  readonly serverName: string
  readonly registration: {
    /**
     * `closed`: only administrators make accounts. `token`: whoever has a registration token. `open`: anybody.
     */
    readonly mode: 'closed' | 'token' | 'open'
    /** Whether guests (guest_access.md) may come. */
    readonly guests: boolean
    /** Documents to be accepted, by policy ID. */
    readonly terms?: Readonly<Record<string, PolicyDocument>> | undefined
    /** Lets whoever knows it make accounts through `/_synapse/admin/v1/register`. */
    readonly sharedSecret?: string | undefined
    /** Whether new users show that they have an e-mail address, which is then added to their account. */
    readonly email: 'off' | 'optional' | 'required'
    /** Patterns (globs) of localparts that nobody may register. */
    readonly forbiddenNames?: readonly string[] | undefined
  }
  readonly email: {
    /** Patterns (globs) of the domains whose addresses may be used; `undefined`: any. */
    readonly allowDomains?: readonly string[] | undefined
    /** Whether whoever asks is told that an address belongs to an account; otherwise its owner is, by e-mail. */
    readonly revealAccounts: boolean
    /** Where links in e-mails lead, without a slash at the end. */
    readonly baseUrl: string
    readonly language: MailLanguage
  }
  /** Fields of their profile that users cannot change by themselves. */
  readonly fixedProfileFields: readonly string[]
  readonly passwords: PasswordOptions
  readonly oauth: {
    /** Whether clients can have their users sign in on the pages of this server (the OAuth 2.0 API). */
    readonly enabled: boolean
    /** Who may begin signing a device in by a QR code. */
    readonly qrCodes: 'off' | 'users' | 'anyone'
  }
  readonly sessions: {
    /** Of access tokens for clients that can refresh them. Milliseconds. */
    readonly accessTokenLifetimeMs: number
    /** Of access tokens for clients that cannot; `undefined`: they last until logout. */
    readonly nonRefreshableLifetimeMs?: number | undefined
    /** Of devices that nobody uses; `undefined`: for ever. */
    readonly deviceLifetimeMs?: number | undefined
    /** Of refresh tokens that are not used. */
    readonly refreshTokenLifetimeMs: number
    /** Whether people can log in with a password of this server. */
    readonly passwords: boolean
    /** Whether logged-in clients may obtain a token that logs another one in (`/login/get_token`). */
    readonly loginTokens: boolean
    /** Devices of one user; beyond that, the longest unheard of is logged out. */
    readonly maxDevices: number
    /** After this time in memory a token is read again: how late other processes' changes may be seen. */
    readonly cacheMs: number
  }
}

/** What of `AccountsOptions` may be left out. */
export interface PartialAccountsOptions {
  readonly serverName: string
  readonly registration?: Partial<AccountsOptions['registration']>
  readonly fixedProfileFields?: readonly string[]
  readonly email?: Partial<AccountsOptions['email']>
  readonly passwords?: Partial<PasswordOptions>
  readonly oauth?: Partial<AccountsOptions['oauth']>
  readonly sessions?: Partial<AccountsOptions['sessions']>
}

const DAY = 86_400_000

/** Fills in the defaults: registration closed, tokens without expiry for clients that cannot refresh. */
export const accountsOptions = (options: PartialAccountsOptions): AccountsOptions => ({
  serverName: options.serverName,
  registration: { mode: 'closed', guests: false, email: 'optional', ...options.registration },
  email: {
    revealAccounts: false,
    baseUrl: `https://${options.serverName}`,
    language: 'en',
    ...options.email,
  },
  fixedProfileFields: options.fixedProfileFields ?? [],
  passwords: { ...DEFAULT_PASSWORD_OPTIONS, ...options.passwords },
  oauth: { enabled: true, qrCodes: 'users', ...options.oauth },
  sessions: {
    accessTokenLifetimeMs: 3_600_000,
    refreshTokenLifetimeMs: 90 * DAY,
    passwords: true,
    loginTokens: true,
    maxDevices: 2000,
    cacheMs: 30_000,
    ...options.sessions,
  },
})
