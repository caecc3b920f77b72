import { MatrixError } from '../../core/errors.ts'
import type { JsonValue } from '../../core/json.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { Authentication, Connection } from './authentication.ts'
import type { AccountsContext } from './context.ts'
import { checkDeviceId, type Devices, initialDeviceName, refuseSigningKey } from './devices.ts'
import { countedFrom, type TriedFrom } from './guesses.ts'
import { type LoginFlow, loginFlows } from './login-flows.ts'
import { invalidLoginToken, type LoginTokens } from './login-tokens.ts'
import {
  accountDeactivated,
  accountLocked,
  type ClientGrant,
  type Issue,
  type IssuedTokens,
  issueTokens,
  refreshTokens,
} from './token-issuer.ts'
import { countedAs, findUser, generatedDeviceId, type NamedUser, namedUser } from './usernames.ts'

/** What a client says about itself when it logs in. */
export interface DeviceRequest {
  readonly device_id?: string
  readonly initial_device_display_name?: string
  /** Whether it can refresh its access token. */
  readonly refresh_token?: boolean
}

/** The body of `POST /login`. */
export interface LoginRequest extends DeviceRequest {
  readonly type: string
  readonly identifier?: JsonValue
  readonly user?: string
  readonly medium?: string
  readonly address?: string
  readonly password?: string
  readonly token?: string
}

/** The answer to a login. */
export interface LoggedIn extends IssuedTokens {
  readonly user_id: string
  readonly device_id: string
  readonly home_server: string
}

/** Log-in and refresh (client-server API, "Login"). */
export class Login {
  readonly #context: AccountsContext
  readonly #authentication: Authentication
  readonly #devices: Devices
  readonly #tokens: LoginTokens
  /** Passwords of one account are tried one after another: each is told by then whether there were too many. */
  readonly #turns = new SerialQueue()

  constructor(
    context: AccountsContext,
    authentication: Authentication,
    devices: Devices,
    tokens: LoginTokens,
  ) {
    this.#context = context
    this.#authentication = authentication
    this.#devices = devices
    this.#tokens = tokens
  }

