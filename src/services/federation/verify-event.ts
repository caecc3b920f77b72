import type { RoomEvent } from '../../core/event/event.ts'
import { parsePdu } from '../../core/event/format.ts'
import {
  contentHashMatches,
  eventWithRedactedContent,
  requiredSigners,
  signedBytes,
} from '../../core/event/signatures.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import { keepNumberSources } from '../../core/parse-json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { signatureKeyIds, signatureOf, verifySignature } from '../../core/signing.ts'
import type { KeyRing } from './keys/key-ring.ts'

/** An event whose format, signatures and hash have been checked, or why it is dropped. */
export type Verified =
  | { readonly event: RoomEvent }
  | { readonly eventId: string | undefined; readonly refusal: string }

export interface VerifyOptions {
  /** Servers whose signature is still to come (our own, on what we are asked to sign), and not needed yet. */
  readonly exempt?: string
  /** Servers that must have signed, besides those that every server demands. */
  readonly alsoSignedBy?: readonly string[]
}

/** Events per slice: about 10 ms of work, after which whatever waits gets its turn. */
const SLICE = 25
/** A server needs one good signature; more of its keys than this are not tried. */
const MAX_KEYS_PER_SIGNER = 4

/**
 * The checks of a received event that need no room: 1. format, 2. signatures, 3. hash (server-server API, "Checks
 * performed on receipt of a PDU"). Authorisation is the room's.
 */
export class EventVerifier {
  readonly #keys: KeyRing

  constructor(keys: KeyRing) {
    this.#keys = keys
  }

  /** Checks one event as it was received. Never throws, whatever the value. */
  async verify(pdu: JsonValue, version: RoomVersion, options: VerifyOptions = {}): Promise<Verified> {
    const [verified] = await this.verifyAll([pdu], version, options)
    return verified ?? { eventId: undefined, refusal: 'nothing was given' }
  }

  /**
   * Checks events of one room version, in slices, so that big rooms do not hold the event loop. The keys of all of
   * them are fetched side by side.
   *
   * @returns one result for each, in the same order.
   */
  async verifyAll(
    pdus: readonly JsonValue[],
    version: RoomVersion,
    options: VerifyOptions = {},
  ): Promise<Verified[]> {
    const parsed = await inSlices(pdus, pdu => parsePdu(withoutUnsigned(pdu), version))
    const keys = await this.#keysFor(
      parsed.flatMap(one => ('event' in one ? one.event : [])),
      options,
    )
    return inSlices(parsed, one =>
      'refusal' in one
        ? { eventId: undefined, refusal: one.refusal.message }
        : judge(one.event, keys, options),
    )
  }

  /** The keys that the signatures of these events name, by server, key ID and what validity they need. */
  async #keysFor(events: readonly RoomEvent[], options: VerifyOptions): Promise<KeyTable> {
    const table: KeyTable = new Map()
    const wanted = new Map<string, { server: string; keyId: string; validAt: number | undefined }>()
    for (const event of events) {
      for (const server of signersOf(event, options)) {
        for (const keyId of keyIdsOf(event, server)) {
          const validAt = validityOf(event)
          wanted.set(tableKey(server, keyId, validAt), { server, keyId, validAt })
        }
      }
    }
    await Promise.all(
      Array.from(wanted, async ([key, { server, keyId, validAt }]) => {
        const at = validAt === undefined ? {} : { validAt }
        table.set(key, await this.#keys.publicKey(server, keyId, at))
      }),
    )
    return table
  }
}

/** What a peer says in `unsigned` is nobody's word, and not ours to pass on. */
const withoutUnsigned = (pdu: JsonValue): JsonValue => {
  if (!isJsonObject(pdu) || !Object.hasOwn(pdu, 'unsigned')) return pdu
  const { unsigned: _, ...rest } = pdu
  return keepNumberSources(pdu, rest)
}

type KeyTable = Map<string, string | undefined>

const tableKey = (server: string, keyId: string, validAt: number | undefined): string =>
  `${server} ${keyId} ${validAt ?? ''}`

/** rooms/v5.md: "a signing key must have been valid at the time the event was sent". */
const validityOf = (event: RoomEvent): number | undefined =>
  event.version.signatures.enforceKeyValidity ? event.originServerTs : undefined

const signersOf = (event: RoomEvent, { exempt, alsoSignedBy = [] }: VerifyOptions): string[] =>
  [...new Set([...requiredSigners(event), ...alsoSignedBy])].filter(server => server !== exempt)

const keyIdsOf = (event: RoomEvent, server: string): string[] =>
  signatureKeyIds(event.pdu, server).slice(0, MAX_KEYS_PER_SIGNER)

const judge = (event: RoomEvent, keys: KeyTable, options: VerifyOptions): Verified => {
  const { eventId } = event
  const message = signedBytes(event)
  for (const server of signersOf(event, options)) {
    const isSigned = keyIdsOf(event, server).some(keyId => {
      const key = keys.get(tableKey(server, keyId, validityOf(event)))
      const signature = signatureOf(event.pdu, server, keyId)
      return key !== undefined && signature !== undefined && verifySignature(key, message, signature)
    })
    if (!isSigned) return { eventId, refusal: `it has no valid signature of ${server}` }
  }
  return { event: contentHashMatches(event) ? event : eventWithRedactedContent(event) }
}

const inSlices = async <T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> => {
  const results: R[] = []
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % SLICE === 0) await nextTurn()
    results.push(work(item))
  }
  return results
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
