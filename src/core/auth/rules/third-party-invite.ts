import { CanonicalJsonError } from '../../canonical-json.ts'
import type { RoomEvent, Verdict } from '../../event/event.ts'
import { isJsonObject, type JsonObject } from '../../json.ts'
import { signableBytes, verifySignature } from '../../signing.ts'
import { refuse } from '../refusal.ts'
import { type MemberEvent, membershipOf, type RoomView } from '../room-view.ts'

/**
 * Honest invites hold one or two signatures and two keys. Each pair costs a verification, so that an event full of
 * both would keep a server busy for a minute; pairs beyond this many are not tried.
 */
const MAX_VERIFICATIONS = 256

/** "If `content` has a `third_party_invite` property" of an invite (client-server API, "Third-party invites"). */
export const thirdPartyInviteRule = (event: MemberEvent, room: RoomView): Verdict => {
  const { sender, stateKey: target } = event
  // "If target user is banned, reject."
  if (membershipOf(target, room) === 'ban') {
    return refuse('member.third_party_invite.banned', `${target} is banned from the room.`)
  }
  // "If content.third_party_invite does not have a signed property, reject."
  const invite = event.content['third_party_invite']
  const signed = isJsonObject(invite) ? invite['signed'] : undefined
  if (!isJsonObject(signed)) {
    return refuse('member.third_party_invite.signed', 'The third-party invite lacks what was signed.')
  }
  // "If signed does not have mxid and token properties, reject."
  const { mxid, token } = signed
  if (mxid === undefined || typeof token !== 'string') {
    return refuse('member.third_party_invite.format', 'The third-party invite lacks a user ID or a token.')
  }
  // "If mxid does not match state_key, reject."
  if (mxid !== target) {
    return refuse('member.third_party_invite.mxid', `The third-party invite is not for ${target}.`)
  }
  // "If there is no m.room.third_party_invite event in the state with state_key matching token, reject."
  const offer = room.state('m.room.third_party_invite', token)
  if (offer === undefined) {
    return refuse('member.third_party_invite.token', 'The room holds no third-party invite with this token.')
  }
  // "If sender does not match sender of the m.room.third_party_invite, reject."
  if (offer.sender !== sender) {
    return refuse('member.third_party_invite.sender', `The third-party invite is not from ${sender}.`)
  }
  // "If any signature in signed matches any public key in the event, allow. Otherwise, reject."
  if (keyThatSigned(signed, publicKeys(offer)) !== undefined) return undefined
  return refuse(
    'member.third_party_invite.signature',
    'No key of the third-party invite has signed this one.',
  )
}

/** "A single public key in `public_key`. A list of public keys in `public_keys`", in base64 of either alphabet. */
const publicKeys = (offer: Pick<RoomEvent, 'content'>): Set<string> => {
  const { public_key: single, public_keys: list } = offer.content
  const named = Array.isArray(list)
    ? list.map((entry: unknown) => isJsonObject(entry) && entry['public_key'])
    : []
  return new Set([single, ...named].filter(key => typeof key === 'string'))
}

function* ed25519Signatures(signed: JsonObject): Generator<string> {
  const signatures = signed['signatures']
  if (!isJsonObject(signatures)) return
  for (const ofServer of Object.values(signatures)) {
    if (!isJsonObject(ofServer)) continue
    for (const [keyId, signature] of Object.entries(ofServer)) {
      if (keyId.startsWith('ed25519:') && typeof signature === 'string') yield signature
    }
  }
}

/** What has no canonical encoding cannot have been signed. */
const bytesOf = (signed: JsonObject): Uint8Array | undefined => {
  try {
    return signableBytes(signed)
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined
    throw error
  }
}

const keyThatSigned = (signed: JsonObject, keys: ReadonlySet<string>): string | undefined => {
  const bytes = bytesOf(signed)
  if (bytes === undefined) return undefined
  let tried = 0
  for (const signature of new Set(ed25519Signatures(signed))) {
    for (const key of keys) {
      if (tried++ === MAX_VERIFICATIONS) return undefined
      if (verifySignature(key, bytes, signature)) return key
    }
  }
  return undefined
}

/**
 * The key of an `m.room.third_party_invite` that has signed something, and where to ask whether it still counts: "if this
 * URL is absent, the key must be considered valid indefinitely". `undefined` where none has.
 */
export const signingKeyOf = (
  offer: Pick<RoomEvent, 'content'>,
  signed: JsonObject,
): { readonly publicKey: string; readonly validityUrl: string | undefined } | undefined => {
  const publicKey = keyThatSigned(signed, publicKeys(offer))
  if (publicKey === undefined) return undefined
  const { public_keys: list } = offer.content
  const entries = [offer.content, ...(Array.isArray(list) ? list.filter(isJsonObject) : [])]
  const urls = entries.flatMap(({ public_key: key, key_validity_url: url }) =>
    key === publicKey && typeof url === 'string' ? [url] : [],
  )
  return { publicKey, validityUrl: urls[0] }
}
