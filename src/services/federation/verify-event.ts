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
    const needed = await inSlices(parsed, one => ('event' in one ? keysNeeded(one.event, options) : []))
    // Ask for all of them at once, each with the latest validity that is needed; below they are at hand.
    if (pdus.length > 1) await Promise.all(latestOf(needed).map(need => this.#key(need)))
    const results: Verified[] = []
    for (const [index, one] of parsed.entries()) {
      if (index > 0 && index % SLICE === 0) await nextTurn()
      if ('refusal' in one) {
        results.push({ eventId: undefined, refusal: one.refusal.message })
        continue
      }
      const keys: KeyTable = new Map()
      for (const need of needed[index] ?? []) keys.set(tableKey(need), await this.#key(need))
      results.push(judge(one.event, keys, options))
    }
    return results
  }

  #key({ server, keyId, validAt }: KeyNeed): Promise<string | undefined> {
    return this.#keys.publicKey(server, keyId, validAt === undefined ? {} : { validAt })
  }
}

/** A key that a signature names. */
interface KeyNeed {
  readonly server: string
  readonly keyId: string
  /** rooms/v5.md: "a signing key must have been valid at the time the event was sent". */
  readonly validAt: number | undefined
}

const keysNeeded = (event: RoomEvent, options: VerifyOptions): KeyNeed[] => {
  const validAt = event.version.signatures.enforceKeyValidity ? event.originServerTs : undefined
  return signersOf(event, options).flatMap(server =>
    keyIdsOf(event, server).map(keyId => ({ server, keyId, validAt })),
  )
}

const latestOf = (needs: readonly (readonly KeyNeed[])[]): KeyNeed[] => {
  const latest = new Map<string, KeyNeed>()
  for (const need of needs.flat()) {
    const key = tableKey(need)
    const known = latest.get(key)
    if (known === undefined || (need.validAt ?? 0) > (known.validAt ?? 0)) latest.set(key, need)
  }
  return [...latest.values()]
}

/** What a peer says in `unsigned` is nobody's word, and not ours to pass on. */
const withoutUnsigned = (pdu: JsonValue): JsonValue => {
  if (!isJsonObject(pdu) || !Object.hasOwn(pdu, 'unsigned')) return pdu
  const { unsigned: _, ...rest } = pdu
  return keepNumberSources(pdu, rest)
}

type KeyTable = Map<string, string | undefined>

const tableKey = ({ server, keyId }: Pick<KeyNeed, 'server' | 'keyId'>): string => `${server} ${keyId}`

const signersOf = (event: RoomEvent, { exempt, alsoSignedBy = [] }: VerifyOptions): string[] =>
  [...new Set([...requiredSigners(event), ...alsoSignedBy])].filter(server => server !== exempt)

const keyIdsOf = (event: RoomEvent, server: string): string[] =>
  signatureKeyIds(event.pdu, server).slice(0, MAX_KEYS_PER_SIGNER)

const judge = (event: RoomEvent, keys: KeyTable, options: VerifyOptions): Verified => {
  const { eventId } = event
  const message = signedBytes(event)
  for (const server of signersOf(event, options)) {
    const isSigned = keyIdsOf(event, server).some(keyId => {
      const key = keys.get(tableKey({ server, keyId }))
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
