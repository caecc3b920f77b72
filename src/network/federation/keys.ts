import type { JsonObject } from '../../core/json.ts'
import type { CallOptions, Requester } from './requester.ts'
import { asObject, integerOf, objectsByKey, objectsOf, ShapeError, stringOf } from './shape.ts'

/** A key that is out of use since `expiredTs` (milliseconds since 1970), in base64. */
export interface OldKey {
  readonly key: string
  readonly expiredTs: number
}

/** What a server publishes about its keys. Its signatures are still to be verified, over `raw`. */
export interface ServerKeys {
  readonly serverName: string
  /** Milliseconds since 1970; as published, not yet limited to 7 days. */
  readonly validUntilTs: number
  /** Key ID → public key in base64. */
  readonly verifyKeys: ReadonlyMap<string, string>
  readonly oldVerifyKeys: ReadonlyMap<string, OldKey>
  readonly raw: JsonObject
}

/** Server name → key ID → the instant until which the key should be valid. No key IDs: all keys. */
export type KeyQuery = ReadonlyMap<string, ReadonlyMap<string, number>>

const MAX_KEYS = 200
const MAX_SERVERS = 1_000

const parseServerKeys = (raw: JsonObject): ServerKeys => {
  const verifyKeys = new Map<string, string>()
  for (const [keyId, { key }] of objectsByKey(raw, 'verify_keys').slice(0, MAX_KEYS)) {
    if (typeof key === 'string') verifyKeys.set(keyId, key)
  }
  const oldVerifyKeys = new Map<string, OldKey>()
  for (const [keyId, value] of objectsByKey(raw, 'old_verify_keys').slice(0, MAX_KEYS)) {
    const { key, expired_ts: expiredTs } = value
    if (typeof key === 'string' && typeof expiredTs === 'number') oldVerifyKeys.set(keyId, { key, expiredTs })
  }
  return {
    serverName: stringOf(raw, 'server_name'),
    validUntilTs: integerOf(raw, 'valid_until_ts'),
    verifyKeys,
    oldVerifyKeys,
    raw,
  }
}

/** An entry that is broken is the notary's or its server's fault, not that of the others. */
const orUndefined = (raw: JsonObject): ServerKeys | undefined => {
  try {
    return parseServerKeys(raw)
  } catch (error) {
    if (error instanceof ShapeError) return undefined
    throw error
  }
}

/** Server-server API, "Retrieving server keys". Neither request is signed: our keys may be what is being fetched. */
export const keyEndpoints = ({ request }: Requester) => ({
  /** The keys that a server publishes about itself. */
  getServerKeys: (destination: string, options: CallOptions = {}): Promise<ServerKeys> =>
    request({
      timeoutMs: 15_000,
      ...options,
      destination,
      method: 'GET',
      path: '/_matrix/key/v2/server',
      signed: false,
      maxBytes: 256 * 1024,
      parse: body => {
        const keys = parseServerKeys(asObject(body))
        if (keys.serverName !== destination) throw new ShapeError('these are the keys of another server')
        return keys
      },
    }),

  /**
   * Asks a notary for the keys of other servers. Answers only what it knows of the servers asked for; a server may
   * occur several times.
   */
  queryKeys: (notary: string, query: KeyQuery, options: CallOptions = {}): Promise<ServerKeys[]> =>
    request({
      timeoutMs: 30_000,
      ...options,
      destination: notary,
      method: 'POST',
      path: '/_matrix/key/v2/query',
      body: {
        server_keys: Object.fromEntries(
          Array.from(query, ([serverName, keys]) => [
            serverName,
            Object.fromEntries(
              Array.from(keys, ([keyId, until]) => [keyId, { minimum_valid_until_ts: until }]),
            ),
          ]),
        ),
      },
      signed: false,
      maxBytes: 8 * 1024 * 1024,
      parse: body =>
        objectsOf(asObject(body), 'server_keys', MAX_SERVERS)
          .map(orUndefined)
          .filter(keys => keys !== undefined)
          .filter(keys => query.has(keys.serverName)),
    }),
})
