import { randomBytes } from 'node:crypto'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { UserFlag } from '../../storage/accounts/user-writer.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { Requester } from '../requester.ts'
import { AccountCommands } from './account-commands.ts'
import { AccountData } from './account-data.ts'
import { AccountManagement } from './account-management.ts'
import { AdministeredAccounts } from './administered-accounts.ts'
import { Authentication, type Connection } from './authentication.ts'
import { BrowserAddresses } from './browser-addresses.ts'
import { BrowserRecovery } from './browser-recovery.ts'
import { BrowserRegistration } from './browser-registration.ts'
import { BrowserSessions } from './browser-sessions.ts'
import { BrowserStages } from './browser-stages.ts'
import { capabilitiesFor } from './capabilities.ts'
import { type AccountsContext, type AccountsHooks, accountsContext } from './context.ts'
import { Devices } from './devices.ts'
import { EmailValidations } from './email-validation.ts'
import { Filters } from './filters.ts'
import { Housekeeping } from './housekeeping.ts'
import { interactiveStages } from './interactive-stages.ts'
import { Login } from './login.ts'
import { LoginTokens } from './login-tokens.ts'
import { Moderation } from './moderation.ts'
import { OAuth } from './oauth/index.ts'
import { OAUTH_PATHS } from './oauth/metadata.ts'
import { OpenId } from './open-id.ts'
import { accountsOptions } from './options.ts'
import type { AccountsParts } from './parts.ts'
import { Profiles } from './profiles.ts'
import { ProviderSignIns } from './providers/index.ts'
import { type CreateUser, Registration } from './registration.ts'
import { type NewRegistrationToken, RegistrationTokens } from './registration-tokens.ts'
import { Rendezvous } from './rendezvous.ts'
import { ServiceAccounts } from './service-accounts.ts'
import { SetupLink } from './setup-link.ts'
import { SharedSecretRegistration } from './shared-secret.ts'
import { Tags } from './tags.ts'
import { ThirdPartyIds } from './third-party-ids.ts'
import { UserInteractive } from './user-interactive.ts'

export type { AccountsHooks, DevicesChange, DisplayProfile } from './context.ts'
export type { PartialAccountsOptions as AccountsOptions } from './options.ts'
export type { AccountsParts } from './parts.ts'

/** Everything about the accounts of this server, grouped by what it is about. */
export class Accounts {
  /** Filled in by services that are built later. */
  readonly hooks: AccountsHooks = {}
  readonly devices: Devices
  readonly login: Login
  readonly loginTokens: LoginTokens
  readonly registration: Registration
  readonly registrationTokens: RegistrationTokens
  readonly sharedSecret: SharedSecretRegistration
  readonly setup: SetupLink
  readonly ofServices: ServiceAccounts
  readonly management: AccountManagement
  readonly commands: AccountCommands
  readonly interactive: UserInteractive
  readonly profiles: Profiles
  readonly accountData: AccountData
  readonly tags: Tags
  readonly filters: Filters
  readonly openId: OpenId
  readonly emails: EmailValidations
  readonly browserStages: BrowserStages
  readonly threepids: ThirdPartyIds
  readonly moderation: Moderation
  readonly administered: AdministeredAccounts
  readonly browsers: BrowserSessions
  readonly browserAddresses: BrowserAddresses
  readonly browserRegistration: BrowserRegistration
  readonly browserRecovery: BrowserRecovery
  readonly oauth: OAuth
  readonly providers: ProviderSignIns
  readonly rendezvous: Rendezvous
  readonly #parts: AccountsParts
  readonly #context: AccountsContext
  readonly #authentication: Authentication
  readonly #housekeeping: Housekeeping

  constructor(parts: AccountsParts) {
    this.#parts = parts
    const { database, clock, bulletin } = parts
    const context = accountsContext({
      ...{ database, clock, bulletin },
      random: parts.random ?? randomBytes,
      options: accountsOptions(parts.options),
      hooks: this.hooks,
      providers: parts.providers ?? [],
      onError: error => parts.onError?.(error),
      onProviderFailure: (provider, reason) => parts.onProviderFailure?.(provider, reason),
    })
    const authentication = new Authentication(context)
    this.#context = context
    this.#authentication = authentication
    this.devices = new Devices(context, authentication)
    this.loginTokens = new LoginTokens(context)
    this.login = new Login(context, authentication, this.devices, this.loginTokens)
    this.emails = new EmailValidations(context, parts.mailer)
    this.threepids = new ThirdPartyIds(context, {
      emails: this.emails,
      identityServers: parts.identityServers,
    })
    this.interactive = new UserInteractive(context, interactiveStages(context, this))
    this.browserStages = new BrowserStages(context, this)
    this.registration = new Registration(context, { ...this, authentication })
    this.registrationTokens = new RegistrationTokens(context)
    this.sharedSecret = new SharedSecretRegistration(context, this.registration, this.login)
    this.setup = new SetupLink(context, this.registration)
    this.ofServices = new ServiceAccounts(context, this.login, this.devices)
    this.management = new AccountManagement(context, { ...this, authentication })
    this.commands = new AccountCommands(context)
    this.profiles = new Profiles(context)
    this.accountData = new AccountData(context)
    this.tags = new Tags(context)
    this.filters = new Filters(context)
    this.openId = new OpenId(context)
    this.moderation = new Moderation(context, authentication)
    this.administered = new AdministeredAccounts(context, { ...this, database, authentication })
    this.browsers = new BrowserSessions(context, this.login)
    this.browserAddresses = new BrowserAddresses(context, this.emails)
    this.browserRegistration = new BrowserRegistration(context, this)
    this.browserRecovery = new BrowserRecovery(context, this)
    this.providers = new ProviderSignIns(context, {
      ...this,
      redirectUri: context.options.email.baseUrl + OAUTH_PATHS.callback,
    })
    this.oauth = new OAuth(context, this)
    this.rendezvous = new Rendezvous(context)
    this.#housekeeping = new Housekeeping(context, { ...this, authentication })
  }

