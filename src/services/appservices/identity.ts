import { hash } from 'node:crypto'
import { type AppService, isUserOf } from '../../core/app-service.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Requester } from '../requester.ts'
import type { AppServiceRegistry } from './registry.ts'

/** Whom a service says it acts for. */
export interface Assertion {
  readonly assertedUserId: string | undefined
  readonly assertedDeviceId: string | undefined
}

/** Turns `as_token`s into requesters (application-service API, "Identity assertion"). */
export class AppServiceIdentity {
  readonly #registry: AppServiceRegistry
  readonly #accounts: Pick<Accounts, 'find' | 'hasDevice'>
  readonly #heardOf: (service: AppService) => void

  /** @param heardOf called with each request of a service; must not throw */
  constructor(
    registry: AppServiceRegistry,
    accounts: Pick<Accounts, 'find' | 'hasDevice'>,
    heardOf: (service: AppService) => void,
  ) {
    this.#registry = registry
    this.#accounts = accounts
    this.#heardOf = heardOf
  }

  /**
   * Whom a request with this token is made by; `undefined` if it is no service's token.
   * @throws {MatrixError} `M_FORBIDDEN`: a user whom the service may not act for, or who is not registered;
   *   `M_UNKNOWN_DEVICE`
   */
  identify(token: string, assertion: Assertion): Promise<Requester> | undefined {
    const service = this.#registry.byToken(token)
    if (service === undefined) return undefined
    this.#heardOf(service)
    return this.#identified(service, assertion)
  }

  async #identified(
    service: AppService,
    { assertedUserId, assertedDeviceId }: Assertion,
  ): Promise<Requester> {
    const userId = assertedUserId ?? service.senderId
    if (!isUserOf(service, userId) || !this.#registry.isLocal(userId)) {
      throw new MatrixError('M_FORBIDDEN', 'The application service cannot act for this user.')
    }
    const user = await this.#accounts.find(userId)
    if (user === undefined) {
      throw new MatrixError('M_FORBIDDEN', 'The application service has not registered this user.')
    }
    if (assertedDeviceId !== undefined && !(await this.#accounts.hasDevice(userId, assertedDeviceId))) {
      throw new MatrixError('M_UNKNOWN_DEVICE', 'The user has no such device.')
    }
    return {
      userId,
      deviceId: assertedDeviceId,
      tokenId: tokenId(service),
      isGuest: false,
      isAdmin: user.isAdmin,
      isLocked: user.isLocked,
      isSuspended: user.isSuspended,
      isShadowBanned: user.isShadowBanned,
      appServiceId: service.id,
      isExemptFromRateLimits: !service.isRateLimited || userId === service.senderId,
    }
  }
}

const tokenId = (service: AppService): string => hash('sha256', service.asToken, 'base64url')
