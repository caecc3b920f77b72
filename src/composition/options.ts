import { totalmem } from 'node:os'
import type { Config } from '../config/schema/index.ts'
import { hasSignInPages } from '../config/sign-in-pages.ts'
import { DEFAULT_CACHE_BUDGET } from '../core/caches.ts'
import type { Clock } from '../core/clock.ts'
import { parseMailbox } from '../core/email-address.ts'
import type { RetentionSettings } from '../core/retention.ts'
import { type Mailer, openMailer } from '../network/mailer.ts'
import type { Outgoing } from '../network/outgoing.ts'
import type { AccountsOptions } from '../services/accounts/index.ts'
import type { PolicyDocument } from '../services/accounts/options.ts'
import type { InvitationMailParts } from '../services/invitations/mail.ts'
import type { MailDigestOptions } from '../services/push/digest-mailing.ts'
import type { ServerNoticesOptions } from '../services/server-notices/server-notices.ts'

/** Where clients reach this server. */
export const baseUrlOf = (config: Config): string => {
  const listener = config.listeners.find(({ socket }) => socket === undefined)
  if (config.publicBaseUrl !== undefined) return config.publicBaseUrl.replace(/\/+$/, '')
  // Behind a proxy alone, which is most likely found by the name of the server.
  if (listener === undefined) return `https://${config.serverName}`
  const scheme = listener.tls === undefined ? 'http' : 'https'
  return `${scheme}://${config.serverName === 'localhost' ? 'localhost' : listener.host}:${listener.port}`
}

/** What holds for everything that leaves this server by HTTP. */
export const outgoingOf = (
  { caFile, federation: { hosts }, outboundProxy }: Config,
  clock: Clock,
): Outgoing => ({ clock, hosts, caFile, proxy: outboundProxy })

const MEGABYTE = 1024 * 1024

/** What all caches may take, in bytes; more than the default is of use to large servers alone. */
export const cacheBudgetOf = ({ memory }: Config): number => {
  if (memory.cacheBudget !== undefined) return memory.cacheBudget
  // What the container allows, where it says so.
  const available = Math.min(process.constrainedMemory() || totalmem(), totalmem())
  return Math.min(Math.max(available / 4, 32 * MEGABYTE), DEFAULT_CACHE_BUDGET)
}

/** What the operator settles about messages' lifetimes; `undefined` where none is deleted for its age. */
export const retentionOf = ({ retention }: Config): RetentionSettings | undefined =>
  retention.enabled ? lifetimesOf({ retention }) : undefined

/** The same, also where it is not switched on. */
export const lifetimesOf = ({ retention }: Pick<Config, 'retention'>): RetentionSettings => ({
  defaultLifetime: retention.defaultLifetime,
  shortest: retention.shortestLifetime,
  longest: retention.longestLifetime,
})

/** The settings that concern accounts, as the accounts service takes them. */
export const accountsOptionsOf = (config: Config): AccountsOptions & { defaultRoomVersion: string } => {
  const { registration, guests, passwords, sessions, rooms, email } = config
  return {
    serverName: config.serverName,
    defaultRoomVersion: rooms.defaultVersion,
    registration: {
      mode: registration.mode,
      sharedSecret: registration.sharedSecret,
      guests: guests.enabled,
      email: registration.email,
      forbiddenNames: registration.forbiddenNames,
      ...(Object.keys(registration.terms).length === 0 ? {} : { terms: termsOf(registration.terms) }),
    },
    email: {
      allowDomains: email.allowDomains,
      revealAccounts: email.revealAccounts,
      baseUrl: baseUrlOf(config),
      language: email.language,
    },
    fixedProfileFields: config.profiles.fixedFields,
    passwords: {
      minimumLength: passwords.minLength,
      memoryKib: Math.ceil(passwords.hashing.memory / 1024),
      iterations: passwords.hashing.iterations,
      parallelism: passwords.hashing.parallelism,
      bcryptPepper: passwords.bcryptPepper,
    },
    oauth: { enabled: hasSignInPages(config), qrCodes: config.oauth.qrCodes },
    sessions: {
      accessTokenLifetimeMs: sessions.accessTokenLifetime,
      refreshTokenLifetimeMs: sessions.refreshTokenLifetime,
      nonRefreshableLifetimeMs: sessions.nonRefreshableLifetime,
      deviceLifetimeMs: sessions.deviceLifetime,
      passwords: passwords.enabled,
      loginTokens: sessions.loginTokens,
    },
  }
}

const termsOf = (terms: Config['registration']['terms']): Record<string, PolicyDocument> =>
  Object.fromEntries(
    Object.entries(terms).map(([policy, { version, languages }]) => [
      policy,
      { version, translations: languages },
    ]),
  )

/** The way out for e-mail, or nothing where the operator has named no mail server. */
export const mailerOf = ({ email, caFile }: Config, clock: Clock): Mailer | undefined => {
  const { host, from } = email
  return host === undefined || from === undefined
    ? undefined
    : openMailer({ ...email, host, from, caFile, clock })
}

/** Where the links lead by which e-mails about missed messages are ended. */
export const UNSUBSCRIBE_PATH = '/_tessera/email/unsubscribe'

/** What it takes to write to people about missed messages; `undefined` without a mail server. */
export const mailDigestsOf = (
  config: Config,
  mailer: Mailer | undefined,
): { mailer: Mailer; options: MailDigestOptions } | undefined => {
  if (mailer === undefined) return undefined
  const { language, missedMessages } = config.email
  const { delay, interval } = missedMessages
  return {
    mailer,
    options: { delay, interval, language, unsubscribeUrl: `${baseUrlOf(config)}${UNSUBSCRIBE_PATH}` },
  }
}

/** What invitations are mailed with, if there is a way out for mail. */
export const invitationMailOf = (
  config: Config,
  mailer: Mailer | undefined,
): InvitationMailParts | undefined => {
  const { language } = config.email
  const from = parseMailbox(config.email.from ?? '')?.address
  if (mailer === undefined || from === undefined) return undefined
  return { mailer, from, serverName: config.serverName, baseUrl: baseUrlOf(config), language }
}

/** Who writes server notices, and how their rooms look; `undefined` if the operator has named nobody. */
export const serverNoticesOf = ({ serverName, serverNotices }: Config): ServerNoticesOptions | undefined => {
  const { localpart, ...look } = serverNotices
  return localpart === undefined ? undefined : { sender: `@${localpart}:${serverName}`, ...look }
}