  /** The ways to log in that `login` accepts. */
  flows(): LoginFlow[] {
    return loginFlows(this.#context.options, this.#context.providers)
  }

  /**
   * Logs a user in, by password or by login token.
   * @param from from where a password is tried
   * @throws {MatrixError} `M_FORBIDDEN`: credentials that are not right, a device named like a key; `M_USER_LOCKED`;
   *   `M_USER_DEACTIVATED`, by a token; `M_MISSING_PARAM`, `M_INVALID_PARAM`; `M_UNKNOWN` (400): another type of login
   */
  async login(request: LoginRequest, from: TriedFrom = {}): Promise<LoggedIn> {
    if (request.device_id !== undefined) checkDeviceId(request.device_id)
    const { sessions } = this.#context.options
    if (request.type === 'm.login.password' && sessions.passwords) {
      return this.start(await this.#byPassword(request, from), request)
    }
    if (request.type === 'm.login.token' && sessions.loginTokens) {
      const { user, ...given } = await this.#tokens.redeem(request.token)
      return this.start(user, request, given)
    }
    throw new MatrixError('M_UNKNOWN', 'This type of login is not offered here.', { status: 400 })
  }

  /**
   * Verifies a user by password, in the same time whether or not there is such a user.
   * @throws {MatrixError} `M_FORBIDDEN`, also where passwords are not in use; `M_LIMIT_EXCEEDED` after too many wrong ones
   */
  async verify(named: NamedUser, password: string, from: TriedFrom = {}): Promise<User> {
    const { serverName, sessions } = this.#context.options
    if (!sessions.passwords) {
      throw new MatrixError('M_FORBIDDEN', 'Nobody signs in with a password here.')
    }
    const user = await findUser(this.#context, named)
    // Looked up for nobody as well, so that it takes as long.
    const devices = await this.#devices.all(user?.userId ?? '')
    const whom = countedFrom(countedAs(named, serverName), from, { user, devices })
    return this.#turns.run(whom, () => this.#try(whom, user?.userId, password))
  }

  async #try(whom: string, userId: string | undefined, password: string): Promise<User> {
    const { hooks, passwords, read, write } = this.#context
    hooks.guesses?.check(whom)
    // Anew: they may have waited for their turn, and the password is another by now.
    const user = userId === undefined ? undefined : await read.users.byId(userId)
    const hash = user?.passwordHash
    // Deactivated accounts have no password: "servers may choose not to use `M_USER_DEACTIVATED` at login time".
    if (!(await passwords.verify(password, hash)) || user === undefined || hash === undefined) {
      hooks.guesses?.wrong(whom)
      throw new MatrixError('M_FORBIDDEN', 'The user name or password is not right.')
    }
    if (passwords.isOutdated(hash)) {
      await this.#context.commit([write.users.rehash(user.userId, hash, await passwords.hash(password))])
    }
    return user
  }

  /** The statements of a new session on a device, and what to tell the client. */
  session(userId: string, request: DeviceRequest, grant?: ClientGrant): Issue & { deviceId: string } {
    const { clock, write } = this.#context
    const deviceId = request.device_id ?? generatedDeviceId(this.#context)
    const name = initialDeviceName(request.initial_device_display_name)
    const issue = issueTokens(this.#context, { userId, deviceId }, request.refresh_token === true, grant)
    return {
      deviceId,
      tokens: issue.tokens,
      statements: [write.devices.insert(userId, deviceId, name, clock.now()), ...issue.statements],
    }
  }

  /**
   * Logs in a user who has been verified.
   *
   * @param given what belongs to the session: the marks of one that is given to a client, the session at a provider that it comes
   *   from, and statements that must hold with it
   * @throws {MatrixError} `M_USER_LOCKED`, `M_USER_DEACTIVATED`; `M_FORBIDDEN`: the credentials have changed since, a
   *   statement does not hold, a device named like a key
   */
  async start(
    user: User,
    request: DeviceRequest,
    given: {
      readonly grant?: ClientGrant
      readonly origin?: string | undefined
      readonly proof?: readonly WriteStatement[]
    } = {},
  ): Promise<LoggedIn> {
    const { clock, hooks, options, providers, read, write } = this.#context
    const { grant, origin, proof = [] } = given
    const { userId } = user
    // Who is let in by something else than a password, which has gone, is told why not.
    if (user.deactivatedTs !== undefined) throw accountDeactivated()
    if (user.isLocked) throw accountLocked()
    if (request.device_id !== undefined) await refuseSigningKey(this.#context, userId, request.device_id)
    const session = this.session(userId, request, grant)
    const isNew = (await read.devices.byId(userId, session.deviceId)) === undefined
    const result = await this.#context.commit([
      ...proof,
      write.users.loggedIn(userId, user.credentialVersion, clock.now()),
      ...session.statements,
      ...(providers.length === 0 ? [] : [write.devices.cameFrom(userId, session.deviceId, origin)]),
      ...(isNew ? (hooks.onDevicesChange?.(userId, { added: [session.deviceId] }) ?? []) : []),
    ])
    if (!result.ok) {
      throw result.guard === 'token-refused' || result.guard === 'code-refused'
        ? invalidLoginToken()
        : new MatrixError('M_FORBIDDEN', 'The sessions of this account were ended just now: log in again.')
    }
    if (isNew) await this.#devices.bound(userId)
    else await this.#authentication.forget(userId)
    return {
      user_id: userId,
      device_id: session.deviceId,
      home_server: options.serverName,
      ...session.tokens,
    }
  }

  /**
   * Notes whence a device has just logged in, so that it was seen even if it never comes back: clients in use take a
   * list of devices for broken in which one was never seen.
   * @returns the session that it was given
   */
  from<Session extends { readonly user_id: string; readonly device_id?: string }>(
    connection: Connection,
    session: Session,
  ): Session {
    const { user_id: userId, device_id: deviceId } = session
    if (deviceId !== undefined) this.#authentication.heardOf(userId, deviceId, connection)
    return session
  }

  /** Exchanges a refresh token. See `refreshTokens`. */
  async refresh(refreshToken: string): Promise<IssuedTokens> {
    return (await this.refreshFor(undefined, refreshToken)).tokens
  }

  /** The same for a client of the OAuth 2.0 API. @returns also the granted scope */
  async refreshFor(
    clientId: string | undefined,
    refreshToken: string,
  ): Promise<{ tokens: IssuedTokens; scope: string | undefined }> {
    const { tokens, owner } = await refreshTokens(this.#context, refreshToken, clientId)
    if (owner.supersedes !== undefined) await this.#authentication.forget(owner.userId)
    return { tokens, scope: owner.grant?.scope }
  }

  async #byPassword(request: LoginRequest, from: TriedFrom): Promise<User> {
    const named = namedUser(request)
    if (named === undefined || request.password === undefined) {
      throw new MatrixError('M_MISSING_PARAM', 'A user and a password are needed.')
    }
    return this.verify(named, request.password, from)
  }
}