  /**
   * Whose access token this is. See `Authentication.authenticate`.
   * @throws {MatrixError} `M_UNKNOWN_TOKEN`
   */
  authenticate(accessToken: string, connection?: Connection): Promise<Requester> {
    return this.#authentication.authenticate(accessToken, connection)
  }

  /** Whether a user ID is of this server; there need not be such an account. */
  isLocalUser(userId: string): boolean {
    return serverNameOf(userId) === this.#context.options.serverName
  }

  /** Whether there is, or ever was, an account with this user ID here. */
  async exists(userId: string): Promise<boolean> {
    return (await this.#context.read.users.existing([userId])).size > 0
  }

  /** An active account. */
  async find(userId: string): Promise<User | undefined> {
    const user = await this.#context.read.users.byId(userId)
    return user?.deactivatedTs === undefined ? user : undefined
  }

  /** Whether a user has a device with this ID. */
  async hasDevice(userId: string, deviceId: string): Promise<boolean> {
    return (await this.#context.read.devices.byId(userId, deviceId)) !== undefined
  }

  /** Makes an account without a password for an application service's own user, unless it is there. */
  ensureUser(userId: string): Promise<void> {
    return this.ofServices.ensure(userId)
  }

  /** Whether the server has an administrator. */
  hasAdmin(): Promise<boolean> {
    return this.#context.read.users.hasAdmin()
  }

  /** How many active accounts there are. Reads the whole table. */
  count(): Promise<number> {
    return this.#context.read.users.count()
  }

  /**
   * Makes an account, as the command line does.
   * @returns the user ID
   * @throws {MatrixError} `M_USER_IN_USE`, `M_INVALID_USERNAME`, `M_WEAK_PASSWORD`, `M_INVALID_PARAM`
   */
  async createUser(request: CreateUser): Promise<string> {
    const made = await this.registration.createUser(request)
    // Without further statements there is no further guard that could fail.
    if ('refused' in made) throw new Error(`unexpected guard ${made.refused}`)
    return made.userId
  }

  /**
   * Makes a registration token, as the command line does.
   * @returns the token's text
   * @throws {MatrixError} `M_INVALID_PARAM`
   */
  async createRegistrationToken(wanted: NewRegistrationToken = {}): Promise<string> {
    return (await this.registrationTokens.create(wanted)).token
  }

  /** Switches what an administrator may switch on an account; it counts from the next request on. */
  async setFlag(userId: string, flag: UserFlag, value: boolean): Promise<boolean> {
    const result = await this.#context.commit([this.#context.write.users.setFlag(userId, flag, value)])
    await this.#authentication.forget(userId)
    return result.ok
  }

  /** Whether what a user does is to reach nobody, without their knowing. */
  async isShadowBanned(userId: string): Promise<boolean> {
    return (await this.#context.read.users.byId(userId))?.isShadowBanned === true
  }

  /** Why an account may not act any more, in its absence; `undefined` for accounts in order. */
  async refusalOf(userId: string): Promise<MatrixError | undefined> {
    const user = await this.#context.read.users.byId(userId)
    if (user === undefined || user.deactivatedTs !== undefined) {
      return new MatrixError('M_USER_DEACTIVATED', 'The account has been deactivated')
    }
    if (user.isLocked) return new MatrixError('M_USER_LOCKED', 'The account is locked')
    // They may see it, and are not to know why.
    if (user.isShadowBanned) return new MatrixError('M_FORBIDDEN', 'This cannot be done now')
    return user.isSuspended ? new MatrixError('M_USER_SUSPENDED', 'The account is suspended') : undefined
  }

  /** What the requester can do here (client-server API, "Capabilities negotiation"). */
  capabilities(requester: Requester): ReturnType<typeof capabilitiesFor> {
    const { defaultRoomVersion } = this.#parts.options
    return capabilitiesFor(requester, this.#context.options, {
      ...(defaultRoomVersion === undefined ? {} : { defaultRoomVersion }),
      canChangeThreepids: this.emails.isOffered,
    })
  }

  /** Starts the work in the background, and goes on with what a stop has interrupted. */
  start(): void {
    this.#housekeeping.start()
  }

  /** Stops the work in the background, and writes what was only collected in memory. */
  close(): Promise<void> {
    return this.#housekeeping.close()
  }

  /** One round of housekeeping. */
  tidy(): Promise<void> {
    return this.#housekeeping.round()
  }
}
