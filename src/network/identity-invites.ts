import { createHash } from 'node:crypto'
import { isUserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'

/** Sends a request to an identity server in the name of a user: a POST where there is a body; answers the answer's. */
export type AskIdentityServer = (path: string, body?: JsonObject) => Promise<JsonObject>

/** Whom a user wants to invite, whose user ID they do not know. */
export interface InvitedAddress {
  readonly medium: string
  readonly address: string
  /** The inviting user's, of the identity server. */
  readonly accessToken: string
}

/** What lets whoever proves that the address is theirs accept an invitation. */
export interface StoredInvite {
  readonly token: string
  readonly displayName: string
  readonly publicKeys: readonly { readonly publicKey: string; readonly keyValidityUrl: string }[]
}

const V2 = '/_matrix/identity/v2'
const MAX_KEYS = 10
/** "Must be a string consisting of the characters `[0-9a-zA-Z.=_-]`. Its length must not exceed 255 characters and it must not be empty." */
const TOKEN = /^[0-9a-zA-Z.=_-]{1,255}$/

/** The user to whom an address is bound (Identity Service API, "Association lookup"); the address goes out hashed if it may. */
export const lookUpUser = async (
  ask: AskIdentityServer,
  { medium, address }: InvitedAddress,
): Promise<string | undefined> => {
  const { lookup_pepper: pepper, algorithms } = await ask(`${V2}/hash_details`)
  // "Servers MUST support at least the `sha256` algorithm": in the clear only for one that says it takes nothing else.
  const known: readonly unknown[] = Array.isArray(algorithms) ? algorithms : []
  const hashes = known.includes('sha256') || !known.includes('none')
  // "The string `address medium pepper`" hashed and in unpadded URL-safe base64; or, for `none`, "`address medium`".
  const sought = hashes
    ? createHash('sha256')
        .update(`${address} ${medium} ${String(pepper)}`)
        .digest('base64url')
    : `${address} ${medium}`
  const { mappings } = await ask(`${V2}/lookup`, {
    ...{ algorithm: hashes ? 'sha256' : 'none', pepper: String(pepper), addresses: [sought] },
  })
  const found = isJsonObject(mappings) && Object.hasOwn(mappings, sought) ? mappings[sought] : undefined
  return typeof found === 'string' && isUserId(found) ? found : undefined
}

/** Leaves an invitation with an identity server; `undefined` if its answer lacks what it has to say. */
export const storeInvite = async (
  ask: AskIdentityServer,
  { medium, address }: InvitedAddress,
  about: JsonObject,
): Promise<StoredInvite | undefined> => {
  const answer = await ask(`${V2}/store-invite`, { ...about, medium, address })
  const { token, display_name: displayName, public_keys: keys } = answer
  if (typeof token !== 'string' || !TOKEN.test(token)) return undefined
  if (typeof displayName !== 'string' || !Array.isArray(keys)) return undefined
  const publicKeys = keys.slice(0, MAX_KEYS).flatMap((key: unknown) => {
    const { public_key: publicKey, key_validity_url: keyValidityUrl } = isObject(key) ? key : {}
    const isComplete = typeof publicKey === 'string' && typeof keyValidityUrl === 'string'
    return isComplete ? [{ publicKey, keyValidityUrl }] : []
  })
  return publicKeys.length === 0 ? undefined : { token, displayName, publicKeys }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
