import { isCompliantUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { type ClaimedKey, claimedKey, type WantedKey } from '../../storage/encryption/one-time-keys.ts'
import type { EncryptionContext } from './context.ts'
import type { KnownKeysLeft } from './known-keys-left.ts'
import { failureOf, notAsked, type RemoteKeys, remoteTimeout } from './ports.ts'
import { askEach } from './remote/ask-each.ts'
import { MAX_ONE_TIME_KEY } from './uploaded-keys.ts'

/** User ID → device ID → algorithm. */
export type KeyClaim = Readonly<Record<string, Readonly<Record<string, string>>>>

/** User ID → device ID → `<algorithm>:<key ID>` → key. */
type Keys = Record<string, Record<string, JsonObject>>

/** The body of a response to `/keys/claim`. */
export interface ClaimResponse {
  readonly failures: JsonObject
  readonly one_time_keys: Keys
}

/** Gives out one-time keys, each once (client-server API, `/keys/claim`). */
export class KeyClaims {
  readonly #context: EncryptionContext
  readonly #remote: RemoteKeys
  readonly #keysLeft: KnownKeysLeft

  constructor(context: EncryptionContext, parts: { remote: RemoteKeys; keysLeft: KnownKeysLeft }) {
    this.#context = context
    this.#remote = parts.remote
    this.#keysLeft = parts.keysLeft
  }

  /** One key for each device, of local and remote users; other servers that do not answer are named. */
  async claim(claim: KeyClaim, timeoutMs: number | undefined): Promise<ClaimResponse> {
    const { serverName } = this.#context
    const local: WantedKey[] = []
    const byServer = new Map<string, Map<string, ReadonlyMap<string, string>>>()
    for (const [userId, devices] of Object.entries(claim)) {
      const server = serverNameOf(userId)
      if (server === serverName) {
        for (const [deviceId, algorithm] of Object.entries(devices))
          local.push({ userId, deviceId, algorithm })
      } else if (isCompliantUserId(userId)) {
        const users = byServer.get(server) ?? new Map<string, ReadonlyMap<string, string>>()
        byServer.set(server, users.set(userId, new Map(Object.entries(devices))))
      }
    }
    const failures: Record<string, JsonValue> = {}
    const keys: Keys = {}
    const options = remoteTimeout(timeoutMs)
    const others = askEach(
      byServer,
      { clock: this.#context.clock, ...options },
      {
        ask: async (server, users) => {
          try {
            for (const [userId, of] of await this.#remote.keysClaim(server, users, options))
              keys[userId] = Object.fromEntries([...of].filter(([, key]) => isWithinReason(key)))
          } catch (error) {
            failures[server] = failureOf(error)
          }
        },
        leave: server => {
          failures[server] = notAsked()
        },
      },
    )
    const [own] = await Promise.all([this.claimLocal(local), others])
    return { failures, one_time_keys: { ...keys, ...own } }
  }

  /** Keys of local users' devices; those that have none left, or do not exist, are missing. */
  async claimLocal(wanted: readonly WantedKey[]): Promise<Keys> {
    // In one order everywhere, so that processes never wait for each other in a circle.
    const sorted = (await this.#claimable(wanted)).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    const claimed = await this.#claimOnce(sorted)
    const without = sorted.filter(each => !claimed.has(nameOf(each)))
    if (without.length > 0) {
      const { write } = this.#context
      const result = await this.#keysLeft.commit(without, [write.oneTimeKeys.useFallback(without)])
      for (const row of result.ok ? (result.returned['claimed'] ?? []) : []) {
        const key = claimedKey(row)
        claimed.set(nameOf(key), key)
      }
    }
    const ofDevices = (keys: readonly ClaimedKey[]): Record<string, JsonObject> =>
      Object.fromEntries(
        keys.map(({ deviceId, algorithm, keyId, json }) => [
          deviceId,
          { [`${algorithm}:${keyId}`]: parseJson(json) },
        ]),
      )
    const byUser = Map.groupBy(claimed.values(), ({ userId }) => userId)
    return Object.fromEntries(Array.from(byUser, ([userId, keys]) => [userId, ofDevices(keys)]))
  }

  /** Those for which there are keys: whoever asks for very many that there are not must keep nobody else from writing. */
  async #claimable(wanted: readonly WantedKey[]): Promise<WantedKey[]> {
    if (wanted.length === 0) return []
    const users = [...new Set(wanted.map(({ userId }) => userId))]
    const there = new Set((await this.#context.read.oneTimeKeys.claimable(users)).map(nameOf))
    return wanted.filter(each => there.has(nameOf(each)))
  }

  async #claimOnce(wanted: readonly WantedKey[]): Promise<Map<string, ClaimedKey>> {
    const { read, write, clock } = this.#context
    const claimed = new Map<string, ClaimedKey>()
    let pending = wanted
    while (pending.length > 0) {
      const result = await this.#keysLeft.commit(pending, [write.oneTimeKeys.claim(pending, clock.now())])
      for (const row of result.ok ? (result.returned['claimed'] ?? []) : []) {
        const key = claimedKey(row)
        claimed.set(nameOf(key), key)
      }
      // Another process may have taken the key that this one was about to take: there may be others.
      const missing = pending.filter(each => !claimed.has(nameOf(each)))
      if (missing.length === 0) break
      const users = [...new Set(missing.map(({ userId }) => userId))]
      const left = new Set((await read.oneTimeKeys.anyLeft(users)).map(nameOf))
      pending = missing.filter(each => left.has(nameOf(each)))
    }
    return claimed
  }
}

/** Larger ones are nobody's: many people's devices are asked for keys at once. @param key `<algorithm>:<key ID>` → key */
const isWithinReason = (key: JsonObject): boolean =>
  Object.values(key).every(value => Buffer.byteLength(JSON.stringify(value)) <= MAX_ONE_TIME_KEY)

const nameOf = ({ userId, deviceId, algorithm }: WantedKey): string => `${userId} ${deviceId} ${algorithm}`
