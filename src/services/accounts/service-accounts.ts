import { MatrixError } from '../../core/errors.ts'
import { localpartOf } from '../../core/ids.ts'
import type { NewUser } from '../../storage/accounts/user-writer.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { AccountsContext } from './context.ts'
import { checkDeviceId, type Devices, initialDeviceName, refuseSigningKey } from './devices.ts'
import type { LoggedIn, Login, LoginRequest } from './login.ts'
import type { Registered } from './registration.ts'
import type { RegisterRequest } from './registration-wishes.ts'
import { findUser, generatedUserId, namedUser, serviceUserId, userInUse } from './usernames.ts'

/** Refuses a user whom the asking service may not have. */
export type CheckServiceUser = (userId: string) => void

/**
 * Accounts of application services' users: without passwords, made and logged in on the word of the service
 * (application-service API, "Server admin style permissions").
 */
export class ServiceAccounts {
  readonly #context: AccountsContext
  readonly #login: Login
  readonly #devices: Devices
  /** Of requests for one device at once, one makes it. */
  readonly #turns = new SerialQueue()

  constructor(context: AccountsContext, login: Login, devices: Devices) {
    this.#context = context
    this.#login = login
    this.#devices = devices
  }

  /**
   * Whether a local user has an account that is in use, which a service may have to make first: it is asked "when it receives an
   * event for an unknown user ID in the application service's namespace, such as a room invite".
   * @throws {MatrixError} `M_UNKNOWN` (408) where the service does not answer
   */
  async isUserOrMade(userId: string): Promise<boolean> {
    const { read, hooks } = this.#context
    const isKnown = (await read.users.existing([userId])).size > 0
    if (!isKnown && (await hooks.makeUser?.(userId)) !== true) return false
    return read.users.isActive(userId)
  }

  /** Makes an account unless it is there. */
  async ensure(userId: string): Promise<void> {
    if ((await this.#context.read.users.existing([userId])).size > 0) return
    await this.#context.commit(this.#statements(userId))
  }

  /**
   * Registers a user of a service.
   * @throws {MatrixError} `M_USER_IN_USE`, `M_INVALID_USERNAME`, `M_INVALID_PARAM`; as `check`
   */
  async register(request: RegisterRequest, check: CheckServiceUser): Promise<Registered> {
    const { options } = this.#context
    const userId =
      request.username === undefined
        ? generatedUserId(this.#context)
        : serviceUserId(request.username, options.serverName)
    check(userId)
    if (request.device_id !== undefined) checkDeviceId(request.device_id)
    const session = request.inhibit_login === true ? undefined : this.#login.session(userId, request)
    const result = await this.#context.commit([
      ...this.#statements(userId),
      ...(session === undefined ? [] : session.statements),
    ])
    if (!result.ok) throw userInUse()
    return {
      user_id: userId,
      home_server: options.serverName,
      ...(session === undefined ? {} : { device_id: session.deviceId, ...session.tokens }),
    }
  }

  /**
   * Logs a user of a service in.
   * @throws {MatrixError} `M_FORBIDDEN`: no such user; `M_MISSING_PARAM`, `M_INVALID_PARAM`; as `check` and `Login.start`
   */
  async login(request: LoginRequest, check: CheckServiceUser): Promise<LoggedIn> {
    if (request.device_id !== undefined) checkDeviceId(request.device_id)
    const named = namedUser(request)
    if (named === undefined || !('user' in named)) {
      throw new MatrixError('M_MISSING_PARAM', 'A user is needed.')
    }
    const { serverName } = this.#context.options
    const user = await findUser(this.#context, named)
    // Whoever is found, not who was named: capitals are mapped where nobody has them.
    check(user?.userId ?? (named.user.startsWith('@') ? named.user : `@${named.user}:${serverName}`))
    if (user === undefined) throw new MatrixError('M_FORBIDDEN', 'There is no such user.')
    return this.#login.start(user, request)
  }

  /**
   * Makes a device for a user of a service, or names one that is there ("Creating devices").
   * @returns whether it was made
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_FORBIDDEN`
   */
  putDevice(userId: string, deviceId: string, name: string | undefined): Promise<boolean> {
    return this.#turns.run(`${userId} ${deviceId}`, () => this.#makeOrName(userId, deviceId, name))
  }

  async #makeOrName(userId: string, deviceId: string, name: string | undefined): Promise<boolean> {
    const { clock, hooks, read, write } = this.#context
    if ((await read.devices.byId(userId, deviceId)) !== undefined) {
      await this.#devices.rename(userId, deviceId, name)
      return false
    }
    checkDeviceId(deviceId)
    await refuseSigningKey(this.#context, userId, deviceId)
    await this.#context.commit([
      write.devices.insert(userId, deviceId, initialDeviceName(name), clock.now()),
      ...(hooks.onDevicesChange?.(userId, { added: [deviceId] }) ?? []),
    ])
    await this.#devices.bound(userId)
    return true
  }

  #statements(userId: string): WriteStatement[] {
    const { clock, write } = this.#context
    const user: NewUser = {
      userId,
      passwordHash: undefined,
      kind: 'user',
      isAdmin: false,
      createdTs: clock.now(),
    }
    return [write.users.insert(user), write.profiles.insert(userId, localpartOf(userId))]
  }
}
