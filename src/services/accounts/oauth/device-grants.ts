import { DEVICE_CODE_GRANT } from '../../../core/oauth/client-metadata.ts'
import { OAuthError } from '../../../core/oauth/errors.ts'
import { administers, parseScope } from '../../../core/oauth/scope.ts'
import {
  shownUserCode,
  USER_CODE_ALPHABET,
  USER_CODE_LENGTH,
  userCodeOf,
} from '../../../core/oauth/user-code.ts'
import type { DeviceCode } from '../../../storage/accounts/device-codes.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { AccountsContext } from '../context.ts'
import { hashToken, newToken, randomText } from '../secrets.ts'
import type { OAuthClient, OAuthClients } from './clients.ts'
import { type ClientTokens, type Sessions, sessionEnded } from './sessions.ts'

const LIFETIME_MS = 1_800_000

/** So long after its end a code is answered as expired, not as unknown. */
const REMEMBERED_MS = 600_000

/** Between two polls; "the interval MUST be increased by 5 seconds" for those who come too early. */
const INTERVAL_MS = 5_000
/** A poll that is early by less than this was delayed less than the one before it. */
const TOLERANCE_MS = 500

/** Devices that may be waiting, since anybody can begin; those that wait longest go first. */
const MAX_WAITING = 10_000

/** The answer to a device (RFC 8628, 3.2); times in seconds. */
export interface DeviceAuthorization {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

/** A device that waits for the user, as they are asked about it. */
export interface WaitingDevice {
  readonly client: OAuthClient
  readonly deviceId: string
  /** As both sides show it. */
  readonly userCode: string
  /** Whether it wants to administer the server. */
  readonly administers: boolean
}

/** The device authorisation grant (RFC 8628): whoever sits before a device lets it in from a browser elsewhere. */
export class DeviceGrants {
  readonly #context: AccountsContext
  readonly #sessions: Sessions
  readonly #clients: OAuthClients
  readonly #verificationUri: string

  constructor(
    context: AccountsContext,
    parts: { sessions: Sessions; clients: OAuthClients; verificationUri: string },
  ) {
    this.#context = context
    this.#sessions = parts.sessions
    this.#clients = parts.clients
    this.#verificationUri = parts.verificationUri
  }

  /**
   * Begins, for a device.
   * @throws {OAuthError} `unauthorized_client`, `invalid_scope`
   */
  async begin({ clientId, metadata }: OAuthClient, requested: string): Promise<DeviceAuthorization> {
    const { clock, random, write } = this.#context
    if (!metadata.grant_types.includes(DEVICE_CODE_GRANT)) {
      throw new OAuthError('unauthorized_client', 'The client has not registered for the device grant')
    }
    const scope = parseScope(requested)
    const code = newToken(random)
    const userCode = randomText(random, USER_CODE_ALPHABET, USER_CODE_LENGTH)
    const now = clock.now()
    const stored = await this.#context.commit([
      write.deviceCodes.insert({
        codeHash: hashToken(code),
        userCode,
        clientId,
        deviceId: scope.deviceId,
        scope: scope.text,
        polledTs: now - INTERVAL_MS,
        interval: INTERVAL_MS,
        createdTs: now,
        expiresTs: now + LIFETIME_MS,
      }),
      write.oauthClients.use(clientId, now),
    ])
    if (!stored.ok) return this.begin({ clientId, metadata }, requested)
    const shown = shownUserCode(userCode)
    return {
      device_code: code,
      user_code: shown,
      verification_uri: this.#verificationUri,
      verification_uri_complete: `${this.#verificationUri}?user_code=${shown}`,
      expires_in: LIFETIME_MS / 1000,
      interval: INTERVAL_MS / 1000,
    }
  }

  /** The device that shows a code, while nobody has decided about it. */
  async waiting(typed: string): Promise<WaitingDevice | undefined> {
    const userCode = userCodeOf(typed)
    const found =
      userCode === undefined ? undefined : await this.#context.read.deviceCodes.byUserCode(userCode)
    if (found === undefined || found.state !== 'pending' || found.expiresTs <= this.#context.clock.now()) {
      return undefined
    }
    const client = await this.#clients.find(found.clientId)
    return (
      client && {
        ...{ client, deviceId: found.deviceId, userCode: shownUserCode(found.userCode) },
        administers: administers(found.scope),
      }
    )
  }

  /** Lets a device in, or not. @param origin the session at a provider with which the user has signed in @returns whether it was still waiting */
  async decide(userId: string, typed: string, isGranted: boolean, origin?: string): Promise<boolean> {
    const { clock, read, write } = this.#context
    const user = await read.users.byId(userId)
    const userCode = userCodeOf(typed)
    if (user === undefined || user.isLocked || userCode === undefined) return false
    const { credentialVersion } = user
    const state = isGranted ? 'granted' : 'denied'
    const result = await this.#context.commit([
      write.deviceCodes.decide(userCode, { state, userId, credentialVersion, origin }, clock.now()),
    ])
    return result.ok
  }

  /**
   * What a device is answered that asks how things are.
   * @throws {OAuthError} `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`
   */
  async poll(clientId: string, code: string): Promise<ClientTokens> {
    const { clock, read, write } = this.#context
    const found = await read.deviceCodes.byHash(hashToken(code))
    if (found === undefined || found.clientId !== clientId) {
      throw sessionEnded('The device code is not known for this client')
    }
    const now = clock.now()
    if (found.expiresTs <= now) throw new OAuthError('expired_token', 'The device code has expired')
    if (found.state === 'denied') throw new OAuthError('access_denied', 'The user has refused')
    if (found.state === 'pending') return this.#wait(found, now)
    const { userId, credentialVersion } = found
    if (userId === undefined || credentialVersion === undefined) throw sessionEnded('Nobody has granted it')
    return this.#sessions.start({ ...found, userId, credentialVersion }, () => [
      write.deviceCodes.redeem(found.codeHash, now),
    ])
  }

  /** Removes codes that are of no use any more. */
  prune(): WriteStatement {
    const { clock, write } = this.#context
    return write.deviceCodes.prune(clock.now() - REMEMBERED_MS, MAX_WAITING)
  }

  async #wait({ codeHash, polledTs, interval }: DeviceCode, now: number): Promise<never> {
    const isEarly = now - polledTs < interval - TOLERANCE_MS
    const next = isEarly ? interval + INTERVAL_MS : interval
    await this.#context.commit([this.#context.write.deviceCodes.polled(codeHash, now, next)])
    throw isEarly
      ? new OAuthError('slow_down', 'Wait longer between two requests')
      : new OAuthError('authorization_pending', 'The user has not decided yet')
  }
}
