import { checkShownAs } from '../../core/display-profile.ts'
import { MatrixError } from '../../core/errors.ts'
import { localpartOf } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { NewUser } from '../../storage/accounts/user-writer.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { Authentication } from './authentication.ts'
import type { AccountsContext } from './context.ts'
import { checkDeviceId } from './devices.ts'
import { threepidInUse } from './email-refusals.ts'
import type { EmailValidations } from './email-validation.ts'
import { GuestUpgrade } from './guest-upgrade.ts'
import type { Authenticated, ConfirmableRequest, InteractiveBody } from './interactive-attempt.ts'
import { operationOf } from './interactive-attempt.ts'
import type { DeviceRequest, LoggedIn, Login } from './login.ts'
import { acceptedTerms, registrationClosed, registrationFlows } from './registration-stages.ts'
import { type RegisterRequest, RegistrationWishes } from './registration-wishes.ts'
import type { ThirdPartyIds } from './third-party-ids.ts'
import type { UserInteractive } from './user-interactive.ts'
import { generatedUserId, newUserId, refuseUnavailable, userInUse } from './usernames.ts'

/** The answer to a registration; without tokens and device where `inhibit_login` was asked for. */
export type Registered = Partial<LoggedIn> & Pick<LoggedIn, 'user_id' | 'home_server'>

/** An account that an operator makes, or a way in that the operator has configured. */
export interface CreateUser {
  /** The wished-for localpart, or the whole user ID. */
  readonly username: string
  readonly password?: string | undefined
  readonly isAdmin?: boolean
  readonly displayName?: string | undefined
  /** As administrators tell accounts apart. */
  readonly userType?: string | undefined
}

/** What a registration session has come to. */
interface Outcome {
  readonly userId: string
}

/** Makes accounts (client-server API, "Account registration"). */
export class Registration {
  readonly #context: AccountsContext
  readonly #login: Login
  readonly #interactive: UserInteractive
  readonly #emails: EmailValidations
  readonly #threepids: ThirdPartyIds
  readonly #guests: GuestUpgrade
  readonly #wishes: RegistrationWishes

  constructor(
    context: AccountsContext,
    parts: {
      login: Login
      interactive: UserInteractive
      emails: EmailValidations
      threepids: ThirdPartyIds
      authentication: Authentication
    },
  ) {
    this.#context = context
    this.#login = parts.login
    this.#interactive = parts.interactive
    this.#emails = parts.emails
    this.#threepids = parts.threepids
    this.#guests = new GuestUpgrade(context, parts.authentication)
    this.#wishes = new RegistrationWishes(context, parts.interactive)
  }

