import type { Config } from './config/schema/index.ts'
import type { Clock } from './core/clock.ts'
import { type Mailer, openMailer } from './network/mailer.ts'
import type { AccountsOptions } from './services/accounts/index.ts'

/** The settings that concern accounts, as the accounts service takes them. */
export const accountsOptionsOf = (config: Config): AccountsOptions & { defaultRoomVersion: string } => {
  const { registration, guests, passwords, sessions, rooms } = config
  return {
    serverName: config.serverName,
    defaultRoomVersion: rooms.defaultVersion,
    registration: {
      mode: registration.mode,
      sharedSecret: registration.sharedSecret,
      guests: guests.enabled,
    },
    passwords: {
      minimumLength: passwords.minLength,
      memoryKib: Math.ceil(passwords.hashing.memory / 1024),
      iterations: passwords.hashing.iterations,
      parallelism: passwords.hashing.parallelism,
    },
    sessions: {
      accessTokenLifetimeMs: sessions.accessTokenLifetime,
      refreshTokenLifetimeMs: sessions.refreshTokenLifetime,
      nonRefreshableLifetimeMs: sessions.nonRefreshableLifetime,
      loginTokens: sessions.loginTokens,
    },
  }
}

/** The way out for e-mail, or nothing where the operator has named no mail server. */
export const mailerOf = ({ email, caFile }: Config, clock: Clock): Mailer | undefined => {
  const { host, from } = email
  return host === undefined || from === undefined
    ? undefined
    : openMailer({ ...email, host, from, caFile, clock })
}
