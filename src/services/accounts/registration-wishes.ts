import { isJsonObject } from '../../core/json.ts'
import type { AccountsContext } from './context.ts'
import { initialDeviceName } from './devices.ts'
import { type InteractiveBody, InteractiveChallenge } from './interactive-attempt.ts'
import type { DeviceRequest } from './login.ts'
import type { UserInteractive } from './user-interactive.ts'

/** The body of `POST /register`. */
export interface RegisterRequest extends DeviceRequest {
  readonly username?: string
  readonly password?: string
  readonly inhibit_login?: boolean
  /** Of a guest who wants to keep their user ID. */
  readonly guest_access_token?: string
}

type Submitted = RegisterRequest & InteractiveBody

/** A request, with what an earlier one of its session has asked for. */
interface Whole {
  readonly request: Submitted
  /** Of the password that the earlier one has named: never what a client sends, who could name a hash of any cost. */
  readonly passwordHash: string | undefined
}

type Wish = Pick<RegisterRequest, 'username' | 'inhibit_login' | keyof DeviceRequest> & {
  readonly passwordHash: string
}

/**
 * What a registration asks for, over the requests of its session. With each stage a client shall be "resubmitting the same
 * request"; but Element for Android and iOS name the account and its password in the first one alone, as they may at Synapse.
 */
export class RegistrationWishes {
  readonly #context: AccountsContext
  readonly #interactive: UserInteractive

  constructor(context: AccountsContext, interactive: UserInteractive) {
    this.#context = context
    this.#interactive = interactive
  }

  /** A request; one without a password asks for what the first one of its session has asked for. */
  async whole(request: Submitted): Promise<Whole> {
    const { auth, password } = request
    const isPart = password === undefined && isJsonObject(auth) && typeof auth.session === 'string'
    const wish = isPart ? (await this.#interactive.session(String(auth.session)))?.wish : undefined
    if (wish === undefined) return { request, passwordHash: undefined }
    const { passwordHash, ...wished } = JSON.parse(wish) as Wish
    return { request: { ...wished, ...request }, passwordHash }
  }

  /** Does something for a request, and keeps what that asks for if it is answered with a challenge. */
  async kept<T>(request: Submitted, authenticate: () => Promise<T>): Promise<T> {
    try {
      return await authenticate()
    } catch (error) {
      if (error instanceof InteractiveChallenge) await this.#keep(request, error.body['session'])
      throw error
    }
  }

  /** Once for each session: a password is hashed for it. */
  async #keep(request: Submitted, sessionId: unknown): Promise<void> {
    const { username, password, device_id, refresh_token, inhibit_login } = request
    const { initial_device_display_name: name } = request
    // Whoever upgrades a guest has to show its token each time.
    if (password === undefined || request.guest_access_token !== undefined || typeof sessionId !== 'string')
      return
    const session = await this.#interactive.session(sessionId)
    if (session === undefined || session.wish !== undefined) return
    const device = { device_id, initial_device_display_name: initialDeviceName(name), refresh_token }
    const { passwords, write } = this.#context
    const wish = { ...device, username, inhibit_login, passwordHash: await passwords.hash(password) }
    await this.#context.commit([write.interactive.wish(sessionId, JSON.stringify(wish))])
  }
}
