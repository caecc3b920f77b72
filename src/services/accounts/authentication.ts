import { administers } from '../../core/oauth/scope.ts'
import type { TokenOwner } from '../../storage/accounts/access-tokens.ts'
import type { Requester } from '../requester.ts'
import type { AccountsContext } from './context.ts'
import { LastSeenRecorder } from './last-seen.ts'
import { hashToken } from './secrets.ts'
import { TokenCache } from './token-cache.ts'
import { unknownToken } from './token-issuer.ts'

/** Where a request came from, for the list of devices. */
export interface Connection {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** How often a device that is heard of all the time is noted, in milliseconds. */
const NOTE_EVERY_MS = 60_000

interface CachedToken {
  readonly userId: string
  readonly requester: Requester
  readonly expiresTs: number
  readonly readTs: number
  notedTs: number
  notedIp: string | undefined
}

/** Turns access tokens into requesters: the first thing that nearly every request does. */
export class Authentication {
  readonly lastSeen: LastSeenRecorder
  readonly #context: AccountsContext
  readonly #cache: TokenCache<CachedToken>

  constructor(context: AccountsContext) {
    this.#context = context
    this.lastSeen = new LastSeenRecorder(context)
    const { cacheMs } = context.options.sessions
    this.#cache = new TokenCache({ maxAgeMs: cacheMs })
    context.bulletin?.on('tokens', userId => this.#cache.forget(String(userId)))
    context.bulletin?.onGap(() => this.#cache.clear())
  }

  /**
   * Whose access token this is (client-server API, "Using access tokens"). Locked and suspended users are answered
   * too: what they may do is judged by operation.
   *
   * @throws {MatrixError} `M_UNKNOWN_TOKEN`, with `soft_logout` when the token has only expired
   */
  async authenticate(accessToken: string, connection: Connection = {}): Promise<Requester> {
    const now = this.#context.clock.now()
    const entry = this.#cache.get(accessToken, now) ?? (await this.#read(accessToken, now))
    if (entry.expiresTs <= now) throw unknownToken(true)
    if (now - entry.notedTs >= NOTE_EVERY_MS || entry.notedIp !== connection.ip)
      this.#note(entry, connection, now)
    return entry.requester
  }

  /** Notes that a device has just been heard of, where the request came from no token of its own. */
  heardOf(userId: string, deviceId: string, { ip, userAgent }: Connection): void {
    this.lastSeen.note({ userId, deviceId, ts: this.#context.clock.now(), ip, userAgent })
  }

  /** Forgets what is in memory about a user's tokens, in all processes. To be called after each commit that concerns them. */
  async forget(userId: string): Promise<void> {
    this.#cache.forget(userId)
    await this.#context.bulletin?.post('tokens', userId)
  }

  async #read(accessToken: string, now: number): Promise<CachedToken> {
    const { read, write } = this.#context
    const { epoch } = this.#cache
    const owner = await read.tokens.owner(hashToken(accessToken))
    if (owner === undefined) throw unknownToken(false)
    const isUsed = owner.expiresTs === undefined || owner.expiresTs > now
    if (owner.supersedes !== undefined && isUsed) {
      // The first use of refreshed tokens revokes those that they replace.
      await this.#context.commit(write.tokens.confirm(owner.tokenHash, owner.supersedes))
      await this.forget(owner.userId)
      return cachedToken(owner, now)
    }
    const entry = cachedToken(owner, now)
    this.#cache.add(accessToken, entry, epoch)
    return entry
  }

  #note(entry: CachedToken, connection: Connection, now: number): void {
    const { userId, deviceId } = entry.requester
    entry.notedTs = now
    entry.notedIp = connection.ip
    if (deviceId === undefined) return
    this.lastSeen.note({ userId, deviceId, ts: now, ip: connection.ip, userAgent: connection.userAgent })
  }
}

/** "0" per second is how the tools of administrators say that somebody is not limited. */
const limitOf = ({
  messageLimit,
}: TokenOwner): Pick<Requester, 'messageLimit' | 'isExemptFromRateLimits'> => {
  if (messageLimit === undefined) return {}
  return messageLimit.perSecond === 0 ? { isExemptFromRateLimits: true } : { messageLimit }
}

const cachedToken = (owner: TokenOwner, now: number): CachedToken => ({
  userId: owner.userId,
  requester: {
    userId: owner.userId,
    // Administrators who act as somebody else have no device.
    deviceId: owner.deviceId === '' ? undefined : owner.deviceId,
    tokenId: owner.tokenHash,
    ...(owner.grant === undefined ? {} : { oauthClientId: owner.grant.clientId }),
    isGuest: owner.isGuest,
    // Who was asked whether a client may use their account has not said thereby that it may administer the server.
    isAdmin: owner.isAdmin && (owner.grant === undefined || administers(owner.grant.scope)),
    isLocked: owner.isLocked,
    isSuspended: owner.isSuspended,
    isShadowBanned: owner.isShadowBanned,
    ...limitOf(owner),
  },
  expiresTs: owner.expiresTs ?? Number.POSITIVE_INFINITY,
  readTs: now,
  notedTs: Number.NEGATIVE_INFINITY,
  notedIp: undefined,
})