  /**
   * Registers an ordinary account after user-interactive authentication. A repeated request of the same session
   * gets the account that the first one has made.
   *
   * @throws {MatrixError} `M_FORBIDDEN`: registration is closed, or others have used up the token; `M_USER_IN_USE`, `M_INVALID_USERNAME`,
   *   `M_EXCLUSIVE`, `M_WEAK_PASSWORD`, `M_MISSING_PARAM`, `M_INVALID_PARAM`, `M_THREEPID_IN_USE`; as
   *   `GuestUpgrade.of`; the interactive challenge
   */
  async register(
    submitted: RegisterRequest & InteractiveBody,
    target: ConfirmableRequest,
  ): Promise<Registered> {
    const { options, passwords } = this.#context
    if (options.registration.mode === 'closed') throw registrationClosed()
    const isProbe = !isJsonObject(submitted.auth) || Object.keys(submitted.auth).length === 0
    const repeated = isProbe ? undefined : await this.#repeated(submitted)
    if (repeated !== undefined) return repeated
    const { request, passwordHash: wishedHash } = await this.#wishes.whole(submitted)
    // "MUST perform the relevant checks and return these codes before performing User-Interactive Authentication".
    const guest = await this.#guests.of(request)
    if (request.username !== undefined && guest === undefined) {
      await refuseUnavailable(this.#context, newUserId(request.username, options.serverName))
    }
    if (request.device_id !== undefined) checkDeviceId(request.device_id)
    if (request.password !== undefined) passwords.check(request.password)
    else if (!isProbe && wishedHash === undefined)
      throw new MatrixError('M_MISSING_PARAM', 'A password is needed.')

    const flows = registrationFlows(options.registration, this.#emails.isOffered)
    const attempt = { operation: operationOf(target), body: request, flows }
    const authenticated = await this.#wishes.kept(request, () =>
      this.#interactive.require({ ...attempt, binding: 'operation', emailFor: 'register' }),
    )
    const wished =
      request.username === undefined
        ? generatedUserId(this.#context)
        : newUserId(request.username, options.serverName)
    const passwordHash = (await this.#hashOf(request.password)) ?? wishedHash
    const user = this.#newUser(guest ?? wished, passwordHash, false)
    const made = await this.#create({ ...user, acceptedTerms: acceptedTerms(authenticated) }, request, {
      authenticated,
      statements: guest === undefined ? undefined : user => this.#guests.statements(user, request),
    })
    if (guest !== undefined) await this.#guests.forget(guest)
    // Another request of this session may have been first just now.
    const answer = made ?? (await this.#repeated(request))
    if (answer === undefined) throw userInUse()
    return answer
  }

  /** Makes a guest account: "all parameters … with the exception of `initial_device_display_name`" are ignored. */
  async registerGuest(request: DeviceRequest): Promise<Registered> {
    if (!this.#context.options.registration.guests) {
      throw new MatrixError('M_FORBIDDEN', 'Guests are not allowed on this server.')
    }
    const { initial_device_display_name: name } = request
    const user = this.#newUser(generatedUserId(this.#context), undefined, false)
    const guest: NewUser = { ...user, kind: 'guest' }
    const made = await this.#create(guest, name === undefined ? {} : { initial_device_display_name: name })
    if (made === undefined) throw userInUse()
    return made
  }

  /**
   * Whether a user name could be registered now. Where nobody can register, nobody is told whom there is.
   * @throws {MatrixError} `M_FORBIDDEN`: registration is closed; `M_INVALID_USERNAME`, `M_EXCLUSIVE`, `M_USER_IN_USE`
   */
  async checkAvailable(username: string): Promise<void> {
    if (this.#context.options.registration.mode === 'closed') throw registrationClosed()
    await refuseUnavailable(this.#context, newUserId(username, this.#context.options.serverName))
  }

  /**
   * Makes an account without asking anybody: for the command line and other ways in that are protected otherwise.
   *
   * @param proof statements that must hold in the same write set; a failed guard of theirs is answered
   * @returns the user ID, or the name of the guard of `proof` that failed
   * @throws {MatrixError} `M_USER_IN_USE`, `M_INVALID_USERNAME`, `M_WEAK_PASSWORD`, `M_INVALID_PARAM`
   */
  async createUser(
    request: CreateUser,
    proof: readonly WriteStatement[] = [],
  ): Promise<{ userId: string } | { refused: string }> {
    const { serverName } = this.#context.options
    const suffix = `:${serverName}`
    const { username } = request
    const isFull = username.startsWith('@') && username.endsWith(suffix)
    const userId = newUserId(isFull ? username.slice(1, -suffix.length) : username, serverName)
    if ((await this.#context.read.users.existing([userId])).size > 0) throw userInUse()
    if (request.password !== undefined) this.#context.passwords.check(request.password)
    checkShownAs({ displayname: request.displayName ?? null })
    const user = this.#newUser(userId, await this.#hashOf(request.password), request.isAdmin === true)
    const made = this.#statements(user, request.displayName, request.userType)
    const result = await this.#context.commit([...proof, ...made])
    if (result.ok) return { userId }
    if (result.guard === 'user-in-use') throw userInUse()
    return { refused: result.guard }
  }

  async #hashOf(password: string | undefined): Promise<string | undefined> {
    return password === undefined ? undefined : this.#context.passwords.hash(password)
  }

  #newUser(userId: string, passwordHash: string | undefined, isAdmin: boolean): NewUser {
    return { userId, passwordHash, kind: 'user', isAdmin, createdTs: this.#context.clock.now() }
  }

  #statements(user: NewUser, displayName?: string, type?: string): WriteStatement[] {
    const { users, profiles } = this.#context.write
    const name = displayName ?? (user.kind === 'guest' ? undefined : localpartOf(user.userId))
    const typed = type === undefined ? [] : [users.setType(user.userId, type)]
    return [users.insert(user), profiles.insert(user.userId, name), ...typed]
  }

  /** Stores an account with its first session. `undefined`: the interactive session has made one already. */
  async #create(
    user: NewUser,
    request: RegisterRequest,
    how: {
      authenticated?: Authenticated
      /** Instead of those that make a new account. */
      statements?: ((user: NewUser) => Promise<WriteStatement[]>) | undefined
    } = {},
  ): Promise<Registered | undefined> {
    const { authenticated } = how
    const { options, write } = this.#context
    const session = authenticated?.session
    const { userId } = user
    const outcome: Outcome = { userId }
    const login = request.inhibit_login === true ? undefined : this.#login.session(userId, request)
    const result = await this.#context.commit([
      ...(session === undefined
        ? []
        : [write.interactive.conclude(session.sessionId, JSON.stringify(outcome))]),
      ...(session?.registrationToken === undefined
        ? []
        : [write.registrationTokens.complete(session.registrationToken)]),
      ...(how.statements === undefined ? this.#statements(user) : await how.statements(user)),
      ...(await this.#emailOf(userId, authenticated)),
      ...(login?.statements ?? []),
    ])
    if (!result.ok && result.guard === 'session-concluded') return undefined
    if (!result.ok && result.guard === 'threepid-in-use') throw threepidInUse()
    if (!result.ok && result.guard === 'token-refused')
      throw new MatrixError('M_FORBIDDEN', 'The registration token has been used up by others meanwhile.')
    if (!result.ok) throw userInUse()
    if (authenticated?.emailSid !== undefined) this.#threepids.added(userId)
    return {
      user_id: userId,
      home_server: options.serverName,
      ...(login === undefined ? {} : { device_id: login.deviceId, ...login.tokens }),
    }
  }

  /** The statements that add the address which was shown. */
  async #emailOf(userId: string, authenticated: Authenticated | undefined): Promise<WriteStatement[]> {
    const { clock, read } = this.#context
    const { emailSid } = authenticated ?? {}
    if (emailSid === undefined) return []
    const email = await read.emails.bySid(emailSid, clock.now())
    if (email?.validatedTs === undefined) {
      throw new MatrixError('M_THREEPID_AUTH_FAILED', 'The confirmation of the e-mail address has expired.')
    }
    return [this.#threepids.addition(userId, { ...email, validatedTs: email.validatedTs })]
  }

  /** The account that this session has made before, for a client that lost the answer. It has to know the password. */
  async #repeated(request: RegisterRequest & InteractiveBody): Promise<Registered | undefined> {
    const sessionId = isJsonObject(request.auth) ? request.auth.session : undefined
    const session = typeof sessionId === 'string' ? await this.#interactive.session(sessionId) : undefined
    if (session?.outcome === undefined) return undefined
    const { userId } = JSON.parse(session.outcome) as Outcome
    if (request.password === undefined) throw new MatrixError('M_MISSING_PARAM', 'A password is needed.')
    if (request.inhibit_login === true) {
      await this.#login.verify({ user: userId }, request.password)
      return { user_id: userId, home_server: this.#context.options.serverName }
    }
    return this.#login.login({ ...request, type: 'm.login.password', user: userId })
  }
}
