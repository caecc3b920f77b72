import type { RoomEvent } from '../../core/event/event.ts'
import type { FormatOptions } from '../../core/event/fields.ts'
import { type EventTexts, parsePdu } from '../../core/event/format.ts'
import { contentHashMatches, requiredSigners, signedBytes } from '../../core/event/signatures.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import { JsonParseError, parseJson } from '../../core/parse-json.ts'
import { POLICY_KEY_ID } from '../../core/policy-server.ts'
import { type RoomVersion, roomVersion } from '../../core/room-versions.ts'
import { signatureKeyIds, signatureOf, verifySignature } from '../../core/signing.ts'
import type { CheckSignature } from './check-signature.ts'

/** Who has to have signed an event beside, or not, those that every server demands. */
export interface SignerOptions {
  /** Servers whose signature is still to come (our own, on what we are asked to sign), and not needed yet. */
  readonly exempt?: string
  /** Servers that must have signed, besides those that every server demands. */
  readonly alsoSignedBy?: readonly string[]
}

/** A server needs one good signature; more of its keys than this are not tried. */
const MAX_KEYS_PER_SIGNER = 4

/** Public keys by server and key ID, as they hold for one event. */
export type KeyOf = (server: string, keyId: string) => string | undefined

/** What a signer's check needs of an event: a `RoomEvent` has it, and so has one that is not parsed yet. */
type Signable = Pick<RoomEvent, 'type' | 'content' | 'sender' | 'eventId' | 'version'>

export const signersOf = (event: Signable, { exempt, alsoSignedBy = [] }: SignerOptions): string[] =>
  [...new Set([...requiredSigners(event), ...alsoSignedBy])].filter(server => server !== exempt)

/** "The policy server key is not expected to be published and therefore should be skipped at this stage." */
export const keyIdsOf = (pdu: RoomEvent['pdu'], server: string): string[] =>
  signatureKeyIds(pdu, server)
    .filter(keyId => keyId !== POLICY_KEY_ID)
    .slice(0, MAX_KEYS_PER_SIGNER)

/** Why the signatures of an event do not suffice. */
export interface SignatureRefusal {
  readonly refusal: string
  /** The server whose signature cannot be judged, since no key can be had under which it was made: mostly one that is gone. */
  readonly unknownSigner?: string
}

/**
 * Whether an event carries the signatures that it needs; else the reason. "If all signatures from known unexpired keys
 * from the originating server(s) are found to be valid": keys that cannot be had count for nothing, of the others
 * there must be one, and none may be wrong.
 */
export const signatureRefusal = async (
  { event, texts }: ParsedEvent,
  keyOf: KeyOf,
  options: SignerOptions,
  check: CheckSignature,
): Promise<SignatureRefusal | undefined> => {
  const message = signedBytes(event, texts)
  const needed = signaturesNeeded(event, keyOf, options)
  const valid = await Promise.all(
    needed.map(({ known }) => Promise.all(known.map(({ key, signature }) => check(key, message, signature)))),
  )
  return refusalOf(needed, server => valid[server] ?? [])
}

/** The same at once. */
const signatureRefusalHere = (
  { event, texts }: ParsedEvent,
  keyOf: KeyOf,
  options: SignerOptions,
): SignatureRefusal | undefined => {
  const message = signedBytes(event, texts)
  const needed = signaturesNeeded(event, keyOf, options)
  return refusalOf(needed, server =>
    (needed[server]?.known ?? []).map(({ key, signature }) => verifySignature(key, message, signature)),
  )
}

/** An event that has been parsed, with what was written of it. */
export interface ParsedEvent {
  readonly event: RoomEvent
  readonly texts: EventTexts
}

/** A server that must have signed an event, and its signatures under known keys. */
interface NeededSignature {
  readonly server: string
  /** Under any key at all. */
  readonly isSigned: boolean
  readonly known: readonly { readonly key: string; readonly signature: string }[]
}

const signaturesNeeded = (event: RoomEvent, keyOf: KeyOf, options: SignerOptions): NeededSignature[] =>
  signersOf(event, options).map(server => {
    const keyIds = keyIdsOf(event.pdu, server)
    const known = keyIds.flatMap(keyId => {
      const key = keyOf(server, keyId)
      return key === undefined ? [] : [{ key, signature: signatureOf(event.pdu, server, keyId) ?? '' }]
    })
    return { server, isSigned: keyIds.length > 0, known }
  })

const refusalOf = (
  needed: readonly NeededSignature[],
  valid: (index: number) => readonly boolean[],
): SignatureRefusal | undefined => {
  for (const [index, { server, isSigned }] of needed.entries()) {
    const found = valid(index)
    if (found.length === 0 || !found.every(isValid => isValid)) {
      const isUnknown = isSigned && found.length === 0
      const refusal = `it has no valid signature of ${server}`
      return { refusal, ...(isUnknown ? { unknownSigner: server } : {}) }
    }
  }
  return undefined
}

/** What is asked of events: who has to have signed, whose keys are believed, and in which form they may come. */
export type VerifyOptions = SignerOptions &
  FormatOptions & {
    /** A server that is asked for keys which nobody else tells, and believed: the one that lets us into a room, of that room. */
    readonly vouchedBy?: string | undefined
  }

/** Events to check in another thread: as text, which keeps how numbers were written. */
export interface VerifyJob {
  readonly version: string
  readonly options: VerifyOptions
  readonly events: readonly {
    readonly text: string
    /** `[server, key ID, public key]` */
    readonly keys: readonly (readonly [string, string, string])[]
  }[]
}

/** What was found: the event's ID and whether its content hash fits, or why it is dropped. */
export type VerifyFinding =
  | { readonly eventId: string; readonly hashMatches: boolean }
  | ({ readonly eventId: string | undefined } & SignatureRefusal)

/** The checks of `EventVerifier`, for many events at once. Pure. */
export const verifyJob = ({ version: id, events, options }: VerifyJob): VerifyFinding[] => {
  const version = roomVersion(id)
  if (version === undefined) throw new RangeError(`room version ${id} is not known`)
  return events.map(({ text, keys }) => find(text, keys, version, options))
}

const find = (
  text: string,
  keys: VerifyJob['events'][number]['keys'],
  version: RoomVersion,
  options: VerifyOptions,
): VerifyFinding => {
  const value = parsed(text)
  const result = parsePdu(value, version, options)
  if ('refusal' in result) return { eventId: result.eventId, refusal: result.refusal.message }
  const { event, texts } = result
  const keyOf: KeyOf = (server, keyId) => keys.find(key => key[0] === server && key[1] === keyId)?.[2]
  const refusal = signatureRefusalHere(result, keyOf, options)
  if (refusal !== undefined) return { eventId: event.eventId, ...refusal }
  return { eventId: event.eventId, hashMatches: contentHashMatches(event, texts) }
}

const parsed = (text: string): JsonValue => {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof JsonParseError) return null
    throw error
  }
}

/** What of an event tells who has to sign it, before anybody has looked whether it is one. */
export const signableOf = (pdu: JsonValue, version: RoomVersion): Signable | undefined => {
  if (!isJsonObject(pdu)) return undefined
  const { type, sender, content, event_id: eventId = '' } = pdu
  if (typeof type !== 'string' || typeof sender !== 'string' || typeof eventId !== 'string') return undefined
  return isJsonObject(content) ? { type, sender, content, eventId, version } : undefined
}
